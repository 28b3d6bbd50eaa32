import type { Family, TableName } from '../../grammar/index.js';
import type { MatchModule, TargetModule } from '../../grammar/modules/define.js';
import { MATCHES, TARGETS } from '../../grammar/modules/index.js';

/** A rule with its place. */
export interface PlacedRule {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
  readonly rule: string;
}

const NUMBERS = [
  ...['0', '1', '15', '16', '31', '32', '63', '64', '127', '128', '255', '256', '1023', '65534', '65535', '65536'],
  ...['2147483647', '2147483648', '4294967295', '4294967296', '18446744073709551615', '18446744073709551616'],
  ...['-1', '0x10', '0xff', '010', '08', 'x'],
];
const RANGES = [
  ':',
  '4:',
  ':4',
  '4:4',
  '3:4',
  '4:3',
  ':4:',
  '1:2:3',
  '0:255',
  '0:65535',
  '0:4294967295',
  '-1:4',
  '3-4',
  '4-3',
  '4-',
];
const MASKED = ['1/1', '0/0', '0x1/0x2', '1/', '/1', '1/x', '0xffffffff/0xffffffff', '1/0x100000000'];
const ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  v4: ['10.0.0.1', '10.0.0.1/8', '10.0.0.1/33', '10.0.0.1/255.0.255.0', '1.1.1.1-1.1.1.9', '1.1.1.9-1.1.1.1', '::1'],
  v6: ['fe80::1', 'fe80::1/10', 'fe80::1/129', '::1-::9', '::9-::1', '[::1]:80', '10.0.0.1'],
};
const TEXTS = ['', 'all', 'any', 'none', 'nosuch', '"two words"', 'A,B', ',', '!'];
const PLACES: readonly (readonly [TableName, string])[] = [
  ['filter', 'INPUT'],
  ['filter', 'FORWARD'],
  ['filter', 'OUTPUT'],
  ['nat', 'PREROUTING'],
  ['nat', 'INPUT'],
  ['nat', 'OUTPUT'],
  ['nat', 'POSTROUTING'],
  ['mangle', 'PREROUTING'],
  ['mangle', 'INPUT'],
  ['mangle', 'FORWARD'],
  ['mangle', 'OUTPUT'],
  ['mangle', 'POSTROUTING'],
  ['raw', 'PREROUTING'],
  ['raw', 'OUTPUT'],
  ['security', 'INPUT'],
  ['security', 'FORWARD'],
  ['security', 'OUTPUT'],
];

type AnyModule = MatchModule | TargetModule;

/**
 * Rules that lie beside a given one: a word, an option or a `!` more or less, a value or an option replaced by each of
 * those at the limits and of the same module, each in the same place; and the rule itself in every other place.
 */
export function* neighbours(from: PlacedRule): Generator<PlacedRule> {
  yield from;
  for (const [table, chain] of PLACES) yield { ...from, table, chain };
  yield { ...from, family: from.family === 'v4' ? 'v6' : 'v4' };
  const words = from.rule.split(' ').filter((word) => word !== '');
  for (const changed of changes(words, from.family)) yield { ...from, rule: changed.join(' ') };
}

function* changes(words: readonly string[], family: Family): Generator<readonly string[]> {
  for (let i = 0; i < words.length; i++) {
    yield words.toSpliced(i, 1);
    if (words[i].startsWith('-')) yield* otherOption(words, i);
    else if (words[i] !== '!') yield* otherValue(words, i, family);
  }
}

/** The option at `i` inverted or not, twice, alone, at the end, and the module's other options in its place. */
function* otherOption(words: readonly string[], i: number): Generator<readonly string[]> {
  const inverted = words[i - 1] === '!';
  yield inverted ? words.toSpliced(i - 1, 1) : words.toSpliced(i, 0, '!');
  yield inverted ? words.toSpliced(i, 1) : [...words, ...words.slice(i, i + 2)];
  for (const flag of flagsNear(words, i)) {
    if (flag === words[i]) continue;
    yield words.toSpliced(i, 1, flag);
    yield [...words, flag];
  }
}

function flagsNear(words: readonly string[], i: number): readonly string[] {
  if (!words[i].startsWith('--')) return [];
  const named: readonly AnyModule[] = [...MATCHES, ...TARGETS].filter(
    ({ name, aliases = [] }) => words.includes(name) || aliases.some((alias) => words.includes(alias)),
  );
  return named.flatMap(({ options }) => {
    const flags = Object.values(options).flatMap(({ flag, aliases }) => [flag, ...aliases]);
    return flags.includes(words[i]) ? flags : [];
  });
}

function* otherValue(words: readonly string[], i: number, family: Family): Generator<readonly string[]> {
  const word = words[i];
  for (const value of valuesLike(word, family)) if (value !== word) yield words.toSpliced(i, 1, value);
}

function valuesLike(word: string, family: Family): readonly string[] {
  const all = /\d/.test(word) ? [...NUMBERS, ...RANGES, ...MASKED, ...ADDRESSES[family], ...TEXTS] : TEXTS;
  const pieces = /[,:/-]/.test(word) ? word.split(/[,:/-]/) : [];
  const cut = pieces.length === 0 ? [] : [pieces[0], word.slice(pieces[0].length), `${word},${pieces[0]}`];
  return [...all, ...cut, word.toUpperCase(), word.toLowerCase(), `${word}${word.at(-1) ?? ''}`];
}
