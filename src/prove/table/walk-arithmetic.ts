import { ALU_OP, JMP_OP, SOURCE_X } from '../../../codegen/bytecode/instruction.js';
import { compute, moved } from '../arithmetic.js';
import { TRUE, type Ref } from '../bdd.js';
import { comparison } from '../compare.js';
import { bitsOf } from '../state.js';
import { unsupported } from '../unprovable.js';
import { constant, unknown, word, type Pointer, type Word } from '../value.js';
import { slice, swapBytes, type Words } from '../words.js';
import { computeChosen, type Compute } from './chosen.js';
import { compareConcrete, compareLarge, computeConcrete, computeLarge, MIRRORED } from './concrete.js';
import { Condition } from './condition.js';
import type { Decoded } from './decoded.js';
import { ALWAYS, BOTH, Decision, NEITHER, NEVER } from './decision.js';
import { Pairs } from './pairs.js';
import {
  condition,
  lowHalf,
  mapped,
  nextId,
  scaled,
  signedRange,
  signOf,
  sum,
  unsignedRanges,
  where,
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

/**
 * Arithmetic of a walk: numbers as numbers, what is worked out of a field as pieces, all else bit by bit. What was worked out
 * of a field and a number once is kept: nodes of a table ask the same again and again.
 */
export class WalkArithmetic {
  private readonly results = new Pairs<WalkValue>();
  private readonly decisions = new Pairs<Decision>();
  private readonly unions = new Pairs<Joined>();
  private readonly ids = new Map<Word, number>();

  constructor(private readonly words: Words) {}

  /** What an ALU instruction leaves in its register. */
  run({ operation, wide, dst, src, own }: Decoded, registers: readonly (WalkValue | undefined)[]): WalkValue {
    const a = registers[dst];
    const b = own ?? registers[src];
    if (b === undefined) return unknown('a register that was not written');
    if (a?.kind !== 'unknown' && b.kind !== 'unknown') return this.compute(operation, wide, a, b);
    return computeChosen(this.compute, operation, wide, a, b) ?? this.compute(operation, wide, a, b);
  }

  byteOrder({ linked, wide }: Decoded, value: WalkValue | undefined): WalkValue {
    const { words } = this;
    const { opcode, imm } = linked.instruction;
    const width = Number(imm);
    if (width !== 16 && width !== 32 && width !== 64) throw unsupported(`the order of ${width} bits`);
    const bits = value === undefined ? undefined : bitsOf(plain(words, value), words);
    if (bits === undefined) return unknown('the bytes of what is no number');
    const cut = slice(bits, 0, width);
    return word((opcode & SOURCE_X) !== 0 || wide ? swapBytes(cut, width / 8) : cut);
  }

  /** What an ALU operation makes of two operands; `wide`: 64 bits, else the lower 32. */
  private readonly compute: Compute = (operation, wide, a, b) => {
    if (operation === ALU_OP.mov && wide) return b;
    if (b.kind === 'number') {
      if (a?.kind === 'number' || operation === ALU_OP.mov) {
        const number = computeConcrete(operation, wide, a?.kind === 'number' ? a.value : 0, b.value);
        if (number !== undefined) return concrete(number);
      } else if (isKept(a, b.value)) {
        return this.kept(this.idOf(a), keyOf(operation, wide, b.value), operation, wide, a, b);
      }
    } else if (a?.kind === 'number' && isKept(b, a.value)) {
      return this.kept(this.idOf(b), keyOf(operation, wide, a.value) + TURNED, operation, wide, a, b);
    } else if (operation === ALU_OP.or && wide && isPart(a) && isPart(b)) {
      return this.union(a, b);
    }
    return ofConstants(operation, wide, a, b) ?? this.workOut(operation, wide, a, b);
  };

  private kept(id: number, key: number, operation: number, wide: boolean, a: WalkValue, b: WalkValue): WalkValue {
    let result = this.results.get(id, key);
    if (result === undefined) this.results.set(id, key, (result = this.workOut(operation, wide, a, b)));
    return result;
  }

  /** Numbers joined by OR, the same ones once: rules are found in many lists. */
  private union(a: Part, b: Part): WalkValue {
    const x = this.idOf(a);
    const y = this.idOf(b);
    let known: WalkValue | undefined = this.unions.get(x, y);
    if (known === undefined) {
      known = this.workOut(ALU_OP.or, true, a, b);
      if (known.kind === 'joined') this.unions.set(x, y, known);
    }
    return known;
  }

  private idOf(value: Part): number {
    if (value.kind !== 'word') return value.id;
    let id = this.ids.get(value);
    if (id === undefined) this.ids.set(value, (id = nextId()));
    return id;
  }

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
      if (isExact(a) && isExact(b)) {
        const taken = compareLarge(operation, wide, BigInt(a.value), BigInt(b.value));
        if (taken !== undefined) return taken ? ALWAYS : NEVER;
      }
      if (mirrored === undefined || isExact(b)) return this.workOutDecision(operation, wide, a, b);
      return this.decide(mirrored, wide, b, a);
    }
    if (a.kind === 'number') {
      const taken = compareConcrete(operation, wide, a.value, b.value);
      if (taken !== undefined) return taken ? ALWAYS : NEVER;
    } else if (a.kind === 'large') {
      const taken = compareLarge(operation, wide, a.value, BigInt(b.value));
      if (taken !== undefined) return taken ? ALWAYS : NEVER;
    } else if (isKept(a, b.value)) {
      const id = this.idOf(a);
      const key = keyOf(operation, wide, b.value);
      let result = this.decisions.get(id, key);
      if (result === undefined) this.decisions.set(id, key, (result = this.workOutDecision(operation, wide, a, b)));
      return result;
    }
    return this.workOutDecision(operation, wide, a, b);
  }

  private workOutDecision(operation: number, wide: boolean, a: WalkValue, b: WalkValue): Decision {
    if (a.kind === 'joined' && wide && smallOf(b) === 0) {
      if (operation === JMP_OP.jslt) return this.someNegative(a);
      if (operation === JMP_OP.jsge) return this.someNegative(a).turned;
    }
    return walkDecision(this.words, operation, wide, a, b);
  }

  private someNegative({ parts }: Joined): Decision {
    const each = parts.map((part) => this.decide(JMP_OP.jslt, true, part, ZERO));
    const no = each.flatMap((one) => one.no);
    const whole = { yes: false, no: each.every((one) => one === NEVER || one.whole.no) };
    return new Decision(new Condition(() => this.words.bdd.anyOf(each.map((one) => one.taken.ref))), [], no, whole);
  }
}

const ZERO = concrete(0);

const isConstant = (value: WalkValue): boolean => constantOf(value) !== undefined;

/** Results are kept of what is short: others hardly come again. */
function isKept(a: WalkValue | undefined, b: number): a is Part {
  if (b >= MOST_KEPT) return false;
  return a?.kind === 'word' || a?.kind === 'joined' || (a?.kind === 'pieces' && a.pieces.length <= 2);
}

const MOST_KEPT = 2 ** 42;

/** Opcodes are bytes, of which the lower four bits are not the operation's, and numbers that are kept shorter than 43 bits. */
const keyOf = (operation: number, wide: boolean, b: number): number => b * 512 + operation + (wide ? 1 : 0);

/** The number is the first operand. */
const TURNED = 256;

/** What is joined by OR. */
type Part = Word | Pieces | Joined;

const isPart = (value: WalkValue | undefined): value is Part =>
  value?.kind === 'pieces' || value?.kind === 'word' || value?.kind === 'joined';

/** What it computes of large numbers, and of places that are moved by a number. */
function ofConstants(operation: number, wide: boolean, a: WalkValue | undefined, b: WalkValue): WalkValue | undefined {
  if (operation === ALU_OP.add && wide) {
    if (a?.kind === 'pointer' && isExact(b)) return movedBy(a, b);
    if (b.kind === 'pointer' && isExact(a)) return movedBy(b, a);
  }
  if (!isExact(b) || (operation !== ALU_OP.mov && !isExact(a))) return undefined;
  const x = isExact(a) ? BigInt(a.value) : 0n;
  const y = BigInt(b.value);
  if (!wide) {
    const number = computeConcrete(operation, false, Number(x & LOWER), Number(y & LOWER));
    return number === undefined ? undefined : concrete(number);
  }
  const result = computeLarge(operation, x, y);
  return result === undefined ? undefined : exactly(result);
}

const LOWER = 0xffff_ffffn;

const movedBy = (base: Pointer, by: Concrete | Large): WalkValue => moved(base, BigInt.asIntN(64, BigInt(by.value)));

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
  const base = a?.kind === 'pointer' ? a : b;
  const by = base === a ? b : a;
  if (!wide || base.kind !== 'pointer' || base.index !== undefined || by?.kind !== 'pieces') return undefined;
  return { kind: 'place', base, by };
}

function shifted(a: WalkValue | undefined, b: WalkValue, sign: 1 | -1): Pieces | undefined {
  const x = asPieces(a);
  const y = asPieces(b);
  if (x !== undefined && y !== undefined) return sum(x, y, sign);
  const number = smallOf(x === undefined ? a : b);
  if (number === undefined) return undefined;
  if (x !== undefined) return scaled(x, 1, sign * number);
  return y === undefined ? undefined : scaled(y, sign, number);
}

function joined(a: WalkValue, b: WalkValue): WalkValue | undefined {
  if (smallOf(a) === 0) return b;
  if (smallOf(b) === 0) return a;
  if (isWord(a) && isWord(b)) return undefined;
  const p = partsOf(a);
  const q = partsOf(b);
  return p === undefined || q === undefined ? undefined : { kind: 'joined', parts: [...p, ...q], id: nextId() };
}

const isWord = (value: WalkValue): boolean => value.kind === 'word' || isExact(value);

function partsOf(value: WalkValue): readonly (Pieces | Word)[] | undefined {
  if (value.kind === 'joined') return value.parts;
  if (isExact(value)) return [constant(value.value)];
  return value.kind === 'pieces' || value.kind === 'word' ? [value] : undefined;
}

/** Whether a conditional jump is taken. */
function walkDecision(words: Words, operation: number, wide: boolean, a: WalkValue, b: WalkValue): Decision {
  const x = asPieces(a);
  const bound = constantOf(b);
  const half = x === undefined || wide ? x : lowHalf(x);
  if (half !== undefined && bound !== undefined) {
    const found = rangesOf(operation, wide, bound);
    if (found !== undefined) {
      const own = decided(words, half, where(half, found.ranges));
      return found.inverted ? own.turned : own;
    }
  }
  const p = plain(words, a);
  const q = plain(words, b);
  const unclear = p.kind === 'unknown' ? p : q;
  if (unclear.kind === 'unknown') throw unsupported(`a decision by ${unclear.why}`);
  return asked(comparison(words, operation, wide, p, q));
}

function decided(words: Words, x: Pieces, ranges: readonly Range[]): Decision {
  const rest: Range[] = [];
  let next = 0;
  for (let i = 0; i < ranges.length; i++) {
    if (ranges[i][0] > next) rest.push([next, ranges[i][0] - 1]);
    next = ranges[i][1] + 1;
  }
  const top = 2 ** x.of.length - 1;
  if (next <= top) rest.push([next, top]);
  if (ranges.length === 0) return NEVER;
  if (rest.length === 0) return ALWAYS;
  const { of, name } = x;
  const taken = new Condition(() => condition(words, x, ranges));
  return new Decision(taken, [{ of, name, ranges }], [{ of, name, ranges: rest }], BOTH);
}

/** A decision of which no more is known than when it is taken. */
function asked(taken: Ref): Decision {
  if (taken <= 1) return taken === TRUE ? ALWAYS : NEVER;
  return new Decision(new Condition(() => taken), [], [], NEITHER);
}

/** For which numbers a comparison holds, or does not. */
interface Asked {
  readonly ranges: readonly Range[];
  readonly inverted: boolean;
}

const MOST_SMALL = 2n ** 31n;

/** The same for numbers without sign and one of up to 31 bits, in 32 or 64 bits. */
function smallRangesOf(operation: number, bound: number): Asked | undefined {
  switch (operation) {
    case JMP_OP.jeq:
    case JMP_OP.jne:
      return { ranges: [[bound, bound]], inverted: operation === JMP_OP.jne };
    case JMP_OP.jlt:
    case JMP_OP.jge:
      return { ranges: bound === 0 ? [] : [[0, bound - 1]], inverted: operation === JMP_OP.jge };
    case JMP_OP.jle:
    case JMP_OP.jgt:
      return { ranges: [[0, bound]], inverted: operation === JMP_OP.jgt };
    default:
      return undefined;
  }
}

function rangesOf(operation: number, wide: boolean, given: bigint): Asked | undefined {
  const small = given < MOST_SMALL ? smallRangesOf(operation, Number(given)) : undefined;
  if (small !== undefined) return small;
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
