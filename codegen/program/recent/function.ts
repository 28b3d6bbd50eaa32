import type { Family } from '../../../grammar/model/family.js';
import type { RecentTest } from '../../../grammar/model/memory.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
  goto,
  jump64,
  lddw,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { HEAD, RECORD, type RecentList } from './lists.js';

/** Stack of the function: u32 key of the map, u32 TTL, u64 second word of an IPv6 address, u64 entry while one is reaped. */
const SLOT = { key: -4, ttl: -8, low: -16, entry: -24 } as const;
/** Bytes of stack of the function, as the kernel rounds them up. */
export const RECENT_STACK = 32;
/** What tells a used IPv4 entry from a free one. */
const USED = 1n << 32n;

export interface RecentFunction {
  readonly test: RecentTest;
  readonly list: RecentList;
  readonly family: Family;
  /** Offset of the tested address in struct flow. */
  readonly address: number;
  /** CONFIG_HZ. */
  readonly hz: number;
}

/**
 * The function `(flow, ttl) → 0 or 1` of a `recent` test (net/netfilter/xt_recent.c recent_mt): the answer, and what it
 * leaves behind in the list, under the list's lock from the first look to the last change.
 *
 * What a search finds goes through memory: the verifier then knows it as some entry, not as each one in turn. Under the
 * lock: r6 = the list, r7 = jiffies, r8 = number of the entry, r9 = the (first word of the) key, later the answer.
 */
export function recentFunction(settings: RecentFunction): Code {
  return new RecentEmitter(settings).emit();
}

class RecentEmitter {
  private readonly code = new Code();

  constructor(private readonly settings: RecentFunction) {}

  emit(): Code {
    const { code } = this;
    const { test } = this.settings;
    this.prologue();
    this.find('absent');
    if (test.sameTtl) this.compareTtl('absent');
    switch (test.action) {
      case 'set':
        this.touch();
        this.answer(!test.inverted);
        break;
      case 'remove':
        this.free();
        this.answer(!test.inverted);
        break;
      case 'check':
      case 'update':
        this.check();
        break;
    }
    code.place('absent');
    if (test.action === 'set') {
      this.create();
      this.answer(!test.inverted);
    } else {
      this.answer(test.inverted);
    }
    code.place('unlock');
    code.emit(mov64(R1, reg(R6)), callHelper('spin_unlock'), mov64(R0, reg(R9)), exit());
    code.place('nothing');
    code.emit(mov64(R0, 0), exit());
    return code;
  }

  private answer(value: boolean): void {
    this.code.emit(mov64(R9, value ? 1 : 0), goto('unlock'));
  }

  /** Key, time, and the lock. */
  private prologue(): void {
    const { code } = this;
    const { test, list, family, address } = this.settings;
    code.emit(jump64('jeq', R1, 0, 'nothing'), store(4, R10, SLOT.ttl, R2), storeImm(4, R10, SLOT.key, 0));
    if (family === 'v4') {
      code.emit(load(4, R9, R1, address), lddw(R3, test.mask), alu64('and', R9, reg(R3)));
      code.emit(lddw(R3, USED), alu64('or', R9, reg(R3)));
    } else {
      code.emit(load(8, R9, R1, address), lddw(R3, test.mask >> 64n), alu64('and', R9, reg(R3)));
      code.emit(load(8, R4, R1, address + 8), lddw(R3, test.mask), alu64('and', R4, reg(R3)));
      code.emit(store(8, R10, SLOT.low, R4));
    }
    code.emit(loadMap(R1, list.map.name), mov64(R2, reg(R10)), alu64('add', R2, SLOT.key));
    code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, 'nothing'), mov64(R6, reg(R0)));
    code.emit(callHelper('jiffies64'), mov64(R7, reg(R0)));
    code.emit(mov64(R1, reg(R6)), callHelper('spin_lock'));
  }

  /** r8 = the entry of the address (recent_entry_lookup); goes to `absent` where there is none. */
  private find(absent: string): void {
    const { code } = this;
    const { keys, keyWords } = this.settings.list.layout;
    if (keyWords === 3) code.emit(load(8, R5, R10, SLOT.low));
    this.eachEntry(keys, 8 * keyWords, (next) => {
      code.emit(load(8, R3, R1, 0), jump64('jne', R3, reg(R9), next));
      if (keyWords === 3) {
        code.emit(load(8, R3, R1, 8), jump64('jne', R3, reg(R5), next));
        code.emit(load(8, R3, R1, 16), jump64('jeq', R3, 0, next));
      }
      code.emit(goto('found'));
    });
    code.emit(goto(absent));
    code.place('found');
    code.emit(store(4, R6, HEAD.found, R2));
    this.loadFound(absent);
  }

  /** Runs `body` with r1 = place of each entry in an array, r2 = its number. */
  private eachEntry(array: number, stride: number, body: (next: string) => void): void {
    const { code } = this;
    const loop = code.label('entry');
    const next = code.label('next');
    code.emit(mov64(R1, reg(R6)), alu64('add', R1, array), mov64(R2, 0));
    code.place(loop);
    body(next);
    code.place(next);
    code.emit(alu64('add', R1, stride), alu64('add', R2, 1));
    code.emit(jump64('jlt', R2, this.settings.list.layout.entries, loop));
  }

  /** r8 = number of the entry that a search left in memory. */
  private loadFound(none: string): void {
    const { entries } = this.settings.list.layout;
    this.code.emit(load(4, R8, R6, HEAD.found), jump64('jge', R8, entries, none));
  }

  /** `to` = place of entry `number` (r8 or r0) in an array. */
  private place(to: number, number: number, array: number, stride: number): void {
    const { code } = this;
    code.emit(mov64(to, reg(number)), alu64('mul', to, stride), alu64('add', to, reg(R6)), alu64('add', to, array));
  }

  private record(to: number, number = R8): void {
    const { records, recordBytes } = this.settings.list.layout;
    this.place(to, number, records, recordBytes);
  }

  /** The TTL of entry or packet may be unknown (0), else they must be the same. */
  private compareTtl(absent: string): void {
    const { code } = this;
    const same = code.label('same');
    this.record(R1);
    code.emit(load(4, R2, R1, RECORD.ttl), load(4, R3, R10, SLOT.ttl));
    code.emit(jump64('jeq', R2, reg(R3), same), jump64('jeq', R2, 0, same), jump64('jne', R3, 0, absent));
    code.place(same);
  }

  /** touched = the clock, which ticks (the end of the kernel's LRU list). Clobbers r1, r2. */
  private stampTouched(): void {
    const { code } = this;
    this.place(R1, R8, this.settings.list.layout.touched, 8);
    code.emit(load(8, R2, R6, HEAD.clock), alu64('add', R2, 1), store(8, R6, HEAD.clock, R2), store(8, R1, 0, R2));
  }

  private keepTtl(record: number): void {
    if (!this.settings.list.keepsTtl) return;
    this.code.emit(load(4, R2, R10, SLOT.ttl), store(4, record, RECORD.ttl, R2));
  }

  /** recent_entry_update. */
  private touch(): void {
    const { code } = this;
    const { stamps } = this.settings.list.layout;
    const known = code.label('known');
    this.record(R1);
    this.keepTtl(R1);
    code.emit(load(4, R2, R1, RECORD.index), alu64('and', R2, stamps - 1));
    code.emit(mov64(R3, reg(R2)), alu64('lsh', R3, 3), alu64('add', R3, reg(R1)), store(8, R3, RECORD.stamps, R7));
    code.emit(alu64('add', R2, 1), store(4, R1, RECORD.index, R2));
    code.emit(load(4, R3, R1, RECORD.count), jump64('jle', R2, reg(R3), known), store(4, R1, RECORD.count, R2));
    code.place(known);
    this.stampTouched();
  }

  /** recent_entry_init: takes the entry that is free, or was touched longest ago. */
  private create(): void {
    const { code } = this;
    const { touched, keys, keyWords } = this.settings.list.layout;
    this.least(touched, 0);
    this.loadFound('nothing_free');
    this.place(R1, R8, keys, 8 * keyWords);
    code.emit(store(8, R1, 0, R9));
    if (keyWords === 3) {
      code.emit(load(8, R2, R10, SLOT.low), store(8, R1, 8, R2), storeImm(8, R1, 16, 1));
    }
    this.record(R1);
    code.emit(storeImm(4, R1, RECORD.index, 1), storeImm(4, R1, RECORD.count, 1), store(8, R1, RECORD.stamps, R7));
    this.keepTtl(R1);
    this.stampTouched();
    code.place('nothing_free');
  }

  /** Leaves in memory the entry with the least (touched − `bias`), which a bias of 1 makes the greatest of a free one. */
  private least(touched: number, bias: 0 | 1): void {
    const { code } = this;
    code.emit(storeImm(8, R6, HEAD.least, -1), storeImm(4, R6, HEAD.found, 0));
    this.eachEntry(touched, 8, (next) => {
      code.emit(load(8, R3, R1, 0));
      if (bias === 1) code.emit(alu64('sub', R3, 1));
      code.emit(load(8, R4, R6, HEAD.least), jump64('jge', R3, reg(R4), next));
      code.emit(store(8, R6, HEAD.least, R3), store(4, R6, HEAD.found, R2));
    });
  }

  /** recent_entry_remove of entry r8. */
  private free(): void {
    const { code } = this;
    const { touched, keys, keyWords } = this.settings.list.layout;
    this.place(R1, R8, touched, 8);
    code.emit(storeImm(8, R1, 0, 0));
    this.place(R1, R8, keys, 8 * keyWords);
    for (let word = 0; word < keyWords; word++) code.emit(storeImm(8, R1, 8 * word, 0));
  }

  private check(): void {
    const { code } = this;
    const { test } = this.settings;
    this.countYoung();
    code.emit(jump64('jlt', R0, Math.max(1, test.hits), 'seldom'));
    this.conclude(!test.inverted);
    code.place('seldom');
    this.conclude(test.inverted);
  }

  /** What follows from the answer: reaping, and the update. */
  private conclude(result: boolean): void {
    const { test } = this.settings;
    const updates = test.action === 'update' && result;
    if (test.reap) this.reap(updates);
    if (updates) this.touch();
    this.answer(result);
  }

  /** `to` = the earliest jiffy that is not too old. */
  private since(to: number): void {
    const { test, hz } = this.settings;
    const span = BigInt.asUintN(32, BigInt(test.seconds) * BigInt(hz));
    this.code.emit(mov64(to, reg(R7)));
    // Immediates are signed.
    if (span < 1n << 31n) this.code.emit(alu64('sub', to, Number(span)));
    else this.code.emit(lddw(R0, span), alu64('sub', to, reg(R0)));
  }

  /** r0 = number of packets of entry r8 that are young enough. */
  private countYoung(): void {
    const { code } = this;
    const { test, list } = this.settings;
    this.record(R4);
    code.emit(load(4, R5, R4, RECORD.count));
    if (test.seconds === 0) {
      code.emit(mov64(R0, reg(R5)));
      return;
    }
    const loop = code.label('stamp');
    const counted = code.label('counted');
    this.since(R1);
    code.emit(mov64(R2, 0), mov64(R3, 0));
    code.place(loop);
    code.emit(jump64('jge', R2, reg(R5), counted), load(8, R0, R4, RECORD.stamps));
    // The sign of the difference, as time_after takes it: 1 for what is too old.
    code.emit(alu64('sub', R0, reg(R1)), alu64('rsh', R0, 63), alu64('add', R3, reg(R0)));
    code.emit(alu64('add', R4, 8), alu64('add', R2, 1), jump64('jlt', R2, list.layout.stamps, loop));
    code.place(counted);
    code.emit(mov64(R0, reg(R5)), alu64('sub', R0, reg(R3)));
  }

  /** recent_entry_reap: the entry touched longest ago goes if it is too old and is not about to be updated. */
  private reap(updates: boolean): void {
    const { code } = this;
    const { touched, stamps } = this.settings.list.layout;
    const done = code.label('reaped');
    code.emit(store(8, R10, SLOT.entry, R8));
    this.least(touched, 1);
    this.loadFound(done);
    if (updates) code.emit(load(8, R1, R10, SLOT.entry), jump64('jeq', R8, reg(R1), done));
    this.record(R1);
    code.emit(load(4, R2, R1, RECORD.index), alu32('sub', R2, 1), alu64('and', R2, stamps - 1));
    code.emit(alu64('lsh', R2, 3), alu64('add', R1, reg(R2)), load(8, R2, R1, RECORD.stamps));
    this.since(R1);
    code.emit(alu64('sub', R2, reg(R1)), jump64('jsge', R2, 0, done));
    this.free();
    code.place(done);
    code.emit(load(8, R8, R10, SLOT.entry));
  }
}

/**
 * Calls the function of a test from a chain function (register `flow`). `ttl`: its place in struct flow, where the list
 * keeps it; a forwarded packet had one more before. Clobbers r0–r5.
 */
export function emitRecentTest(
  code: Code,
  call: { readonly name: string; readonly flow: number; readonly ttl: number | undefined; readonly forwarded: boolean },
  ifTrue: string,
  ifFalse: string,
): void {
  if (call.ttl === undefined) {
    code.emit(mov64(R2, 0));
  } else {
    code.emit(load(1, R2, call.flow, call.ttl));
    if (call.forwarded) code.emit(alu64('add', R2, 1), alu64('and', R2, 0xff));
  }
  code.emit(mov64(R1, reg(call.flow)), callFunction(call.name), jump64('jeq', R0, 0, ifFalse), goto(ifTrue));
}
