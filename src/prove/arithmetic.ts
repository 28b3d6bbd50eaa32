import { ALU_OP } from '../../codegen/bytecode/instruction.js';
import { FALSE, not, type Ref } from './bdd.js';
import { bitsOf } from './state.js';
import { unsupported } from './unprovable.js';
import {
  numberOf,
  unknown,
  word,
  type Arithmetic,
  type Pointer,
  type Unknown,
  type Value,
  type Word,
} from './value.js';
import { bitAt, constantOf, slice, trim, type Bits, type Words } from './words.js';

/** What an ALU instruction computes; `wide`: 64 bits, else the lower 32 and the upper half zero. */
export function compute(words: Words, operation: number, wide: boolean, a: Value | undefined, b: Value): Value {
  const width = wide ? 64 : 32;
  if (operation === ALU_OP.mov) return wide ? b : lowHalf(words, b);
  if (a === undefined) return unknown('a register that was not written');
  if (a.kind === 'unknown') return a;
  if (b.kind === 'unknown') return b;
  if (a.kind === 'counter') return addToCounter(operation, wide, a, b, words);
  if (a.kind === 'pointer' || b.kind === 'pointer') return wide ? movePointer(words, operation, a, b) : spoilt;
  if (b.kind === 'counter') return spoilt;
  return computeNumber(words, operation, width, a, b);
}

const spoilt = unknown('arithmetic on a pointer');

function lowHalf(words: Words, value: Value): Value {
  if (value.kind === 'arithmetic' && value.heavy) {
    return value.width === 32 ? value : lazily('and', value, word(new Array<Ref>(32).fill(0)), 64);
  }
  const bits = bitsOf(value, words);
  if (bits === undefined) return value.kind === 'unknown' ? value : spoilt;
  if (bits.length <= 32) return value;
  return word(slice(bits, 0, 32));
}

function addToCounter(
  operation: number,
  wide: boolean,
  counter: Extract<Value, { kind: 'counter' }>,
  b: Value,
  words: Words,
): Value {
  const plus = bitsOf(b, words);
  if (operation !== ALU_OP.add || !wide || plus === undefined) return unknown('arithmetic on a counter');
  const sum = counter.plus.bits.length === 0 ? plus : words.add(counter.plus.bits, plus, 64);
  return { ...counter, plus: word(sum) };
}

function movePointer(words: Words, operation: number, a: Value, b: Value): Value {
  if (a.kind === 'pointer' && b.kind === 'pointer') {
    return operation === ALU_OP.sub ? (distance(words, a, b) ?? spoilt) : spoilt;
  }
  const [base, by] = a.kind === 'pointer' ? [a, b] : [b, a];
  if (base.kind !== 'pointer' || (operation !== ALU_OP.add && operation !== ALU_OP.sub)) return spoilt;
  if (operation === ALU_OP.sub && base === b) return spoilt;
  const bits = bitsOf(by, words);
  if (bits === undefined) return spoilt;
  const number = numberOf(word(bits));
  if (number !== undefined) return moved(base, BigInt.asIntN(64, operation === ALU_OP.add ? number : -number));
  if (operation !== ALU_OP.add || base.index !== undefined) return spoilt;
  return { ...base, index: bits };
}

/** The pointer, so many bytes further. */
export function moved(base: Pointer, by: bigint): Pointer | Unknown {
  const step = Number(BigInt.asIntN(32, by));
  return BigInt(step) === by ? { ...base, offset: base.offset + step } : spoilt;
}

/** Bytes between two places of the same piece of memory. */
function distance(words: Words, a: Pointer, b: Pointer): Value | undefined {
  if (a.region !== b.region || a.absent !== FALSE || b.absent !== FALSE) return undefined;
  const step = word(signed(a.offset - b.offset));
  if (a.index === undefined && b.index === undefined) return step;
  if (b.index === undefined && a.index !== undefined) return computeNumber(words, ALU_OP.add, 64, word(a.index), step);
  const place = computeNumber(words, ALU_OP.add, 64, word(a.index ?? []), step);
  if (place.kind !== 'word' && place.kind !== 'arithmetic') return undefined;
  return computeNumber(words, ALU_OP.sub, 64, place, word(b.index ?? []));
}

function signed(value: number): Bits {
  const bits: Ref[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)), i = 0; i < 64; i++, rest >>= 1n)
    bits.push((rest & 1n) === 1n ? 0 : 1);
  return trim(bits);
}

type NumberValue = Word | Arithmetic;

function computeNumber(words: Words, operation: number, width: 32 | 64, a: NumberValue, b: NumberValue): Value {
  // Words of the frame stay whole, so that a sum of them can be seen to be one (see OnesComplement).
  const loaded = a.kind === 'word' && a.packet?.size === 4;
  const heavy = loaded || (a.kind === 'arithmetic' && a.heavy) || (b.kind === 'arithmetic' && b.heavy);
  switch (operation) {
    case ALU_OP.add:
      if (isZero(b)) return width === 64 ? a : lowHalf(words, a);
      if (isZero(a)) return width === 64 ? b : lowHalf(words, b);
      return lazily('add', a, b, width);
    case ALU_OP.sub:
      if (isZero(b)) return width === 64 ? a : lowHalf(words, a);
      return lazily('sub', a, b, width);
    case ALU_OP.and:
      if (heavy) return lazily('and', a, b, width);
      break;
    case ALU_OP.rsh:
      if (heavy && numberOf(b) !== undefined) return lazily('rsh', a, b, width);
      break;
  }
  const x = slice(bitsOf(a, words) ?? [], 0, width);
  const y = slice(bitsOf(b, words) ?? [], 0, width);
  return word(slice(eager(words, operation, x, y, width), 0, width));
}

const isZero = (value: NumberValue): boolean => value.kind === 'word' && value.bits.length === 0;

function lazily(operation: Arithmetic['operation'], a: NumberValue, b: NumberValue, width: 32 | 64): Arithmetic {
  const heavy =
    (a.kind === 'arithmetic' && a.heavy) ||
    (b.kind === 'arithmetic' && b.heavy) ||
    (operation !== 'and' && operation !== 'rsh' && numberOf(a) === undefined && numberOf(b) === undefined);
  return { kind: 'arithmetic', operation, a, b, width, heavy };
}

function eager(words: Words, operation: number, a: Bits, b: Bits, width: 32 | 64): Bits {
  switch (operation) {
    case ALU_OP.and:
      return words.and(a, b);
    case ALU_OP.or:
      return words.or(a, b);
    case ALU_OP.xor:
      return words.xor(a, b);
    case ALU_OP.neg:
      return words.subtract([], a, width);
    case ALU_OP.lsh:
      return byConstant(words, a, b, width, (bits, by) => words.shiftLeft(bits, by, width));
    case ALU_OP.rsh:
      return byConstant(words, a, b, width, (bits, by) => words.shiftRight(bits, by));
    case ALU_OP.arsh:
      return byConstant(words, a, b, width, (bits, by) => {
        const sign = bitAt(bits, width - 1);
        const out: Ref[] = [];
        for (let i = 0; i < width; i++) out.push(i + by < width ? bitAt(bits, i + by) : sign);
        return trim(out);
      });
    case ALU_OP.mul:
      return multiply(words, a, b, width);
    default:
      throw unsupported(`ALU operation 0x${operation.toString(16)}`);
  }
}

/** Shifts by a number that is no constant: a choice for each amount (RFC 9669: the amount is taken modulo the width). */
function byConstant(words: Words, a: Bits, b: Bits, width: number, shift: (bits: Bits, by: number) => Bits): Bits {
  let result = a;
  const constant = constantOf(slice(b, 0, Math.log2(width)));
  if (constant !== undefined) return shift(padded(a, width), Number(constant));
  for (let bit = 0; 1 << bit < width; bit++) {
    const amount = bitAt(b, bit);
    if (amount === FALSE) continue;
    const shifted = shift(padded(result, width), 1 << bit);
    result = words.choose(amount, shifted, result);
  }
  return result;
}

const padded = (bits: Bits, width: number): Bits => [...bits, ...new Array<Ref>(width - bits.length).fill(FALSE)];

function multiply(words: Words, a: Bits, b: Bits, width: number): Bits {
  let sum: Bits = [];
  for (let bit = 0; bit < Math.min(b.length, width); bit++) {
    if (b[bit] === FALSE) continue;
    sum = words.add(sum, words.where(b[bit], words.shiftLeft(a, bit, width)), width);
  }
  return sum;
}

/** Numbers from −2^(width−1) on, moved so that they compare as unsigned ones. */
export function biased(words: Words, bits: Bits, width: number): Bits {
  const out = [...padded(slice(bits, 0, width), width)];
  out[width - 1] = not(out[width - 1]);
  void words;
  return out;
}
