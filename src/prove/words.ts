import { FALSE, not, TRUE, type Bdd, type Ref } from './bdd.js';

/**
 * An unsigned number of up to 64 bits (fields: up to 256), least significant bit first; bits that are left out are 0.
 */
export type Bits = readonly Ref[];

export function trim(bits: Ref[]): Bits {
  while (bits.length > 0 && bits[bits.length - 1] === FALSE) bits.pop();
  return bits;
}

export function constantBits(value: bigint): Bits {
  if (value <= 0xffff_ffffn) return bitsOfNumber(Number(value));
  const bits: Ref[] = [];
  for (let rest = value; rest > 0n; rest >>= 1n) bits.push((rest & 1n) === 1n ? TRUE : FALSE);
  return bits;
}

/** The bits of a number of up to 32 bits. */
export function bitsOfNumber(value: number): Bits {
  const bits: Ref[] = [];
  for (let rest = value; rest !== 0; rest >>>= 1) bits.push((rest & 1) === 1 ? TRUE : FALSE);
  return bits;
}

/** The number, where all bits are constant. */
export function constantOf(bits: Bits): bigint | undefined {
  for (const bit of bits) if (bit > 1) return undefined;
  if (bits.length <= 30) {
    let small = 0;
    for (let i = bits.length - 1; i >= 0; i--) small = small * 2 + (bits[i] === TRUE ? 1 : 0);
    return BigInt(small);
  }
  let value = 0n;
  for (let i = bits.length - 1; i >= 0; i--) value = value * 2n + (bits[i] === TRUE ? 1n : 0n);
  return value;
}

export const bitAt = (bits: Bits, index: number): Ref => bits[index] ?? FALSE;

export function sameBits(a: Bits, b: Bits): boolean {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) if (bitAt(a, i) !== bitAt(b, i)) return false;
  return true;
}

/** Bits `from` … `from + length − 1`. */
export function slice(bits: Bits, from: number, length: number): Bits {
  return trim(bits.slice(from, from + length));
}

/** The bytes of `size` bytes in the other order. */
export function swapBytes(bits: Bits, size: number): Bits {
  const out: Ref[] = [];
  for (let byte = size - 1; byte >= 0; byte--) {
    for (let bit = 0; bit < 8; bit++) out.push(bitAt(bits, byte * 8 + bit));
  }
  return trim(out);
}

/** Arithmetic on numbers whose bits are functions. */
export class Words {
  constructor(readonly bdd: Bdd) {}

  private bitwise(a: Bits, b: Bits, length: number, join: (x: Ref, y: Ref) => Ref): Bits {
    const out: Ref[] = [];
    for (let i = 0; i < length; i++) out.push(join(bitAt(a, i), bitAt(b, i)));
    return trim(out);
  }

  and(a: Bits, b: Bits): Bits {
    return this.bitwise(a, b, Math.min(a.length, b.length), (x, y) => this.bdd.and(x, y));
  }

  or(a: Bits, b: Bits): Bits {
    return this.bitwise(a, b, Math.max(a.length, b.length), (x, y) => this.bdd.or(x, y));
  }

  xor(a: Bits, b: Bits): Bits {
    return this.bitwise(a, b, Math.max(a.length, b.length), (x, y) => this.bdd.xor(x, y));
  }

  /** `a` where `condition` holds, else `b`. */
  choose(condition: Ref, a: Bits, b: Bits): Bits {
    return this.bitwise(a, b, Math.max(a.length, b.length), (x, y) => this.bdd.choose(condition, x, y));
  }

  /** The number, where it is the same wherever `condition` holds. */
  constantWhere(condition: Ref, a: Bits): bigint | undefined {
    let value = 0n;
    for (let i = 0; i < a.length; i++) {
      if (this.bdd.implies(condition, a[i])) value |= 1n << BigInt(i);
      else if (!this.bdd.implies(condition, not(a[i]))) return undefined;
    }
    return value;
  }

  /** All bits of `a`, 0 where `condition` does not hold. */
  where(condition: Ref, a: Bits): Bits {
    return trim(a.map((bit) => this.bdd.and(condition, bit)));
  }

  /** a + b + carry, modulo 2^width. */
  add(a: Bits, b: Bits, width: number, carry: Ref = FALSE): Bits {
    const { bdd } = this;
    const out: Ref[] = [];
    for (let i = 0; i < width; i++) {
      const x = bitAt(a, i);
      const y = bitAt(b, i);
      const both = bdd.xor(x, y);
      out.push(bdd.xor(both, carry));
      carry = bdd.choose(both, carry, x);
    }
    return trim(out);
  }

  complement(a: Bits, width: number): Bits {
    const out: Ref[] = [];
    for (let i = 0; i < width; i++) out.push(not(bitAt(a, i)));
    return trim(out);
  }

  subtract(a: Bits, b: Bits, width: number): Bits {
    return this.add(a, this.complement(b, width), width, TRUE);
  }

  shiftLeft(a: Bits, by: number, width: number): Bits {
    const out: Ref[] = new Array<Ref>(by).fill(FALSE);
    return trim([...out, ...a].slice(0, width));
  }

  shiftRight(a: Bits, by: number): Bits {
    return a.slice(by);
  }

  equal(a: Bits, b: Bits): Ref {
    let all = TRUE;
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      all = this.bdd.and(not(this.bdd.xor(bitAt(a, i), bitAt(b, i))), all);
      if (all === FALSE) return FALSE;
    }
    return all;
  }

  /** a < b. */
  below(a: Bits, b: Bits): Ref {
    const { bdd } = this;
    let less = FALSE;
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const x = bitAt(a, i);
      const y = bitAt(b, i);
      less = bdd.or(bdd.and(not(x), y), bdd.and(not(bdd.xor(x, y)), less));
    }
    return less;
  }

  /** a = value. */
  equalTo(a: Bits, value: bigint): Ref {
    const { bdd } = this;
    if (value >> BigInt(a.length) !== 0n) return FALSE;
    const wanted = constantBits(value);
    let all = TRUE;
    for (let i = 0; i < a.length && all !== FALSE; i++) all = bdd.and(wanted[i] === TRUE ? a[i] : not(a[i]), all);
    return all;
  }

  /** a < bound: bit by bit as {@link below}, one step for each. */
  belowConstant(a: Bits, bound: bigint): Ref {
    const { bdd } = this;
    if (bound >> BigInt(a.length) !== 0n) return TRUE;
    const most = constantBits(bound);
    let less = FALSE;
    // With the lower bits compared: where the bound has a 1, a 0 is below it whatever they said; where it has a 0, a 1 is above.
    for (let i = 0; i < a.length; i++) less = most[i] === TRUE ? bdd.or(not(a[i]), less) : bdd.and(not(a[i]), less);
    return less;
  }

  /** lo ≤ a ≤ hi. */
  within(a: Bits, lo: bigint, hi: bigint): Ref {
    if (lo === hi) return this.equalTo(a, lo);
    return this.bdd.without(this.belowConstant(a, hi + 1n), this.belowConstant(a, lo));
  }

  /** a ≥ value. */
  atLeast(a: Bits, value: bigint): Ref {
    return not(this.belowConstant(a, value));
  }
}
