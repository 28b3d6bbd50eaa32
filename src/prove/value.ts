import { FALSE, type Ref } from './bdd.js';
import { bitsOfNumber, constantBits, constantOf, type Bits } from './words.js';

/** A piece of memory that pointers point into. Regions are the same if they are one object. */
export interface Region {
  readonly kind:
    | 'stack'
    /** struct flow, where a function gets it from its caller. */
    | 'flow'
    | 'context'
    /** The frame, from its first byte; its readable part ends where the pointer with its length as index points to. */
    | 'packet'
    /** The map itself, as a helper wants it. */
    | 'map'
    /** A map's value. */
    | 'map-value'
    /** A struct of the kernel. */
    | 'kernel';
  /** Which map, or which struct and member: `net_device.name`. */
  readonly name: string;
  /** Of a struct of the kernel: which one of its kind. */
  readonly instance?: string;
  /** Of one of two structs of a kind, which one it is. */
  readonly either?: { readonly when: Ref; readonly one: Region; readonly other: Region };
  /** Of a map's value: the number that the key is. */
  readonly key?: number;
  /** Bytes of struct flow, or of a stack frame: what lies below is not its own. */
  readonly bytes?: number;
}

/** What a register or a slot of memory holds. */
export type Value = Word | Arithmetic | Pointer | CounterWord | Unknown;

export interface Word {
  readonly kind: 'word';
  readonly bits: Bits;
  /** Where it was read, if it is bytes of the frame as they lie there. */
  readonly packet?: { readonly offset: number; readonly size: number };
}

/**
 * An operation that is not worked out before its bits are asked for: comparisons of sums are often simpler than the
 * sums. Modulo 2^width.
 */
export interface Arithmetic {
  readonly kind: 'arithmetic';
  readonly operation: 'add' | 'sub' | 'and' | 'rsh';
  readonly a: Word | Arithmetic;
  readonly b: Word | Arithmetic;
  readonly width: 32 | 64;
  /** Neither operand is a constant, here or below: too many bits depend on one another. */
  readonly heavy: boolean;
  bits?: Bits;
}

export interface Pointer {
  readonly kind: 'pointer';
  readonly region: Region;
  readonly offset: number;
  /** A number added to the offset that is no constant. */
  readonly index?: Bits;
  /** Where it is NULL instead. */
  readonly absent: Ref;
}

/** A word of an entry of the map `counters`: what it was before, and `plus`. */
export interface CounterWord {
  readonly kind: 'counter';
  readonly region: Region;
  readonly at: number;
  readonly plus: Word;
}

/** Anything: the prover does not follow it. */
export interface Unknown {
  readonly kind: 'unknown';
  readonly why: string;
}

export function word(bits: Bits): Word {
  return { kind: 'word', bits };
}

const small: (Word | undefined)[] = [];

export function constant(value: bigint | number): Word {
  if (typeof value === 'number' && value >= 0 && value <= 0xffff_ffff) {
    return value < 4096 ? (small[value] ??= word(bitsOfNumber(value))) : word(bitsOfNumber(value));
  }
  return word(constantBits(BigInt.asUintN(64, BigInt(value))));
}

export function pointer(region: Region, offset = 0, absent: Ref = FALSE): Pointer {
  return { kind: 'pointer', region, offset, absent };
}

export function unknown(why: string): Unknown {
  return { kind: 'unknown', why };
}

/** A number that is neither symbolic nor a pointer. */
export function numberOf(value: Value | undefined): bigint | undefined {
  return value?.kind === 'word' ? constantOf(value.bits) : undefined;
}
