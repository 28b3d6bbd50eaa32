import type { Parsed, ValueType } from '../define.js';
import { parseMarkMask, printMarkMask, type MarkMask } from './mark.js';
import { UINT32 } from './number.js';

/**
 * A 32-bit `value[/mask]`, or a name for a value (libxtables `xtables_parse_val_mask`). The names are those that
 * iproute2 ships in its files below /etc/iproute2; built in, so that a dump means the same on every machine.
 */
export function namedMask(placeholder: string, names: ReadonlyMap<string, number>): ValueType<MarkMask> {
  return {
    arity: 1,
    placeholder: `${placeholder}[/mask]`,
    parse: ([word]) => parseNamedMask(word, placeholder, names),
    print: (mark) => [nameOf(mark, names) ?? printMarkMask(mark)],
  };
}

function parseNamedMask(word: string, placeholder: string, names: ReadonlyMap<string, number>): Parsed<MarkMask> {
  const parsed = parseMarkMask(word);
  if ('value' in parsed) return parsed;
  const value = names.get(word);
  if (value !== undefined) return { value: { value, mask: UINT32 } };
  return {
    error: `"${word}" is neither value[/mask] nor one of the ${placeholder} names ${[...names.keys()].join(', ')}`,
  };
}

function nameOf({ value, mask }: MarkMask, names: ReadonlyMap<string, number>): string | undefined {
  if (mask !== UINT32) return undefined;
  return [...names].find(([, number]) => number === value)?.[0];
}
