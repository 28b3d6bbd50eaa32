import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldLists, optimize } from '../../../codegen/optimize/index.js';
import { all, any, hotdrop, inSet, not, opaque, type Condition } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import { contains, intervals } from '../../../grammar/model/interval.js';
import type { Effect } from '../../../grammar/model/ruleset.js';
import { programOf, SETTINGS, type RuleText } from './programs.js';
import { runProgram, type Values } from './run-program.js';

/** Fields with few values, so that rules meet. */
const FIELDS = ['saddr', 'daddr', 'proto', 'dport', 'l4len', 'mark', 'pkttype'] as const satisfies readonly Field[];
const VALUES = 8;
const SEED = Number(process.env.IPT2BPF_SEED ?? String(Date.now() & 0xffff));

const field = fc.constantFrom(...FIELDS);
const range = fc.tuple(fc.nat(VALUES - 1), fc.nat(VALUES - 1));
const set = fc
  .array(range, { minLength: 1, maxLength: 2 })
  .map((parts) => intervals(...parts.map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)])));
const test = fc.tuple(field, set, fc.constantFrom(undefined, undefined, undefined, 3n)).map(([name, values, mask]) =>
  mask === undefined
    ? inSet(name, values)
    : inSet(
        name,
        values.filter(({ hi }) => hi <= mask),
        mask,
      ),
);
const plain = fc.oneof(
  { weight: 6, arbitrary: test },
  { weight: 1, arbitrary: test.map(not) },
  { weight: 1, arbitrary: fc.array(test, { maxLength: 2 }).map((of) => any(...of)) },
  { weight: 1, arbitrary: fc.array(test, { maxLength: 2 }).map((of) => not(all(...of))) },
);
const part: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 10, arbitrary: plain },
  { weight: 3, arbitrary: plain.map(hotdrop) },
  { weight: 1, arbitrary: fc.constant(opaque({ name: 'limit', average: 1, burst: 1 })) },
  { weight: 1, arbitrary: fc.constant(opaque({ name: 'ctstate', states: ['NEW'] })) },
);
const condition = fc.array(part, { maxLength: 5 }).map((of) => all(...of));

const effect = (chains: readonly string[]): fc.Arbitrary<Effect> =>
  fc.oneof(
    fc.constantFrom<Effect>({ kind: 'accept' }, { kind: 'drop' }, { kind: 'return' }, { kind: 'continue' }),
    fc.constant<Effect>({ kind: 'mark', clear: 3, flip: 5 }),
    ...(chains.length === 0
      ? []
      : [
          fc
            .tuple(fc.constantFrom(...chains), fc.boolean())
            .map(([chain, goto]): Effect => ({ kind: 'jump', chain, goto })),
        ]),
  );
const rules = (below: readonly string[], least: number): fc.Arbitrary<readonly RuleText[]> =>
  fc.array(fc.record({ if: condition, then: effect(below) }), { minLength: least, maxLength: 8 });
const program = fc
  .record({
    INPUT: rules(['ONE', 'TWO', 'THREE'], 3),
    ONE: rules(['TWO', 'THREE'], 0),
    TWO: rules(['THREE'], 0),
    THREE: rules([], 0),
  })
  .map(programOf);
const packet: fc.Arbitrary<Values> = fc
  .tuple(...FIELDS.map(() => fc.nat(VALUES - 1)))
  .map((values) => new Map(FIELDS.map((name, i) => [name, BigInt(values[i])])));

describe(`optimize (seed ${SEED})`, () => {
  it('keeps verdicts, counters and what remembers, of all packets', { timeout: 60_000 }, () => {
    let removed = 0;
    let simplified = 0;
    fc.assert(
      fc.property(program, fc.array(packet, { minLength: 20, maxLength: 20 }), (before, packets) => {
        const after = optimize(before, SETTINGS);
        removed += after.removed.size;
        simplified += after.simplified;
        for (const one of packets) {
          expect(runProgram(after, after.condition, one)).toEqual(runProgram(before, SETTINGS.condition, one));
        }
      }),
      { seed: SEED, numRuns: 1500 },
    );
    expect(removed).toBeGreaterThan(100);
    expect(simplified).toBeGreaterThan(100);
  });

  it('a list has the first rule that matches', () => {
    const listed = fc.array(
      fc.record({
        if: fc
          .tuple(set, fc.boolean())
          .map(([values, guarded]) =>
            guarded ? all(inSet('proto', intervals([1, 3])), inSet('saddr', values)) : inSet('saddr', values),
          ),
        then: fc.constantFrom<Effect>({ kind: 'accept' }, { kind: 'drop' }, { kind: 'return' }, { kind: 'continue' }),
      }),
      { minLength: 4, maxLength: 24 },
    );
    let lists = 0;
    fc.assert(
      fc.property(listed, fc.array(packet, { minLength: 8, maxLength: 8 }), (texts, packets) => {
        const whole = programOf({ INPUT: texts });
        const steps = foldLists(whole.rules, SETTINGS.condition, 'v4');
        expect(steps.flatMap((step) => (step.kind === 'rule' ? [step.rule] : step.rules))).toEqual(whole.rules);
        for (const step of steps) {
          if (step.kind !== 'list') continue;
          lists++;
          for (const values of packets) {
            const first = step.rules.find((rule) => runsInto(rule.condition, values));
            const at = values.get(step.field) ?? 0n;
            const segment = step.segments.findLast(({ from }) => from <= at);
            expect(runsInto(step.rest, values) ? segment?.rule : undefined).toBe(first);
          }
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
    expect(lists).toBeGreaterThan(20);
  });
});

/** Whether a condition of field tests holds. */
function runsInto(condition: Condition, values: Values): boolean {
  if (condition.kind === 'all') return condition.of.every((one) => runsInto(one, values));
  if (condition.kind !== 'in') throw new Error('not a test');
  return contains(condition.set, values.get(condition.field) ?? 0n);
}
