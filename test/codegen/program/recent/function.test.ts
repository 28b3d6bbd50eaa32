import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../../bpf-runtime/interpreter/index.js';
import { assemble } from '../../../../codegen/bytecode/assemble.js';
import { callFunction, exit, jump64, load, R1, R2, R3 } from '../../../../codegen/bytecode/instruction.js';
import type { FunctionSpec } from '../../../../codegen/object/spec.js';
import { Code } from '../../../../codegen/program/code.js';
import { recentFunction } from '../../../../codegen/program/recent/function.js';
import { RecentLists } from '../../../../codegen/program/recent/lists.js';
import type { Family } from '../../../../grammar/model/family.js';
import { opaque } from '../../../../grammar/model/condition.js';
import { recentStamps, type RecentTest } from '../../../../grammar/model/memory.js';
import type { Ruleset } from '../../../../grammar/model/ruleset.js';
import { RecentMemory } from '../../../../src/evaluate/index.js';
import { objectSpec } from '../../../bpf-runtime/interpreter/support.js';
import { rulesetOf } from '../rulesets.js';

const BITS = { v4: 32, v6: 128 } as const;
/** Places in the piece of memory that stands for struct flow. */
const PLACE = { address: 0, ttl: 16, test: 20, bytes: 24 } as const;

/** A ruleset whose one rule has these tests. */
function rulesetWith(family: Family, tests: readonly RecentTest[]): Ruleset {
  const empty = rulesetOf('*filter\n:INPUT ACCEPT\n-A INPUT\nCOMMIT\n', family);
  const matches = tests.map((test) => ({ name: 'recent', words: [], condition: opaque({ name: 'recent', test }) }));
  return {
    ...empty,
    tables: empty.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.map((rule) => ({ ...rule, matches })),
      })),
    })),
  };
}

interface Setting {
  readonly family: Family;
  readonly hz: number;
  readonly entries: number;
  readonly tests: readonly RecentTest[];
}

/** The functions of several tests, and a program that calls the one it is asked for. */
class Lists {
  private readonly clock: { nanoseconds: bigint; hz: number };
  private readonly program: Interpreter;

  constructor(private readonly setting: Setting) {
    const { family, hz, entries, tests } = setting;
    this.clock = { nanoseconds: 0n, hz };
    const lists = new RecentLists(rulesetWith(family, tests), entries);
    const functions = tests.map((test): FunctionSpec => {
      const list = lists.list(test.list);
      const code = recentFunction({ test, list, family, address: PLACE.address, hz });
      const name = lists.functionOf(test);
      const params = [
        { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: PLACE.bytes } },
        { name: 'ttl', type: { kind: 'int' } },
      ] as const;
      return { name, linkage: 'global', params, instructions: assemble(name, code.finish()) };
    });
    const code = new Code();
    const labels = tests.map((_, index) => code.label(`test${index}`));
    code.emit(load(4, R2, R1, PLACE.ttl), load(4, R3, R1, PLACE.test));
    labels.slice(1).forEach((label, index) => code.emit(jump64('jeq', R3, index + 1, label)));
    tests.forEach((test, index) => {
      code.place(labels[index]);
      code.emit(callFunction(lists.functionOf(test)), exit());
    });
    const unique = [...new Map(functions.map((one) => [one.name, one])).values()];
    const maps = lists.all().map(({ map }) => map);
    const spec = objectSpec('tc', assemble('entry', code.finish()), { maps, functions: unique });
    this.program = new Interpreter(spec, { clock: this.clock, type: 'memory' });
  }

  advanceTo(jiffies: bigint): void {
    const hz = BigInt(this.clock.hz);
    this.clock.nanoseconds = (jiffies * 1_000_000_000n + hz - 1n) / hz;
  }

  match(test: number, address: bigint, ttl: number): boolean {
    const memory = new Uint8Array(PLACE.bytes);
    const view = new DataView(memory.buffer);
    if (this.setting.family === 'v4') {
      view.setUint32(PLACE.address, Number(address), true);
    } else {
      view.setBigUint64(PLACE.address, address >> 64n, true);
      view.setBigUint64(PLACE.address + 8, BigInt.asUintN(64, address), true);
    }
    view.setUint32(PLACE.ttl, ttl, true);
    view.setUint32(PLACE.test, test, true);
    return this.program.runOnMemory(memory).result === 1n;
  }
}

const testOf = (family: Family): fc.Arbitrary<RecentTest> => {
  const full = (1n << BigInt(BITS[family])) - 1n;
  return fc
    .record({
      list: fc.constantFrom('one', 'one', 'two'),
      action: fc.constantFrom('set', 'set', 'check', 'update', 'update', 'remove'),
      inverted: fc.boolean(),
      side: fc.constant('src'),
      seconds: fc.constantFrom(0, 1, 2, 5, 17_179_870),
      hits: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 5 }) }, fc.nat({ max: 40 })),
      sameTtl: fc.boolean(),
      reap: fc.boolean(),
    } as const)
    .map((test): RecentTest => {
      const looks = test.action === 'check' || test.action === 'update';
      const limits = looks ? {} : { seconds: 0, hits: 0, sameTtl: false };
      const reap = looks && test.seconds > 0 && test.reap;
      return { ...test, ...limits, reap, mask: full };
    });
};

function settings(family: Family): fc.Arbitrary<Setting> {
  const full = (1n << BigInt(BITS[family])) - 1n;
  return fc
    .record({
      family: fc.constant(family),
      hz: fc.constantFrom(100, 250, 1000),
      entries: fc.integer({ min: 1, max: 5 }),
      tests: fc.array(testOf(family), { minLength: 2, maxLength: 5 }),
      masks: fc.array(fc.constantFrom(full, full, full ^ 1n), { minLength: 2, maxLength: 2 }),
    })
    .map(({ masks, tests, ...rest }) => ({
      ...rest,
      tests: tests.map((test) => ({ ...test, mask: masks[test.list === 'one' ? 0 : 1] })),
    }));
}

const packets = fc.array(
  fc.record({
    test: fc.nat({ max: 4 }),
    address: fc.nat({ max: 9 }),
    ttl: fc.constantFrom(64, 64, 63, 0),
    pause: fc.constantFrom<[number, number]>([0, 0], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1], [3, 0], [6, 0]),
  }),
  { minLength: 20, maxLength: 80 },
);

describe('recentFunction', () => {
  it.each(['v4', 'v6'] as const)('answers and remembers as xt_recent does: %s', (family) => {
    const met = { matched: 0, not: 0 };
    fc.assert(
      fc.property(settings(family), packets, (setting, sequence) => {
        const { tests, hz, entries } = setting;
        const lists = new Lists(setting);
        const memory = new RecentMemory({ hz, entries }, tests);
        let now = 0n;
        for (const { test, address, ttl, pause } of sequence) {
          const [seconds, jiffies] = pause;
          now += BigInt(seconds * hz + jiffies);
          lists.advanceTo(now);
          memory.advanceTo(BigInt.asUintN(32, -300n * BigInt(hz)) + now);
          const which = test % tests.length;
          // Some have a zero in one half or both, as a free entry has.
          const source = BigInt(address) + (family === 'v6' && address > 4 ? 1n << 64n : 0n);
          const want = memory.match(tests[which], { source, destination: 0n, ttl });
          met[want ? 'matched' : 'not']++;
          expect(lists.match(which, source, ttl)).toBe(want);
        }
      }),
      { numRuns: 150 },
    );
    expect(Math.min(met.matched, met.not)).toBeGreaterThan(1000);
  });

  it('remembers the last packets of an address in a ring', () => {
    const check: RecentTest = {
      ...{ list: 'l', action: 'check', inverted: false, side: 'src', mask: 0xffffffffn },
      ...{ seconds: 1, hits: 3, sameTtl: false, reap: false },
    };
    const set: RecentTest = { ...check, action: 'set', seconds: 0, hits: 0 };
    expect(recentStamps([check])).toBe(4);
    expect(recentStamps([check, set])).toBe(32);
    expect(recentStamps([{ ...check, hits: 33 }, set])).toBe(64);
    const lists = new Lists({ family: 'v4', hz: 250, entries: 2, tests: [check, set] });
    const seen = Array.from({ length: 70 }, (_, i) => {
      lists.advanceTo(BigInt(i * 200));
      lists.match(1, 7n, 0);
      return lists.match(0, 7n, 0);
    });
    // Two packets 0.8 s apart are in a second, never three.
    expect(seen.some(Boolean)).toBe(false);
    lists.match(1, 7n, 0);
    expect(lists.match(0, 7n, 0)).toBe(true);
  });
});
