import type { ValueType } from '../define.js';
import { hex, number } from './number.js';

/** Greatest code point (6 bits). */
const MAX = 0x3f;

/** Class names (RFC 2474, 2597, 3246). */
const CLASSES: readonly (readonly [name: string, dscp: number])[] = [
  ['CS0', 0x00],
  ['CS1', 0x08],
  ['CS2', 0x10],
  ['CS3', 0x18],
  ['CS4', 0x20],
  ['CS5', 0x28],
  ['CS6', 0x30],
  ['CS7', 0x38],
  ['BE', 0x00],
  ['AF11', 0x0a],
  ['AF12', 0x0c],
  ['AF13', 0x0e],
  ['AF21', 0x12],
  ['AF22', 0x14],
  ['AF23', 0x16],
  ['AF31', 0x1a],
  ['AF32', 0x1c],
  ['AF33', 0x1e],
  ['AF41', 0x22],
  ['AF42', 0x24],
  ['AF43', 0x26],
  ['EF', 0x2e],
];

export const dscpNumber = number({ max: MAX, placeholder: 'value', print: (value) => hex(value, 2) });

/** A class name, letter case aside; what stands behind the name is not looked at (iptables dscp_helper.c). */
export const dscpClass: ValueType<number> = {
  arity: 1,
  placeholder: 'class',
  parse: ([word]) => {
    const found = CLASSES.find(([name]) => word.toUpperCase().startsWith(name));
    return found === undefined ? { error: `"${word}" is not a DSCP class` } : { value: found[1] };
  },
  print: dscpNumber.print,
};
