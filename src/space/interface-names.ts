import type { Interval } from '../../grammar/model/interval.js';

/** IFNAMSIZ: bytes of a name, its NUL included. */
const NAME_BYTES = 16;
/** What a name goes on with, the usual first. */
const CHARACTERS = '0123456789abcdefghijklmnopqrstuvwxyz-._@ABCDEFGHIJKLMNOPQRSTUVWXYZ!"#$%&\'()*+,;<=>?[\\]^`{|}~';
const USUAL = ['eth0', 'eth1', 'eth2', 'lan0', 'wan0', 'lo', 'wlan0', 'ppp0'];

/** A name of an interface as a number, as fields have it (grammar/model/fields.ts). */
export function interfaceNumber(name: string): bigint {
  let value = 0n;
  for (let i = 0; i < NAME_BYTES; i++) {
    const byte = i < Math.min(name.length, NAME_BYTES - 1) ? name.charCodeAt(i) & 0xff : 0;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

/** The name of a number: its bytes up to the first NUL. */
export function interfaceText(value: bigint): string {
  let name = '';
  for (let shift = 8 * (NAME_BYTES - 1); shift >= 0; shift -= 8) {
    const byte = Number((value >> BigInt(shift)) & 0xffn);
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  return name;
}

/** dev_valid_name (net/core/dev.c). */
function isName(name: string): boolean {
  return name !== '' && name.length < NAME_BYTES && name !== '.' && name !== '..' && !/[/:\s]/.test(name);
}

const avoided = new Set(['lo']);

/** A name whose number lies in the interval, a usual one if there is one; undefined if no device can have such a name. */
export function interfaceNameIn({ lo, hi }: Interval): string | undefined {
  const inside = (name: string): boolean => {
    const value = interfaceNumber(name);
    return isName(name) && value >= lo && value <= hi;
  };
  const usual = USUAL.find(inside);
  if (usual !== undefined && !avoided.has(usual)) return usual;
  // The shortest prefix of the lower end, itself or with one more character: what lies above it up to the next prefix.
  const start = interfaceText(lo);
  for (const stem of [start, ...Array.from(start, (_, i) => start.slice(0, start.length - 1 - i))]) {
    if (stem !== '' && inside(stem)) return stem;
    for (const character of CHARACTERS) if (inside(stem + character)) return stem + character;
  }
  return usual;
}
