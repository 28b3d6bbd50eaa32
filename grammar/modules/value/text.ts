import type { ValueType } from '../define.js';
import { unknownName } from './suggest.js';
import { cutUtf8, utf8Length } from '../../model/utf8.js';

/** An option without words. */
export const flag: ValueType<true> = {
  arity: 0,
  placeholder: '',
  parse: () => ({ value: true }),
  print: () => [],
};

interface TextSettings {
  readonly placeholder: string;
  readonly min?: number;
  readonly max?: number;
  /** Bytes that iptables keeps; the rest is cut off without a word (`xtopt_parse_string`). */
  readonly cut?: number;
}

/** Free text; lengths are in bytes of UTF-8, as in the tool. */
export function text({ placeholder, min = 0, max = Infinity, cut = Infinity }: TextSettings): ValueType<string> {
  return {
    arity: 1,
    placeholder,
    parse: ([word]) => {
      const bytes = utf8Length(word);
      if (bytes < min) return { error: `"${word}" is shorter than ${min} characters` };
      if (bytes > max) return { error: `"${word}" is longer than ${max} characters` };
      return { value: bytes > cut ? cutBytes(word, cut) : word };
    },
    print: (value) => [value],
  };
}

/** Text before each message of a logging target, cut to what the kernel has room for. */
export function messagePrefix(bytes: number): ValueType<string> {
  const type = text({ placeholder: 'prefix', min: 1, cut: bytes });
  return {
    ...type,
    parse: (words, context) =>
      words[0].includes('\n') ? { error: 'a newline cannot stand in the prefix' } : type.parse(words, context),
  };
}

function cutBytes(word: string, bytes: number): string {
  return cutUtf8(word, bytes);
}

/** Whether `text` is a beginning of `name`, letter case aside (`strncasecmp(text, name, strlen(text))`). */
export function isPrefix(text: string, name: string): boolean {
  return name.toLowerCase().startsWith(text.toLowerCase());
}

/** One word of a fixed vocabulary; `names` are those to think of where a word is not in it. */
export function choice<T extends string>(
  placeholder: string,
  find: (word: string) => T | undefined,
  names: readonly string[] = [],
): ValueType<T> {
  return {
    arity: 1,
    placeholder,
    parse: ([word]) => {
      const value = find(word);
      return value === undefined
        ? unknownName(word, names, `"${word}" is not ${article(placeholder)} ${placeholder}`)
        : { value };
    },
    print: (value) => [value],
  };
}

function article(noun: string): string {
  return /^[aeiou]/i.test(noun) ? 'an' : 'a';
}

/**
 * Names in a comma list, each possibly shortened (first name in `order` that begins with it wins), printed in the
 * order of `names`. An empty piece is an error.
 */
export function nameList<T extends string>(
  placeholder: string,
  names: readonly T[],
  order: readonly T[] = names,
): ValueType<readonly T[]> {
  return {
    arity: 1,
    placeholder,
    parse: ([word]) => {
      const found = new Set<T>();
      for (const piece of word.split(',')) {
        const name = piece === '' ? undefined : order.find((candidate) => isPrefix(piece, candidate));
        if (name === undefined)
          return unknownName(piece, names, `${pieceOf(piece, word)} is none of ${names.join(', ')}`);
        found.add(name);
      }
      return { value: names.filter((name) => found.has(name)) };
    },
    print: (value) => [value.join(',')],
  };
}

/** A piece of a list, for an error: the list is named where it is not the piece itself. */
export function pieceOf(piece: string, list: string): string {
  return piece === list ? `"${piece}"` : `"${piece}" in "${list}"`;
}

/** `.` and `..`, the empty name and names with a slash cannot be files below /proc (x_tables.c `xt_check_proc_name`). */
export function isProcName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/');
}
