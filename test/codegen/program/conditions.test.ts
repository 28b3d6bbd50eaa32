import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { exit, jump32, load, mov64, R0, R1, R6, reg } from '../../../codegen/bytecode/instruction.js';
import { Code } from '../../../codegen/program/code.js';
import { emitCondition } from '../../../codegen/program/conditions.js';
import { layoutFlow, storedBytes, type FlowLayout } from '../../../codegen/program/flow.js';
import { visitCondition } from '../../../grammar/model/condition-parts.js';
import { specialise, type View } from '../../../codegen/program/view.js';
import {
  all,
  any,
  equals,
  FALSE,
  hotdrop,
  inSet,
  not,
  TRUE,
  type Condition,
} from '../../../grammar/model/condition.js';
import { fieldBits, type Field } from '../../../grammar/model/fields.js';
import type { Family } from '../../../grammar/model/family.js';
import { intervals } from '../../../grammar/model/interval.js';
import { NO, outcomeOf, HOTDROP, YES } from '../../../src/evaluate/outcome.js';
import type { FieldValues } from '../../../src/evaluate/index.js';
import { objectSpec } from '../../bpf-runtime/interpreter/support.js';
import { answerOf, answers, conditions, FIELD_NAMES, OPAQUE_TESTS, packetsFor } from './condition-cases.js';

type Outcome = 'yes' | 'no' | 'hotdrop';
const OUTCOMES = ['no', 'yes', 'hotdrop'] as const;

/** The condition as a program on the bytes of struct flow, behind which the answers of the opaque tests stand. */
class Compiled {
  private readonly layout: FlowLayout;
  private readonly interpreter: Interpreter;

  constructor(
    private readonly condition: Condition,
    private readonly family: Family,
    next: 'true' | 'false',
  ) {
    const used = new Set<Field>();
    visitCondition(condition, { field: (field) => used.add(field) });
    this.layout = layoutFlow(used, family);
    const code = this.emit(next);
    const spec = objectSpec('xdp', assemble('entry', code.finish()));
    this.interpreter = new Interpreter(spec, { type: 'memory' });
  }

  private emit(next: 'true' | 'false'): Code {
    const code = new Code();
    const { family, layout } = this;
    const [yes, no] = [code.label('yes'), code.label('no')];
    const leave = (label: string, result: Outcome): void => {
      code.place(label);
      code.emit(mov64(R0, OUTCOMES.indexOf(result)), exit());
    };
    code.emit(mov64(R6, reg(R1)));
    const context = {
      code,
      family,
      layout,
      flow: R6,
      hotdrop: 'hotdrop',
      opaque: (test: (typeof OPAQUE_TESTS)[number], ifTrue: string, ifFalse: string): void => {
        const index = OPAQUE_TESTS.findIndex((one) => JSON.stringify(one) === JSON.stringify(test));
        code.emit(load(1, R1, R6, layout.bytes + index));
        code.emit(jump32('jne', R1, 0, ifTrue), jump32('jeq', R1, 0, ifFalse));
      },
    };
    emitCondition(context, this.condition, yes, no, next);
    // The label that `next` names stands right behind.
    const rest = next === 'true' ? (['yes', 'no'] as const) : (['no', 'yes'] as const);
    for (const result of rest) leave(result === 'yes' ? yes : no, result);
    leave('hotdrop', 'hotdrop');
    return code;
  }

  run(fields: FieldValues, given: readonly boolean[]): Outcome {
    const { bytes, offsets } = this.layout;
    const memory = new Uint8Array(bytes + OPAQUE_TESTS.length);
    for (const [field, offset] of offsets) this.store(memory, offset, field, fields[field]);
    given.forEach((answer, index) => (memory[bytes + index] = answer ? 1 : 0));
    return OUTCOMES[Number(this.interpreter.runOnMemory(memory).result)];
  }

  /** Little endian, fields of several words with the most significant word first. */
  private store(memory: Uint8Array, offset: number, field: Field, value: bigint): void {
    const size = storedBytes(field, this.family);
    const word = Math.min(size, 8);
    for (let at = 0; at < size; at++) {
      const start = size - word * (Math.floor(at / word) + 1);
      memory[offset + at] = Number((value >> BigInt(8 * (start + (at % word)))) & 0xffn);
    }
  }
}

function reference(condition: Condition, fields: FieldValues, given: readonly boolean[]): Outcome {
  const outcome = outcomeOf(condition, {
    fields,
    mark: Number(fields.mark),
    changed: false,
    answer: (test) => answerOf(given, test),
  });
  if (outcome === YES) return 'yes';
  if (outcome === NO) return 'no';
  if (outcome === HOTDROP) return 'hotdrop';
  throw new Error(`outcome ${outcome}`);
}

/** A view that has every field and knows none beforehand, but that IPv4 has its transport header. */
const view = (family: Family): View => ({ hook: 'tc', family, chain: 'FORWARD' });

describe('emitCondition', () => {
  // What comes to it is specialised: sets inside the field, or under its mask.
  const cases = fc.constantFrom<Family>('v4', 'v6').chain((family) =>
    conditions(family).chain((condition) =>
      fc.record({
        family: fc.constant(family),
        condition: fc.constant(condition),
        next: fc.constantFrom('true' as const, 'false' as const),
        packets: fc.array(fc.tuple(packetsFor(condition, family), answers), { minLength: 12, maxLength: 12 }),
      }),
    ),
  );
  it('decides as the condition says, whatever it is', () => {
    const met = { yes: 0, no: 0, hotdrop: 0 };
    fc.assert(
      fc.property(cases, ({ family, condition, next, packets }) => {
        const compiled = new Compiled(specialise(condition, view(family), []), family, next);
        for (const [packet, given] of packets) {
          const fields = family === 'v4' ? { ...packet, l4found: 1n } : packet;
          const want = reference(condition, fields, given);
          met[want]++;
          expect(compiled.run(fields, given)).toBe(want);
        }
      }),
      { numRuns: 4000 },
    );
    // The cases are worth something only if they come to all ends.
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(500);
  });

  const whole = hotdrop(equals('fragoff', 1));
  it.each<{ name: string; condition: Condition; fields: Partial<Record<Field, bigint>>; want: Outcome }>([
    { name: 'the empty `all` is true', condition: TRUE, fields: {}, want: 'yes' },
    { name: 'the empty `any` is false', condition: FALSE, fields: {}, want: 'no' },
    { name: 'the empty set is false', condition: inSet('ttl', []), fields: {}, want: 'no' },
    { name: 'a hotdrop drops', condition: whole, fields: { fragoff: 1n }, want: 'hotdrop' },
    { name: 'a hotdrop that does not hold is true', condition: whole, fields: { fragoff: 2n }, want: 'yes' },
    {
      name: 'a hotdrop behind a failed test is none',
      condition: all(equals('proto', 6), whole),
      fields: { proto: 17n, fragoff: 1n },
      want: 'no',
    },
    {
      name: 'a hotdrop behind the first that holds is none',
      condition: any(equals('proto', 6), whole),
      fields: { proto: 6n, fragoff: 1n },
      want: 'yes',
    },
    {
      name: 'all but one value of 32 bits, the sign bit set',
      condition: not(equals('saddr', 0xc0000201n)),
      fields: { saddr: 0xc0000201n },
      want: 'no',
    },
    {
      name: 'a range over the sign bit',
      condition: inSet('saddr', intervals([0x7fffffffn, 0x80000001n])),
      fields: { saddr: 0x80000000n },
      want: 'yes',
    },
    {
      name: 'a value of 48 bits that 32 do not tell apart',
      condition: equals('mac.src', 0x020000000001n),
      fields: { 'mac.src': 0x030000000001n },
      want: 'no',
    },
    {
      name: 'a value that its mask can never give',
      condition: equals('iif', 1n, 0xffn << 120n),
      fields: { iif: 0n },
      want: 'no',
    },
  ])('$name', ({ condition, fields, want }) => {
    const packet = Object.fromEntries(FIELD_NAMES.map((field) => [field, fields[field] ?? 0n])) as FieldValues;
    expect(reference(condition, packet, [])).toBe(want);
    for (const next of ['true', 'false'] as const) {
      expect(new Compiled(condition, 'v4', next).run(packet, [])).toBe(want);
    }
  });

  it('refuses a field that the flow has not', () => {
    const context = { code: new Code(), family: 'v4', layout: layoutFlow(new Set(), 'v4'), flow: R6 } as const;
    const missing = { ...context, hotdrop: 'hotdrop', opaque: () => undefined };
    expect(() => emitCondition(missing, equals('ttl', 1), 'yes', 'no', 'true')).toThrow('field ttl');
  });

  it('values of every width come to both sides', () => {
    for (const family of ['v4', 'v6'] as const) {
      for (const field of FIELD_NAMES) {
        const top = (1n << BigInt(fieldBits(field, family))) - 1n;
        const compiled = new Compiled(equals(field, top), family, 'true');
        const zeros = Object.fromEntries(FIELD_NAMES.map((name) => [name, 0n])) as FieldValues;
        expect(compiled.run({ ...zeros, [field]: top }, [])).toBe('yes');
        expect(compiled.run({ ...zeros, [field]: top - 1n }, [])).toBe('no');
        expect(compiled.run({ ...zeros, [field]: top >> 1n }, [])).toBe('no');
      }
    }
  });
});
