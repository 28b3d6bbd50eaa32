/**
 * 64-bit arithmetic on halves of 32 bits, for what does not split into two 32-bit operations. Results are left in
 * {@link Wide.low} and {@link Wide.high}.
 */
export class Wide {
  low = 0;
  high = 0;

  multiply(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    const a0 = aLow & 0xffff;
    const a1 = aLow >>> 16;
    const b0 = bLow & 0xffff;
    const b1 = bLow >>> 16;
    // Each sum is below 2^32, so `>>>` keeps all of it.
    const middle = a1 * b0 + ((a0 * b0) >>> 16);
    const carry = a0 * b1 + (middle & 0xffff);
    const top = a1 * b1 + (middle >>> 16) + (carry >>> 16);
    this.low = Math.imul(aLow, bLow);
    this.high = (top + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
  }

  /** Division by 0 gives 0, remainder by 0 the dividend (RFC 9669 section 4.1). */
  divide(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    if (aHigh === 0 && bHigh === 0) {
      this.low = divide32(aLow, bLow);
      this.high = 0;
      return;
    }
    const divisor = unsigned(bLow, bHigh);
    this.set(divisor === 0n ? 0n : unsigned(aLow, aHigh) / divisor);
  }

  remainder(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    if (aHigh === 0 && bHigh === 0) {
      this.low = remainder32(aLow, bLow);
      this.high = 0;
      return;
    }
    const divisor = unsigned(bLow, bHigh);
    this.set(divisor === 0n ? unsigned(aLow, aHigh) : unsigned(aLow, aHigh) % divisor);
  }

  divideSigned(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    const divisor = signed(bLow, bHigh);
    this.set(divisor === 0n ? 0n : signed(aLow, aHigh) / divisor);
  }

  remainderSigned(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    const divisor = signed(bLow, bHigh);
    this.set(divisor === 0n ? signed(aLow, aHigh) : signed(aLow, aHigh) % divisor);
  }

  private set(value: bigint): void {
    this.low = Number(BigInt.asIntN(32, value));
    this.high = Number(BigInt.asIntN(32, value >> 32n));
  }
}

export function unsigned(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function signed(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** Unsigned; division by 0 gives 0. */
export function divide32(a: number, b: number): number {
  return b === 0 ? 0 : Math.floor((a >>> 0) / (b >>> 0)) | 0;
}

/** Unsigned; remainder by 0 gives the dividend. */
export function remainder32(a: number, b: number): number {
  return b === 0 ? a : ((a >>> 0) % (b >>> 0)) | 0;
}

/** `-2^31 / -1` gives `-2^31`. */
export function divideSigned32(a: number, b: number): number {
  return b === 0 ? 0 : (a / b) | 0;
}

export function remainderSigned32(a: number, b: number): number {
  return b === 0 ? a : (a % b) | 0;
}

export function swapBytes16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

export function swapBytes32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
