import { ALU_OP } from '../../../codegen/bytecode/instruction.js';
import { compute } from '../arithmetic.js';
import { constant, numberOf, unknown, word, type Pointer, type Value, type Word } from '../value.js';
import type { Words } from '../words.js';
import { bitsOfPieces, identity, type Pieces } from './pieces.js';

/** A number that is no symbol, from 0 to 2^53 − 1. */
export interface Concrete {
  readonly kind: 'number';
  readonly value: number;
}

/** A number that is no symbol, from 2^53 to 2^64 − 1. */
export interface Large {
  readonly kind: 'large';
  readonly value: bigint;
}

/** Numbers joined by OR: whether the result is negative is all that is asked of it. */
export interface Joined {
  readonly kind: 'joined';
  readonly parts: readonly (Pieces | Word)[];
  /** Of this object alone, as those of {@link Pieces}. */
  readonly id: number;
}

/** A pointer moved by a number that is worked out of a field. */
export interface Place {
  readonly kind: 'place';
  readonly base: Pointer;
  readonly by: Pieces;
}

/** What a register of a walk holds. */
export type WalkValue = Concrete | Large | Value | Pieces | Joined | Place;

/** As a value that knows nothing of pieces. */
export function plain(words: Words, value: WalkValue): Value {
  switch (value.kind) {
    case 'number':
    case 'large':
      return constant(value.value);
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
      return value;
    case 'unknown':
      return unknown(value.why);
  }
}

export function concrete(value: number): Concrete {
  return { kind: 'number', value };
}

/** A number from 0 to 2^64 − 1. */
export function exactly(value: bigint): Concrete | Large {
  return value <= MOST_SAFE ? concrete(Number(value)) : { kind: 'large', value };
}

const MOST_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** The same value; constants as numbers. */
export function settled(value: Value): Concrete | Large | Value {
  if (value.kind !== 'word') return value;
  const number = numberOf(value);
  return number === undefined ? value : exactly(number);
}

/** A number of a field, piece by piece; undefined for constants and what is no number. */
export function asPieces(value: WalkValue | undefined): Pieces | undefined {
  if (value?.kind === 'pieces') return value;
  if (value?.kind !== 'word') return undefined;
  let pieces = identities.get(value);
  if (pieces === undefined) {
    pieces = numberOf(value) === undefined ? (identity(value.bits) ?? null) : null;
    identities.set(value, pieces);
  }
  return pieces ?? undefined;
}

const identities = new WeakMap<Word, Pieces | null>();

const LARGEST = 2n ** 51n;

export function smallOf(value: WalkValue | undefined): number | undefined {
  if (value?.kind === 'number') return value.value < Number(LARGEST) ? value.value : undefined;
  const number = value === undefined ? undefined : constantOf(value);
  if (number === undefined) return undefined;
  const signed = BigInt.asIntN(64, number);
  return signed < LARGEST && signed > -LARGEST ? Number(signed) : undefined;
}

/** The number that a value is, if it is one alone. */
export function constantOf(value: WalkValue): bigint | undefined {
  if (value.kind === 'number') return BigInt(value.value);
  if (value.kind === 'large') return value.value;
  if (value.kind === 'word') return numberOf(value);
  if (value.kind !== 'pieces' || value.pieces.length !== 1 || value.pieces[0].slope !== 0) return undefined;
  return BigInt.asUintN(64, BigInt(value.pieces[0].plus));
}
