import { ALU_OP, CLASS, CLASS_MASK, JMP_OP, OPERATION_MASK, SOURCE_X } from '../../../codegen/bytecode/instruction.js';
import type { LinkedInstruction } from '../../../bpf-runtime/interpreter/program.js';
import { compute, moved } from '../arithmetic.js';
import { TRUE, type Ref } from '../bdd.js';
import { comparison } from '../compare.js';
import { bitsOf } from '../state.js';
import { unsupported } from '../unprovable.js';
import { constant, unknown, word, type Word } from '../value.js';
import { slice, swapBytes, type Words } from '../words.js';
import { computeChosen, type Compute } from './chosen.js';
import { compareConcrete, computeConcrete, computeLarge, MIRRORED } from './concrete.js';
import { Condition } from './condition.js';
import { operandOf, type Machine } from './machine.js';
import {
  condition,
  lowHalf,
  mapped,
  scaled,
  signedRange,
  signOf,
  sum,
  unsignedRanges,
  where,
  type Known,
  type Pieces,
  type Range,
} from './pieces.js';
import {
  asPieces,
  concrete,
  constantOf,
  exactly,
  plain,
  settled,
  smallOf,
  type Concrete,
  type Joined,
  type Large,
  type WalkValue,
} from './walk-value.js';

/** A decision: when it is taken, and what is known on either side, as far as it is ranges of numbers. */
export interface Decision {
  readonly taken: Condition;
  /** … and when it is not. */
  readonly failed: Condition;
  readonly yes: readonly Known[];
  readonly no: readonly Known[];
  /** On these sides, what is known is all that the decision says. */
  readonly whole: Sides;
}

interface Sides {
  readonly yes: boolean;
  readonly no: boolean;
}

/**
 * Arithmetic of a walk: numbers as numbers, what is worked out of a field as pieces, all else bit by bit. What was worked out
 * of a field and a number once is kept: nodes of a table ask the same again and again.
 */
export class WalkArithmetic {
  private readonly results = new WeakMap<WalkValue, Map<number, WalkValue>>();
  private readonly decisions = new WeakMap<WalkValue, Map<number, Decision>>();

  constructor(private readonly words: Words) {}

  /** What an ALU instruction leaves in its register. */
  run(instruction: LinkedInstruction['instruction'], machine: Machine): WalkValue {
    const { opcode, dst, imm, reference, offset } = instruction;
    const a = machine.registers[dst];
    const operation = opcode & OPERATION_MASK;
    const wide = (opcode & CLASS_MASK) === CLASS.ALU64;
    if (reference?.kind === 'field-offset' || reference?.kind === 'type-id')
      throw unsupported('a kernel struct beside diagrams');
    if (operation === ALU_OP.end) return this.byteOrder(a, Number(imm), (opcode & SOURCE_X) !== 0 || wide);
    if (offset !== 0) throw unsupported('a signed move or division');
    const b = operation === ALU_OP.neg ? constant(0) : operandOf(instruction, machine);
    if (b === undefined) return unknown('a register that was not written');
    return computeChosen(this.compute, operation, wide, a, b) ?? this.compute(operation, wide, a, b);
  }

  private byteOrder(value: WalkValue | undefined, width: number, swap: boolean): WalkValue {
    const { words } = this;
    if (width !== 16 && width !== 32 && width !== 64) throw unsupported(`the order of ${width} bits`);
    const bits = value === undefined ? undefined : bitsOf(plain(words, value), words);
    if (bits === undefined) return unknown('the bytes of what is no number');
    const cut = slice(bits, 0, width);
    return word(swap ? swapBytes(cut, width / 8) : cut);
  }

  /** What an ALU operation makes of two operands; `wide`: 64 bits, else the lower 32. */
  private readonly compute: Compute = (operation, wide, a, b) => {
    if (operation === ALU_OP.mov && wide) return b;
    if (b.kind === 'number') {
      if (a?.kind === 'number' || operation === ALU_OP.mov) {
        const number = computeConcrete(operation, wide, a?.kind === 'number' ? a.value : 0, b.value);
        if (number !== undefined) return concrete(number);
      } else if (isKept(a, b.value)) {
        const known = resultsOf(this.results, a);
        const key = keyOf(operation, wide, b.value);
        let result = known.get(key);
        if (result === undefined) known.set(key, (result = this.workOut(operation, wide, a, b)));
        return result;
      }
    }
    return ofConstants(operation, wide, a, b) ?? this.workOut(operation, wide, a, b);
  };

  private workOut(operation: number, wide: boolean, a: WalkValue | undefined, b: WalkValue): WalkValue {
    const { words } = this;
    const exact = a === undefined && operation !== ALU_OP.mov ? undefined : ofPieces(operation, wide, a, b);
    if (exact !== undefined) return exact;
    const result = compute(words, operation, wide, a === undefined ? undefined : plain(words, a), plain(words, b));
    const isNumber = result.kind === 'arithmetic' && a !== undefined && isConstant(a) && isConstant(b);
    return isNumber ? settled(word(bitsOf(result, words) ?? [])) : settled(result);
  }

  /** Whether a conditional jump is taken. */
  decide(operation: number, wide: boolean, a: WalkValue, b: WalkValue): Decision {
    if (b.kind !== 'number') {
      const mirrored = isExact(a) ? MIRRORED[operation] : undefined;
      if (mirrored === undefined || isExact(b)) return walkDecision(this.words, operation, wide, a, b);
      return this.decide(mirrored, wide, b, a);
    }
    if (a.kind === 'number') {
      const taken = compareConcrete(operation, wide, a.value, b.value);
      if (taken !== undefined) return taken ? ALWAYS : NEVER;
    } else if (isKept(a, b.value)) {
      const known = resultsOf(this.decisions, a);
      const key = keyOf(operation, wide, b.value);
      let result = known.get(key);
      if (result === undefined) known.set(key, (result = walkDecision(this.words, operation, wide, a, b)));
      return result;
    }
    return walkDecision(this.words, operation, wide, a, b);
  }
}

const isConstant = (value: WalkValue): boolean => constantOf(value) !== undefined;

const NEITHER: Sides = { yes: false, no: false };
export const ALWAYS: Decision = {
  taken: Condition.always,
  failed: Condition.always.not(),
  yes: [],
  no: [],
  whole: NEITHER,
};
export const NEVER: Decision = { taken: ALWAYS.failed, failed: ALWAYS.taken, yes: [], no: [], whole: NEITHER };

/** Results are kept of what is short: others hardly come again. */
function isKept(a: WalkValue | undefined, b: number): a is Word | Pieces {
  return b < MOST_KEPT && (a?.kind === 'word' || (a?.kind === 'pieces' && a.pieces.length <= 2));
}

const MOST_KEPT = 2 ** 42;

/** Opcodes are bytes, and numbers that are kept shorter than 43 bits. */
const keyOf = (operation: number, wide: boolean, b: number): number => b * 512 + operation * 2 + (wide ? 1 : 0);

function resultsOf<T>(all: WeakMap<WalkValue, Map<number, T>>, value: WalkValue): Map<number, T> {
  let results = all.get(value);
  if (results === undefined) all.set(value, (results = new Map<number, T>()));
  return results;
}

/** What it computes of large numbers, and of places that are moved by a number. */
function ofConstants(operation: number, wide: boolean, a: WalkValue | undefined, b: WalkValue): WalkValue | undefined {
  if (operation === ALU_OP.add && wide) {
    const [base, by] = a?.kind === 'pointer' ? [a, b] : [b, a];
    if (base.kind === 'pointer' && by?.kind === 'number') return moved(base, BigInt(by.value));
  }
  if (!isExact(b) || (operation !== ALU_OP.mov && !isExact(a))) return undefined;
  const [x, y] = [isExact(a) ? BigInt(a.value) : 0n, BigInt(b.value)];
  if (!wide) {
    const number = computeConcrete(operation, false, Number(x & LOWER), Number(y & LOWER));
    return number === undefined ? undefined : concrete(number);
  }
  const result = computeLarge(operation, x, y);
  return result === undefined ? undefined : exactly(result);
}

const LOWER = 0xffff_ffffn;

const isExact = (value: WalkValue | undefined): value is Concrete | Large =>
  value?.kind === 'number' || value?.kind === 'large';

/** What it computes where a number of a field is among the operands, and comes to such a number again. */
function ofPieces(operation: number, wide: boolean, a: WalkValue | undefined, b: WalkValue): WalkValue | undefined {
  const half = (value: Pieces | undefined): Pieces | undefined =>
    value === undefined || wide ? value : lowHalf(value);
  const by = smallOf(b);
  switch (operation) {
    case ALU_OP.mov:
      return b.kind === 'pieces' ? lowHalf(b) : undefined;
    case ALU_OP.add:
      return added(a, b, wide) ?? half(shifted(a, b, 1));
    case ALU_OP.sub:
      return half(shifted(a, b, -1));
    case ALU_OP.or:
      return wide && a !== undefined ? joined(a, b) : undefined;
    case ALU_OP.lsh: {
      const x = asPieces(a);
      return x === undefined || by === undefined || by < 0 || by > 31 ? undefined : half(scaled(x, 2 ** by, 0));
    }
    case ALU_OP.and: {
      const most = constantOf(b);
      return a?.kind === 'pieces' && most !== undefined ? half(mapped(a, (value) => value & most)) : undefined;
    }
    case ALU_OP.rsh:
      if (a?.kind !== 'pieces' || by === undefined || by < 0) return undefined;
      // The highest bit is the sign.
      if (wide && by === 63) return negated(signOf(a));
      return wide ? mapped(a, (value) => value >> BigInt(by & 63)) : undefined;
    case ALU_OP.arsh:
      return wide && by === 63 && a?.kind === 'pieces' ? signOf(a) : undefined;
    default:
      return undefined;
  }
}

const negated = (a: Pieces | undefined): Pieces | undefined => (a === undefined ? undefined : scaled(a, -1, 0));

/** A pointer moved by a number of a field. */
function added(a: WalkValue | undefined, b: WalkValue, wide: boolean): WalkValue | undefined {
  const [base, by] = a?.kind === 'pointer' ? [a, b] : [b, a];
  if (!wide || base.kind !== 'pointer' || base.index !== undefined || by?.kind !== 'pieces') return undefined;
  return { kind: 'place', base, by };
}

function shifted(a: WalkValue | undefined, b: WalkValue, sign: 1 | -1): Pieces | undefined {
  const [x, y] = [asPieces(a), asPieces(b)];
  const [m, n] = [smallOf(a), smallOf(b)];
  if (x !== undefined && y !== undefined) return sum(x, y, sign);
  if (x !== undefined && n !== undefined) return scaled(x, 1, sign * n);
  if (y !== undefined && m !== undefined) return scaled(y, sign, m);
  return undefined;
}

function joined(a: WalkValue, b: WalkValue): WalkValue | undefined {
  if (smallOf(a) === 0) return b;
  if (smallOf(b) === 0) return a;
  if (isWord(a) && isWord(b)) return undefined;
  const [p, q] = [partsOf(a), partsOf(b)];
  return p === undefined || q === undefined ? undefined : { kind: 'joined', parts: [...p, ...q] };
}

const isWord = (value: WalkValue): boolean => value.kind === 'word' || isExact(value);

function partsOf(value: WalkValue): readonly (Pieces | Word)[] | undefined {
  if (value.kind === 'joined') return value.parts;
  if (isExact(value)) return [constant(value.value)];
  return value.kind === 'pieces' || value.kind === 'word' ? [value] : undefined;
}

/** Whether a conditional jump is taken. */
function walkDecision(words: Words, operation: number, wide: boolean, a: WalkValue, b: WalkValue): Decision {
  if (a.kind === 'joined' && wide && smallOf(b) === 0) {
    if (operation === JMP_OP.jslt) return someNegative(words, a);
    if (operation === JMP_OP.jsge) return turned(someNegative(words, a));
  }
  const x = asPieces(a);
  const bound = constantOf(b);
  const half = x === undefined || wide ? x : lowHalf(x);
  if (half !== undefined && bound !== undefined) {
    const found = rangesOf(operation, wide, bound);
    if (found !== undefined) {
      const own = decided(words, half, where(half, found.ranges));
      return found.inverted ? turned(own) : own;
    }
  }
  const [p, q] = [plain(words, a), plain(words, b)];
  const why = [p, q].find((value) => value.kind === 'unknown');
  if (why?.kind === 'unknown') throw unsupported(`a decision by ${why.why}`);
  return asked(comparison(words, operation, wide, p, q));
}

function decided(words: Words, x: Pieces, ranges: readonly Range[]): Decision {
  const rest: Range[] = [];
  let next = 0;
  for (const [lo, hi] of ranges) {
    if (lo > next) rest.push([next, lo - 1]);
    next = hi + 1;
  }
  const top = 2 ** x.of.length - 1;
  if (next <= top) rest.push([next, top]);
  if (ranges.length === 0) return NEVER;
  if (rest.length === 0) return ALWAYS;
  const { of, name } = x;
  const taken = new Condition(() => condition(words, x, ranges));
  return {
    taken,
    failed: taken.not(),
    yes: [{ of, name, ranges }],
    no: [{ of, name, ranges: rest }],
    whole: { yes: true, no: true },
  };
}

/** A decision of which no more is known than when it is taken. */
function asked(taken: Ref): Decision {
  if (taken <= 1) return taken === TRUE ? ALWAYS : NEVER;
  const condition = new Condition(() => taken);
  return { taken: condition, failed: condition.not(), yes: [], no: [], whole: NEITHER };
}

/** The other way round. */
export function turned(decision: Decision): Decision {
  if (decision === ALWAYS) return NEVER;
  if (decision === NEVER) return ALWAYS;
  const { taken, failed, yes, no, whole } = decision;
  return { taken: failed, failed: taken, yes: no, no: yes, whole: { yes: whole.no, no: whole.yes } };
}

function someNegative(words: Words, { parts }: Joined): Decision {
  const each = parts.map((part) => {
    const x = asPieces(part);
    if (x !== undefined) return decided(words, x, where(x, [signedRange(-(2n ** 63n), -1n)]));
    return asked(comparison(words, JMP_OP.jslt, true, plain(words, part), word([])));
  });
  const taken = new Condition(() => words.bdd.anyOf(each.map((one) => one.taken.ref)));
  const whole = { yes: false, no: each.every((one) => one === NEVER || one.whole.no) };
  return { taken, failed: taken.not(), yes: [], no: each.flatMap(({ no }) => no), whole };
}

/** For which numbers a comparison holds, or does not. */
function rangesOf(
  operation: number,
  wide: boolean,
  given: bigint,
): { readonly ranges: readonly Range[]; readonly inverted: boolean } | undefined {
  const top = (1n << (wide ? 64n : 32n)) - 1n;
  const bound = given & top;
  const unsigned = (lo: bigint, hi: bigint): readonly Range[] => (lo > hi ? [] : unsignedRanges(lo, hi));
  const signed = BigInt.asIntN(64, given);
  const least = -(2n ** 63n);
  switch (operation) {
    case JMP_OP.jeq:
    case JMP_OP.jne:
      return { ranges: unsigned(bound, bound), inverted: operation === JMP_OP.jne };
    case JMP_OP.jlt:
    case JMP_OP.jge:
      return { ranges: unsigned(0n, bound - 1n), inverted: operation === JMP_OP.jge };
    case JMP_OP.jle:
    case JMP_OP.jgt:
      return { ranges: unsigned(0n, bound), inverted: operation === JMP_OP.jgt };
    case JMP_OP.jslt:
    case JMP_OP.jsge:
      return wide ? { ranges: [signedRange(least, signed - 1n)], inverted: operation === JMP_OP.jsge } : undefined;
    case JMP_OP.jsle:
    case JMP_OP.jsgt:
      return wide ? { ranges: [signedRange(least, signed)], inverted: operation === JMP_OP.jsgt } : undefined;
    default:
      return undefined;
  }
}
