import { JMP_OP } from '../../codegen/bytecode/instruction.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import { biased } from './arithmetic.js';
import { bitsOf } from './state.js';
import { unsupported } from './unprovable.js';
import { numberOf, type Arithmetic, type Pointer, type Value, type Word } from './value.js';
import { constantBits, slice, type Bits, type Words } from './words.js';

/** Answers comparisons that are no question to the bits of their operands; undefined: ask the bits. */
export type Recogniser = (operation: number, a: Value, b: Value) => Ref | undefined;

/** When a conditional jump is taken: `operation` of {@link JMP_OP}, on 64 or the lower 32 bits. */
export function comparison(words: Words, operation: number, wide: boolean, a: Value, b: Value): Ref {
  if (a.kind === 'pointer' || b.kind === 'pointer') return comparePointers(words, operation, a, b);
  if (a.kind === 'counter' || b.kind === 'counter') throw unsupported('a decision by a counter');
  if (a.kind === 'unknown') throw unsupported(`a decision by ${a.why}`);
  if (b.kind === 'unknown') throw unsupported(`a decision by ${b.why}`);
  const width = wide ? 64 : 32;
  const moved = wide || (a.kind === 'arithmetic' && a.width === 32);
  const shifted = moved ? compareMoved(words, operation, wide, a, b) : undefined;
  if (shifted !== undefined) return shifted;
  const x = slice(bitsOf(a, words) ?? [], 0, width);
  const y = slice(bitsOf(b, words) ?? [], 0, width);
  return compareBits(words, operation, x, y, width);
}

function compareBits(words: Words, operation: number, a: Bits, b: Bits, width: number): Ref {
  switch (operation) {
    case JMP_OP.jeq:
      return words.equal(a, b);
    case JMP_OP.jne:
      return not(words.equal(a, b));
    case JMP_OP.jgt:
      return words.below(b, a);
    case JMP_OP.jge:
      return not(words.below(a, b));
    case JMP_OP.jlt:
      return words.below(a, b);
    case JMP_OP.jle:
      return not(words.below(b, a));
    case JMP_OP.jset:
      return words.bdd.anyOf(words.and(a, b));
    case JMP_OP.jsgt:
    case JMP_OP.jsge:
    case JMP_OP.jslt:
    case JMP_OP.jsle:
      return compareBits(words, UNSIGNED[operation], biased(words, a, width), biased(words, b, width), width);
    default:
      throw unsupported(`jump 0x${operation.toString(16)}`);
  }
}

const UNSIGNED: Readonly<Record<number, number>> = {
  [JMP_OP.jsgt]: JMP_OP.jgt,
  [JMP_OP.jsge]: JMP_OP.jge,
  [JMP_OP.jslt]: JMP_OP.jlt,
  [JMP_OP.jsle]: JMP_OP.jle,
};

/** x ± c compared with a constant: an interval of x, modulo the width. */
function compareMoved(
  words: Words,
  operation: number,
  wide: boolean,
  a: Word | Arithmetic,
  b: Word | Arithmetic,
): Ref | undefined {
  const given = numberOf(b);
  const bound = given === undefined || wide ? given : BigInt.asUintN(32, given);
  if (a.kind !== 'arithmetic' || bound === undefined || (a.operation !== 'add' && a.operation !== 'sub'))
    return undefined;
  const by = numberOf(a.b);
  if (by === undefined || a.a.kind !== 'word') return undefined;
  const modulus = 1n << BigInt(a.width);
  if (a.a.bits.length > a.width || bound >= modulus) return undefined;
  const start = BigInt.asUintN(a.width, a.operation === 'sub' ? by : -by);
  const most = ((): bigint | undefined => {
    switch (operation) {
      case JMP_OP.jle:
      case JMP_OP.jgt:
        return bound;
      case JMP_OP.jlt:
      case JMP_OP.jge:
        return bound - 1n;
      default:
        return undefined;
    }
  })();
  if (most === undefined) return undefined;
  const inside = most < 0n ? FALSE : within(words, a.a.bits, start, start + most, modulus);
  return operation === JMP_OP.jle || operation === JMP_OP.jlt ? inside : not(inside);
}

function within(words: Words, bits: Bits, lo: bigint, hi: bigint, modulus: bigint): Ref {
  if (hi - lo >= modulus - 1n) return TRUE;
  if (hi < modulus) return words.within(bits, lo, hi);
  return words.bdd.or(words.atLeast(bits, lo), words.within(bits, 0n, hi - modulus));
}

/** Pointers are compared with NULL, and with pointers into the same piece of memory. */
function comparePointers(words: Words, operation: number, a: Value, b: Value): Ref {
  if (a.kind === 'pointer' && b.kind === 'pointer') {
    if (a.region !== b.region || a.absent !== FALSE || b.absent !== FALSE) throw unsupported('pointers compared');
    const quick = reached(words, operation, a, b);
    if (quick !== undefined) return quick;
    const least = BigInt(Math.min(a.offset, b.offset, 0));
    const place = ({ offset, index }: Pointer): Bits =>
      words.add(index ?? [], constantBits(BigInt(offset) - least), PLACE_BITS);
    return compareBits(words, operation, place(a), place(b), PLACE_BITS);
  }
  const pointer = a.kind === 'pointer' ? a : b;
  const other = a.kind === 'pointer' ? b : a;
  if (pointer.kind === 'pointer' && numberOf(other) === 0n) {
    if (operation === JMP_OP.jeq) return pointer.absent;
    if (operation === JMP_OP.jne) return not(pointer.absent);
  }
  throw unsupported('a pointer compared with a number');
}

/** A constant place compared with one that is a number, as with the frame's end; undefined where the two are not so. */
function reached(words: Words, operation: number, a: Pointer, b: Pointer): Ref | undefined {
  if (a.index !== undefined || b.index === undefined || b.offset !== 0 || a.offset < 0) return undefined;
  const place = BigInt(a.offset);
  switch (operation) {
    case JMP_OP.jgt:
      return words.belowConstant(b.index, place);
    case JMP_OP.jle:
      return words.atLeast(b.index, place);
    case JMP_OP.jge:
      return words.belowConstant(b.index, place + 1n);
    case JMP_OP.jlt:
      return words.atLeast(b.index, place + 1n);
    default:
      return undefined;
  }
}

/** Offsets into a packet need no more. */
const PLACE_BITS = 24;
