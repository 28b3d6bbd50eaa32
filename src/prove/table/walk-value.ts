import { ALU_OP, JMP_OP } from '../../../codegen/bytecode/instruction.js';
import { compute } from '../arithmetic.js';
import { not, type Ref } from '../bdd.js';
import { comparison } from '../compare.js';
import { unsupported } from '../unprovable.js';
import { numberOf, unknown, word, type Pointer, type Value, type Word } from '../value.js';
import type { Words } from '../words.js';
import {
  bitsOfPieces,
  condition,
  identity,
  lowHalf,
  mapped,
  scaled,
  signedRange,
  signOf,
  sum,
  unsignedRanges,
  where,
  type Pieces,
  type Range,
} from './pieces.js';

/** Numbers joined by OR: whether the result is negative is all that is asked of it. */
interface Joined {
  readonly kind: 'joined';
  readonly parts: readonly (Pieces | Word)[];
}

/** A pointer moved by a number that is worked out of a field. */
export interface Place {
  readonly kind: 'place';
  readonly base: Pointer;
  readonly by: Pieces;
}

/** What a register of a walk holds. */
export type WalkValue = Value | Pieces | Joined | Place;

/** That a number lies in ranges. */
export interface Known {
  readonly of: Pieces['of'];
  readonly ranges: readonly Range[];
}

/** A decision: when it is taken, and what is known on either side, as far as it is ranges of numbers. */
export interface Decision {
  readonly taken: Ref;
  readonly yes: readonly Known[];
  readonly no: readonly Known[];
}

/** As a value that knows nothing of pieces. */
export function plain(words: Words, value: WalkValue): Value {
  switch (value.kind) {
    case 'pieces': {
      const bits = bitsOfPieces(words, value);
      return bits === undefined ? unknown('a number that is too much of a field') : word(bits);
    }
    case 'joined':
      return value.parts.reduce<Value>(
        (all, part) => compute(words, ALU_OP.or, true, all, plain(words, part)),
        word([]),
      );
    case 'place':
      return unknown('a place that depends on the packet');
    case 'word':
    case 'arithmetic':
    case 'pointer':
    case 'counter':
    case 'unknown':
      return value;
  }
}

/** A number of a field, piece by piece; undefined for constants and what is no number. */
export function asPieces(value: WalkValue | undefined): Pieces | undefined {
  if (value?.kind === 'pieces') return value;
  return value?.kind === 'word' && numberOf(value) === undefined ? identity(value.bits) : undefined;
}

const LARGEST = 2n ** 51n;

function smallOf(value: WalkValue | undefined): number | undefined {
  const number = value === undefined ? undefined : constantOf(value);
  if (number === undefined) return undefined;
  const signed = BigInt.asIntN(64, number);
  return signed < LARGEST && signed > -LARGEST ? Number(signed) : undefined;
}

/** The number that a value is, if it is one alone. */
export function constantOf(value: WalkValue): bigint | undefined {
  if (value.kind === 'word') return numberOf(value);
  if (value.kind !== 'pieces' || value.pieces.length !== 1 || value.pieces[0].slope !== 0) return undefined;
  return BigInt.asUintN(64, BigInt(value.pieces[0].plus));
}

/** What an ALU instruction computes; `wide`: 64 bits, else the lower 32. */
export function walkCompute(
  words: Words,
  operation: number,
  wide: boolean,
  a: WalkValue | undefined,
  b: WalkValue,
): WalkValue {
  if (operation === ALU_OP.mov && wide) return b;
  const exact = a === undefined && operation !== ALU_OP.mov ? undefined : ofPieces(operation, wide, a, b);
  if (exact !== undefined) return exact;
  return compute(words, operation, wide, a === undefined ? undefined : plain(words, a), plain(words, b));
}

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
      return wide ? mapped(a, (value) => value >> BigInt(by & 63)) : undefined;
    case ALU_OP.arsh:
      return wide && by === 63 && a?.kind === 'pieces' ? signOf(a) : undefined;
    default:
      return undefined;
  }
}

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
  if (a.kind === 'word' && b.kind === 'word') return undefined;
  const [p, q] = [partsOf(a), partsOf(b)];
  return p === undefined || q === undefined ? undefined : { kind: 'joined', parts: [...p, ...q] };
}

function partsOf(value: WalkValue): readonly (Pieces | Word)[] | undefined {
  if (value.kind === 'joined') return value.parts;
  return value.kind === 'pieces' || value.kind === 'word' ? [value] : undefined;
}

/** Whether a conditional jump is taken. */
export function walkDecision(words: Words, operation: number, wide: boolean, a: WalkValue, b: WalkValue): Decision {
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
  return { taken: comparison(words, operation, wide, p, q), yes: [], no: [] };
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
  return { taken: condition(words, x, ranges), yes: [{ of: x.of, ranges }], no: [{ of: x.of, ranges: rest }] };
}

const turned = ({ taken, yes, no }: Decision): Decision => ({ taken: not(taken), yes: no, no: yes });

function someNegative(words: Words, { parts }: Joined): Decision {
  const each = parts.map((part) => {
    const x = asPieces(part);
    if (x !== undefined) return decided(words, x, where(x, [signedRange(-(2n ** 63n), -1n)]));
    return { taken: comparison(words, JMP_OP.jslt, true, plain(words, part), word([])), yes: [], no: [] };
  });
  const taken = words.bdd.anyOf(each.map((one) => one.taken));
  return { taken, yes: [], no: each.flatMap(({ no }) => no) };
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
