import type { Parsed, ValueType } from '../define.js';

/** Six pairs of hexadecimal digits between colons as a number in network order; a digit or both may be missing. */
export function parseMac(word: string): Parsed<bigint> {
  const pieces = word.split(':');
  if (pieces.length !== 6 || pieces.some((piece) => !/^[0-9a-fA-F]{0,2}$/.test(piece))) {
    return { error: `"${word}" is not a MAC address`, ...colonHint(word) };
  }
  return { value: pieces.reduce((sum, piece) => (sum << 8n) | BigInt(piece === '' ? 0 : `0x${piece}`), 0n) };
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
