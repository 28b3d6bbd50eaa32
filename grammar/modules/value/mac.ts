import type { Parsed, ValueType } from '../define.js';

/** Up to two characters as `strtoul` reads them: a sign or a blank may stand in the place of a digit. */
const PIECE = /^(?:[0-9a-fA-F]{0,2}|[-+ \t\n\v\f\r][0-9a-fA-F])$/;

/** Six pairs of hexadecimal digits between colons as a number in network order; a digit or both may be missing. */
export function parseMac(word: string): Parsed<bigint> {
  const pieces = word.split(':');
  if (pieces.length !== 6 || pieces.some((piece) => !PIECE.test(piece))) {
    return { error: `"${word}" is not a MAC address`, ...colonHint(word) };
  }
  return { value: pieces.reduce((sum, piece) => (sum << 8n) | byte(piece), 0n) };
}

function byte(piece: string): bigint {
  const value = BigInt(parseInt(piece.trim() || '0', 16));
  return BigInt.asUintN(8, value);
}

/** The same digits as other systems write them. */
function colonHint(word: string): { readonly hint?: string } {
  const digits = word.replace(/[-.]/g, '');
  return /^[0-9a-fA-F]{12}$/.test(digits) ? { hint: `write ${digits.match(/../g)?.join(':')}` } : {};
}

export function printMac(address: bigint): string {
  return (address.toString(16).padStart(12, '0').match(/../g) ?? []).join(':');
}

export const mac: ValueType<bigint> = {
  arity: 1,
  placeholder: 'XX:XX:XX:XX:XX:XX',
  parse: ([word]) => parseMac(word),
  print: (address) => [printMac(address)],
};
