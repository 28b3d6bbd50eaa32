import type { Parsed, ValueType } from '../define.js';
import { hex, scanNumber, UINT32, wholeNumber } from './number.js';

/** A 32-bit value under a mask; both unsigned. */
export interface MarkMask {
  readonly value: number;
  readonly mask: number;
}

/** `value[/mask]`, the mask all ones where it is left out (libxtables `xtables_parse_val_mask`). */
export function parseMarkMask(word: string): Parsed<MarkMask> {
  const value = scanNumber(word, 0, UINT32);
  if (value === undefined) return { error: `"${word}" is not a number in 0-0xffffffff` };
  if (value.rest === '') return { value: { value: value.value, mask: UINT32 } };
  const mask = value.rest.startsWith('/') ? wholeNumber(value.rest.slice(1), 0, UINT32) : undefined;
  if (mask === undefined) return { error: `"${word}" is not value/mask` };
  return { value: { value: value.value, mask } };
}

export function printMarkMask({ value, mask }: MarkMask): string {
  return mask === UINT32 ? hex(value) : `${hex(value)}/${hex(mask)}`;
}

export const markMask: ValueType<MarkMask> = {
  arity: 1,
  placeholder: 'value[/mask]',
  parse: ([word]) => parseMarkMask(word),
  print: (mark) => [printMarkMask(mark)],
};
