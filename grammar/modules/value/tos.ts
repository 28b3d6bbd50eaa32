import type { Parsed, ValueType } from '../define.js';
import { hex, scanNumber, UINT8, wholeNumber } from './number.js';

/** TOS byte under a mask. */
export interface TosMask {
  readonly value: number;
  readonly mask: number;
}

/** Old names of TOS values (RFC 1349). */
const NAMES: readonly (readonly [name: string, value: number])[] = [
  ['Minimize-Delay', 0x10],
  ['Maximize-Throughput', 0x08],
  ['Maximize-Reliability', 0x04],
  ['Minimize-Cost', 0x02],
  ['Normal-Service', 0x00],
];

function parseTos(word: string, nameMask: number): Parsed<TosMask> {
  const scanned = scanNumber(word, 0, UINT8);
  if (scanned === undefined) {
    const name = NAMES.find(([known]) => known.toLowerCase() === word.toLowerCase());
    if (name === undefined) return { error: `"${word}" is not a TOS value` };
    return { value: { value: name[1], mask: nameMask } };
  }
  if (scanned.rest === '') return { value: { value: scanned.value, mask: UINT8 } };
  const mask = scanned.rest.startsWith('/') ? wholeNumber(scanned.rest.slice(1), 0, UINT8) : undefined;
  if (mask === undefined) return { error: `"${word}" is not value/mask` };
  return { value: { value: scanned.value, mask } };
}

/** `value[/mask]` or a name, which stands for its value under `nameMask` (libxtables `xtopt_parse_tosmask`). */
export function tosMask(nameMask: number): ValueType<TosMask> {
  return {
    arity: 1,
    placeholder: 'value[/mask]',
    parse: ([word]) => parseTos(word, nameMask),
    print: ({ value, mask }) => [`${hex(value, 2)}/${hex(mask, 2)}`],
  };
}
