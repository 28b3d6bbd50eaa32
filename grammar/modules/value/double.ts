/** What `strtod` leaves: the number and the rest of the text behind it. */
export interface ScannedDouble {
  readonly value: number;
  readonly rest: string;
}

const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/i;
const HEXADECIMAL = /^([-+]?)0x([\da-f]*)\.?([\da-f]*)(?:p([-+]?\d+))?/i;
const NAMED = /^([-+]?)(infinity|inf|nan(?:\(\w*\))?)/i;

/** A floating-point number at the front of `text`, as `strtod` of the C locale reads it. */
export function scanDouble(text: string): ScannedDouble | undefined {
  const body = text.replace(/^[ \t\n\v\f\r]+/, '');
  const hex = HEXADECIMAL.exec(body);
  if (hex !== null && hex[2] + hex[3] !== '') {
    const [whole, sign, digits, fraction, exponent = '0'] = hex;
    const value = Number(`0x${digits}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
    return { value: sign === '-' ? -value : value, rest: body.slice(whole.length) };
  }
  const named = NAMED.exec(body);
  if (named !== null) {
    const value = /^nan/i.test(named[2]) ? NaN : Infinity;
    return { value: named[1] === '-' ? -value : value, rest: body.slice(named[0].length) };
  }
  const decimal = DECIMAL.exec(body)?.[0];
  return decimal === undefined ? undefined : { value: Number(decimal), rest: body.slice(decimal.length) };
}

/** The number in 32 bits, unsigned, as the conversion of C leaves it on x86-64: the low bits, 0 beyond 64 of them. */
export function toUint32(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(whole) < 2 ** 63 ? Number(BigInt.asUintN(32, BigInt(whole))) : 0;
}
