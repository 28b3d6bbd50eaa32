import type { Quoting } from '../modules/define.js';
import { quoteAlways, quoteIfNeeded, quoteSaved } from '../syntax/index.js';

/** How most of the modules that have the option print its value; `bare` for all others. */
const QUOTING: ReadonlyMap<string, Quoting> = new Map([
  ['--bytecode', 'always'],
  ['--comment', 'string'],
  ['--helper', 'string'],
  ['--hex-string', 'always'],
  ['--label', 'always'],
  ['--log-prefix', 'string'],
  ['--nfacct-name', 'string'],
  ['--nflog-prefix', 'string'],
  ['--path', 'string'],
  ['--string', 'always'],
  ['--u32', 'always'],
  ['--ulog-prefix', 'string'],
]);

/** Words as iptables-save prints them, ready to be joined with blanks. `own` says where a module differs. */
export function savedWords(
  words: readonly string[],
  own: Readonly<Record<string, Quoting>> | undefined = undefined,
): readonly string[] {
  return words.map((word, i) => savedWord(word, i === 0 ? '' : words[i - 1], own));
}

/** The same behind `-m NAME` or `-j NAME`. */
export function savedModule(
  letter: '-m' | '-j',
  name: string,
  words: readonly string[],
  own: Readonly<Record<string, Quoting>> | undefined,
): readonly string[] {
  // Of its final length from the start: an array that grows keeps room for more.
  const saved = new Array<string>(words.length + 2);
  saved[0] = letter;
  saved[1] = name;
  for (let i = 0; i < words.length; i++) saved[i + 2] = savedWord(words[i], i === 0 ? '' : words[i - 1], own);
  return saved;
}

function savedWord(word: string, flag: string, own: Readonly<Record<string, Quoting>> | undefined): string {
  return flag.startsWith('--') ? quoted(word, own?.[flag] ?? QUOTING.get(flag) ?? 'bare') : quoteIfNeeded(word);
}

function quoted(word: string, quoting: Quoting): string {
  switch (quoting) {
    case 'bare':
      return quoteIfNeeded(word);
    case 'string':
      return quoteSaved(word);
    case 'always':
      return quoteAlways(word);
    default:
      return quoting satisfies never;
  }
}
