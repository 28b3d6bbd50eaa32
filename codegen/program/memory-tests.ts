import { remembers, type Opaque } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { MapSpec, ParamSpec } from '../object/spec.js';
import { TooLargeError, type BelowChains } from './chain-limits.js';
import type { Code } from './code.js';
import { emitNth, emitQuota } from './count.js';
import type { FlowLayout } from './flow.js';
import { emitHashlimitTest, hashlimitFields, hashlimitFunction, HASHLIMIT_STACK } from './hashlimit/function.js';
import { HashlimitTables } from './hashlimit/tables.js';
import { MemoryKeys } from './keys.js';
import { bucketOf, emitLimit, limitsMap } from './limit.js';
import type { ReachableRule } from './reachable.js';
import { emitRecentTest, recentFunction, RECENT_STACK } from './recent/function.js';
import { RecentLists } from './recent/lists.js';
import type { FunctionCode } from './function-code.js';

/** Where a test stands, and where its code goes. */
export interface MemoryPlace {
  readonly rule: ReachableRule;
  /** Which test of the rule, from 0. */
  readonly ordinal: number;
  /** Register that points to struct flow. */
  readonly flow: number;
  readonly layout: FlowLayout;
  /** Packets of the chain are forwarded. */
  readonly forwarded: boolean;
  readonly ifTrue: string;
  readonly ifFalse: string;
  readonly hotdrop: string;
}

/** Instructions of one program that the verifier follows are 1,000,000; so much is left to the functions of lists. */
const MOST_VERIFIED = 800_000;
/** Measured with Linux 6.18: 25 to 32 an entry. */
const VERIFIED_PER_STEP = 40;

type Functions = readonly FunctionCode[];

/** Fields that the code of a test with memory reads. */
export function memoryFields(test: Opaque, family: Family): readonly Field[] {
  if (test.name === 'recent') return [test.test.side === 'src' ? 'saddr' : 'daddr', 'ttl'];
  return test.name === 'hashlimit' ? hashlimitFields(test.test, family) : [];
}

/** What the tests with memory of one object share, whichever program asks: the maps, and the functions that answer. */
export class MemoryTests {
  private readonly words = new MemoryKeys();
  readonly recent: RecentLists;
  readonly hashlimit: HashlimitTables;

  /** `hz`: CONFIG_HZ. */
  constructor(
    private readonly ruleset: Ruleset,
    readonly hz: number,
    recentEntries: number,
  ) {
    this.recent = new RecentLists(ruleset, recentEntries);
    this.hashlimit = new HashlimitTables(ruleset.family);
  }

  /** Emits a test; false where it is none with memory. Clobbers r0–r5, r8, r9 and the stack slot at −4. */
  emit(code: Code, test: Opaque, place: MemoryPlace): boolean {
    // Its memory is with the set.
    if (!remembers(test) || test.name === 'counted-set') return false;
    const { rule, ordinal, flow, layout, ifTrue, ifFalse } = place;
    switch (test.name) {
      case 'limit':
        emitLimit(code, this.words.of(rule, ordinal), bucketOf(test, this.hz), ifTrue, ifFalse);
        return true;
      case 'quota':
        emitQuota(code, flow, this.words.of(rule, ordinal), test, ifTrue, ifFalse);
        return true;
      case 'nth':
        emitNth(code, this.words.of(rule, ordinal), test, ifTrue, ifFalse);
        return true;
      case 'recent': {
        const name = this.recent.functionOf(test.test);
        const ttl = this.recent.list(test.test.list).keepsTtl ? offsetIn(layout, 'ttl') : undefined;
        emitRecentTest(code, { name, flow, ttl, forwarded: place.forwarded }, ifTrue, ifFalse);
        return true;
      }
      case 'hashlimit':
        this.hashlimit.of(test.test);
        emitHashlimitTest(code, this.hashlimit.functionOf(test.test), flow, place);
        return true;
      case 'connlimit':
        throw new Error('iptables is asked for connlimit');
    }
  }

  /** The functions of the tests among these. */
  functions(tests: readonly Opaque[], layout: FlowLayout, flow: ParamSpec): Functions {
    const { family } = this.ruleset;
    const { hz } = this;
    const offset = (field: Field): number => offsetIn(layout, field);
    return tests.flatMap((one): Functions => {
      if (one.name === 'recent') {
        const { test } = one;
        const list = this.recent.list(test.list);
        const address = offset(test.side === 'src' ? 'saddr' : 'daddr');
        const code = recentFunction({ test, list, family, address, hz });
        const ttl: ParamSpec = { name: 'ttl', type: { kind: 'int' } };
        return [{ name: this.recent.functionOf(test), params: [flow, ttl], instructions: code.finish() }];
      }
      if (one.name !== 'hashlimit') return [];
      const { test } = one;
      const code = hashlimitFunction({ test, maps: this.hashlimit.of(test), family, offset, hz });
      return [{ name: this.hashlimit.functionOf(test), params: [flow], instructions: code.finish() }];
    });
  }

  /** What the functions of the tests take below the chain functions; `entry`: stack of the entry function. */
  below(tests: readonly Opaque[], entry: number): BelowChains | undefined {
    const names = new Set<string>();
    let stack = 0;
    for (const test of tests) {
      if (test.name === 'recent') {
        names.add(this.recent.functionOf(test.test));
        stack = Math.max(stack, RECENT_STACK);
      } else if (test.name === 'hashlimit') {
        names.add(this.hashlimit.functionOf(test.test));
        stack = HASHLIMIT_STACK;
      }
    }
    if (this.verified(tests) > MOST_VERIFIED) throw new TooLargeError();
    return names.size === 0 ? undefined : { depth: 1, stack: entry + stack, functions: names.size };
  }

  /** Instructions that the verifier follows in the functions of lists, which it walks entry by entry. */
  private verified(tests: readonly Opaque[]): number {
    const names = new Map<string, number>();
    for (const test of tests) {
      if (test.name !== 'recent') continue;
      const { entries, stamps } = this.recent.list(test.test.list).layout;
      names.set(this.recent.functionOf(test.test), VERIFIED_PER_STEP * (entries + stamps));
    }
    return [...names.values()].reduce((sum, one) => sum + one, 0);
  }

  /** Valid when all programs have been emitted. */
  maps(): readonly MapSpec[] {
    return [
      ...(this.words.size > 0 ? [limitsMap(this.words.size)] : []),
      ...this.recent.all().map(({ map }) => map),
      ...this.hashlimit.all().flatMap(({ entries, locks }) => [entries, locks]),
    ];
  }

  /** What the programs need of a kernel. */
  features(): readonly string[] {
    const locked = this.recent.all().length + this.hashlimit.all().length > 0;
    const words = this.words.size > 0 ? ['64-bit atomic compare and exchange'] : [];
    const locks = locked ? ['bpf_spin_lock in map values'] : [];
    return words.length + locks.length === 0 ? [] : [...words, ...locks, 'helper bpf_jiffies64'];
  }

  /** What must hold for the tests to answer as iptables does. */
  assumptions(): readonly string[] {
    const lists = this.recent.all();
    const tables = this.hashlimit.all();
    const notes: string[] = [];
    if (this.maps().length > 0) notes.push(`CONFIG_HZ of the running kernel is ${this.hz}`);
    if (lists.length > 0) {
      const names = lists.map(({ name }) => name).join(', ');
      notes.push(`module xt_recent has ip_list_tot=${lists[0].layout.entries} and ip_pkt_list_tot=0`);
      notes.push(
        `the lists of recent (${names}) are empty at first, and rules of the other IP version do not use them`,
      );
    }
    for (const { name, table } of tables) {
      notes.push(`table ${name} of hashlimit never has more than ${table.most} entries at a time`);
    }
    return notes;
  }
}

export function offsetIn(layout: FlowLayout, field: Field): number {
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is tested but not in the flow`);
  return offset;
}
