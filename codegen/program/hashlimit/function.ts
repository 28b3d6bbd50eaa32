import type { Family } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import type { HashlimitKey, HashlimitTest } from '../../../grammar/model/memory.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
  goto,
  jump32,
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
import { FLOW_LENGTH } from '../flow.js';
import { BYTE_SHIFT, jiffiesOf, rateOf, type Rate } from './rate.js';
import { ENTRY, KEY, LOCKS, type HashlimitMaps } from './tables.js';

/** What the function answers beside 0 and 1: there is no room for one more entry, and the packet is dropped at once. */
const FULL = 2;
/** Stack: key, u32 number of the lock, u32 length, an empty value. */
const SLOT = { key: -40, lock: -44, length: -48, value: -80 } as const;
/** Bytes of stack of the function, as the kernel rounds them up. */
export const HASHLIMIT_STACK = 96;
/** bpf_map_update_elem BPF_NOEXIST. */
const NOEXIST = 1;

const [PORTS, SPI_PORTS] = [[6, 17, 33, 50, 132, 136], 51];

export interface HashlimitFunction {
  readonly test: HashlimitTest;
  readonly maps: HashlimitMaps;
  readonly family: Family;
  /** Offset of a field in struct flow. */
  readonly offset: (field: Field) => number;
  /** CONFIG_HZ. */
  readonly hz: number;
}

/** Fields that the function of a test reads. */
export function hashlimitFields({ table: { keys } }: HashlimitTest, family: Family): readonly Field[] {
  const fields: Field[] = [];
  if (keys.includes('srcip')) fields.push('saddr');
  if (keys.includes('dstip')) fields.push('daddr');
  if (keys.includes('srcport')) fields.push('sport');
  if (keys.includes('dstport')) fields.push('dport');
  if (!keys.includes('srcport') && !keys.includes('dstport')) return fields;
  return [...fields, 'proto', family === 'v4' ? 'ah.spi' : 'fragoff'];
}

/**
 * The function `(flow) → 0, 1 or 2` of a `hashlimit` test (net/netfilter/xt_hashlimit.c hashlimit_mt_common): the
 * answer, or 2 where the packet is dropped because the table is full. An idle entry goes at the kernel's next
 * clean-up; here it counts as gone from the clean-up on, and these are at multiples of their interval.
 *
 * r6 = the entry, r7 = the lock, r8 = jiffies, r9 = the answer.
 */
export function hashlimitFunction(settings: HashlimitFunction): Code {
  return new HashlimitEmitter(settings).emit();
}

class HashlimitEmitter {
  private readonly code = new Code();
  private readonly rate: Rate;

  constructor(private readonly settings: HashlimitFunction) {
    this.rate = rateOf(settings.test.table, settings.hz);
  }

  emit(): Code {
    const { code } = this;
    const { above } = this.settings.test;
    code.emit(jump64('jeq', R1, 0, 'full'), mov64(R6, reg(R1)), load(4, R2, R1, FLOW_LENGTH));
    code.emit(store(4, R10, SLOT.length, R2));
    this.key();
    this.findLock();
    this.findEntry();
    code.emit(callHelper('jiffies64'), mov64(R8, reg(R0)));
    code.emit(mov64(R1, reg(R7)), callHelper('spin_lock'));
    this.revive();
    this.charge();
    code.place('within');
    code.emit(mov64(R9, above ? 0 : 1), goto('unlock'));
    code.place('beyond');
    code.emit(mov64(R9, above ? 1 : 0));
    code.place('unlock');
    code.emit(mov64(R1, reg(R7)), callHelper('spin_unlock'), mov64(R0, reg(R9)), exit());
    code.place('full');
    code.emit(mov64(R0, FULL), exit());
    return code;
  }

  /** The key on the stack; r9 = number of its lock. r6 = flow. */
  private key(): void {
    const { code } = this;
    const { family, test } = this.settings;
    const { keys, sourceMask, destinationMask } = test.table;
    const place = KEY[family];
    code.emit(storeImm(8, R10, SLOT.value, 0), storeImm(8, R10, SLOT.value + 8, 0));
    code.emit(storeImm(8, R10, SLOT.value + 16, 0), storeImm(8, R10, SLOT.value + 24, 0));
    for (let at = 0; at < place.bytes; at += 4) code.emit(storeImm(4, R10, SLOT.key + at, 0));
    code.emit(mov64(R9, 0));
    if (keys.includes('srcip')) this.address('saddr', sourceMask, place.src);
    if (keys.includes('dstip')) this.address('daddr', destinationMask, place.dst);
    if (keys.includes('srcport') || keys.includes('dstport')) this.ports(keys);
    // The upper half of each word has its say in the lower one.
    code.emit(mov64(R1, reg(R9)), alu64('rsh', R1, 32), alu64('xor', R9, reg(R1)));
    code.emit(mov64(R1, reg(R9)), alu64('rsh', R1, 16), alu64('xor', R9, reg(R1)), alu64('and', R9, LOCKS - 1));
  }

  private address(field: 'saddr' | 'daddr', mask: bigint, at: number): void {
    const { code } = this;
    const { family, offset } = this.settings;
    if (family === 'v4') {
      code.emit(load(4, R1, R6, offset(field)), lddw(R2, mask), alu64('and', R1, reg(R2)));
      code.emit(store(4, R10, SLOT.key + at, R1), alu64('xor', R9, reg(R1)));
      return;
    }
    for (const [word, part] of [mask >> 64n, mask].entries()) {
      code.emit(load(8, R1, R6, offset(field) + 8 * word), lddw(R2, part), alu64('and', R1, reg(R2)));
      code.emit(store(8, R10, SLOT.key + at + 8 * word, R1), alu64('xor', R9, reg(R1)));
    }
  }

  /** proto_ports_offset: other protocols have no ports, and pieces of IPv6 datagrams none that is found. */
  private ports(keys: readonly HashlimitKey[]): void {
    const { code } = this;
    const { family, offset } = this.settings;
    const { sport, dport } = KEY[family];
    const none = code.label('no_ports');
    const usual = code.label('ports');
    const put = (to: number): void => code.emit(store(2, R10, SLOT.key + to, R1), alu64('xor', R9, reg(R1)));
    if (family === 'v6') code.emit(load(2, R1, R6, offset('fragoff')), jump32('jne', R1, 0, none));
    code.emit(load(1, R2, R6, offset('proto')));
    for (const proto of PORTS) code.emit(jump32('jeq', R2, proto, usual));
    if (family === 'v4') {
      code.emit(jump32('jne', R2, SPI_PORTS, none), load(4, R3, R6, offset('ah.spi')));
      if (keys.includes('srcport')) {
        code.emit(mov64(R1, reg(R3)), alu64('rsh', R1, 16));
        put(sport);
      }
      if (keys.includes('dstport')) {
        code.emit(mov64(R1, reg(R3)), alu64('and', R1, 0xffff));
        put(dport);
      }
    }
    code.emit(goto(none));
    code.place(usual);
    if (keys.includes('srcport')) {
      code.emit(load(2, R1, R6, offset('sport')));
      put(sport);
    }
    if (keys.includes('dstport')) {
      code.emit(load(2, R1, R6, offset('dport')));
      put(dport);
    }
    code.place(none);
  }

  /** r7 = the lock of number r9. */
  private findLock(): void {
    const { code } = this;
    code.emit(store(4, R10, SLOT.lock, R9), loadMap(R1, this.settings.maps.locks.name));
    code.emit(mov64(R2, reg(R10)), alu64('add', R2, SLOT.lock), callHelper('map_lookup_elem'));
    code.emit(jump64('jeq', R0, 0, 'full'), mov64(R7, reg(R0)));
  }

  /** r6 = the entry of the key: an empty one, which counts as gone long ago, if there was none. */
  private findEntry(): void {
    const { code } = this;
    const { name } = this.settings.maps.entries;
    const found = code.label('found');
    const look = (): void => {
      code.emit(loadMap(R1, name), mov64(R2, reg(R10)), alu64('add', R2, SLOT.key), callHelper('map_lookup_elem'));
    };
    look();
    code.emit(jump64('jne', R0, 0, found));
    code.emit(loadMap(R1, name), mov64(R2, reg(R10)), alu64('add', R2, SLOT.key), mov64(R3, reg(R10)));
    code.emit(alu64('add', R3, SLOT.value), mov64(R4, NOEXIST), callHelper('map_update_elem'));
    look();
    code.emit(jump64('jeq', R0, 0, 'full'));
    code.place(found);
    code.emit(mov64(R6, reg(R0)));
  }

  /** A new entry or one that is gone is as rateinfo_init makes it; another is brought up to now (rateinfo_recalc). */
  private revive(): void {
    const { code, rate } = this;
    const { hz, test } = this.settings;
    const { expire, cleanUp } = test.table;
    const alive = code.label('alive');
    const current = code.label('current');
    code.emit(mov64(R1, reg(R8)), lddw(R2, jiffiesOf(cleanUp, hz)), alu64('mod', R1, reg(R2)));
    code.emit(mov64(R2, reg(R8)), alu64('sub', R2, reg(R1)), load(8, R1, R6, ENTRY.expires));
    code.emit(lddw(R3, jiffiesOf(expire, hz)), alu64('add', R3, reg(R8)), store(8, R6, ENTRY.expires, R3));
    // r2 = the last clean-up, r1 = when the entry might go.
    code.emit(jump64('jlt', R2, reg(R1), alive), store(8, R6, ENTRY.previous, R8));
    const [credit, cap] =
      rate.kind === 'match' ? [0n, 0n] : [rate.cap, rate.kind === 'bytes' ? rate.refills : rate.cap];
    code.emit(lddw(R1, credit), store(8, R6, ENTRY.credit, R1), lddw(R1, cap), store(8, R6, ENTRY.cap, R1));
    code.emit(goto(current));
    code.place(alive);
    code.emit(load(8, R1, R6, ENTRY.previous), mov64(R3, reg(R8)), alu64('sub', R3, reg(R1)));
    code.emit(jump64('jeq', R3, 0, current));
    if (rate.kind === 'match') {
      const fast = code.label('fast');
      code.emit(lddw(R2, rate.interval), jump64('jlt', R3, reg(R2), current), store(8, R6, ENTRY.previous, R8));
      code.emit(load(8, R1, R6, ENTRY.credit), alu64('mul', R1, reg(R2)));
      code.emit(lddw(R4, rate.rate), alu64('mul', R3, reg(R4)), mov64(R5, 1));
      code.emit(jump64('jgt', R1, reg(R3), fast), mov64(R5, 0));
      code.place(fast);
      code.emit(store(8, R6, ENTRY.cap, R5), storeImm(8, R6, ENTRY.credit, 0));
    } else {
      const capped = code.label('capped');
      code.emit(store(8, R6, ENTRY.previous, R8), load(8, R4, R6, ENTRY.credit), lddw(R2, rate.perJiffy));
      code.emit(alu64('mul', R3, reg(R2)), alu64('add', R3, reg(R4)), lddw(R2, rate.cap));
      if (rate.kind === 'bytes') {
        const whole = code.label('whole');
        code.emit(jump64('jgt', R3, reg(R4), whole), mov64(R3, reg(R2)));
        code.place(whole);
      }
      code.emit(jump64('jle', R3, reg(R2), capped), mov64(R3, reg(R2)));
      code.place(capped);
      code.emit(store(8, R6, ENTRY.credit, R3));
    }
    code.place(current);
  }

  /** Takes what the packet costs; falls through or jumps to `within`, or jumps to `beyond`. */
  private charge(): void {
    const { code, rate } = this;
    if (rate.kind === 'match') {
      if (rate.inBytes) code.emit(load(4, R1, R10, SLOT.length));
      else code.emit(mov64(R1, 1));
      code.emit(load(8, R2, R6, ENTRY.credit), alu64('add', R2, reg(R1)), store(8, R6, ENTRY.credit, R2));
      code.emit(load(8, R1, R6, ENTRY.cap), jump64('jne', R1, 0, 'beyond'));
      code.emit(lddw(R1, rate.burst), jump64('jgt', R2, reg(R1), 'beyond'));
      return;
    }
    code.emit(load(8, R2, R6, ENTRY.credit));
    if (rate.kind === 'packets') code.emit(lddw(R1, rate.cost));
    else this.byteCost(rate);
    code.emit(jump64('jlt', R2, reg(R1), 'beyond'), alu64('sub', R2, reg(R1)), store(8, R6, ENTRY.credit, R2));
  }

  /** r1 = the packet's cost, r2 = the credit, filled anew if that is possible (hashlimit_byte_cost). */
  private byteCost({ cost, cap }: Extract<Rate, { kind: 'bytes' }>): void {
    const { code } = this;
    const clamped = code.label('clamped');
    const filled = code.label('filled');
    code.emit(load(4, R1, R10, SLOT.length), alu32('rsh', R1, BYTE_SHIFT), alu64('add', R1, 1));
    code.emit(lddw(R3, cost), alu64('mul', R1, reg(R3)), lddw(R3, cap), jump64('jle', R1, reg(R3), clamped));
    code.emit(mov64(R1, reg(R3)));
    code.place(clamped);
    code.emit(jump64('jge', R2, reg(R1), filled), load(8, R4, R6, ENTRY.cap), jump64('jeq', R4, 0, filled));
    code.emit(alu64('sub', R4, 1), store(8, R6, ENTRY.cap, R4), mov64(R2, reg(R3)), store(8, R6, ENTRY.credit, R2));
    code.place(filled);
  }
}

/** Calls the function of a test from a chain function (register `flow`). Clobbers r0–r5. */
export function emitHashlimitTest(
  code: Code,
  name: string,
  flow: number,
  labels: { readonly ifTrue: string; readonly ifFalse: string; readonly hotdrop: string },
): void {
  code.emit(mov64(R1, reg(flow)), callFunction(name), jump64('jeq', R0, 0, labels.ifFalse));
  code.emit(jump64('jeq', R0, FULL, labels.hotdrop), goto(labels.ifTrue));
}
