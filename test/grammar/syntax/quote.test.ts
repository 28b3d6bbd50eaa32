import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote, quoteIfNeeded, quoteSaved, readLine, unquote } from '../../../grammar/syntax/index.js';

const rows: readonly { readonly raw: string; readonly want: string }[] = [
  { raw: 'foo', want: 'foo' },
  { raw: '"foo bar"', want: 'foo bar' },
  { raw: '"a \\"b\\" c"', want: 'a "b" c' },
  { raw: '"a\\\\b"', want: 'a\\b' },
  { raw: '"it\\\'s"', want: "it's" },
  { raw: 'a\\b', want: 'a\\b' },
  { raw: 'a"b c"', want: 'ab c' },
  { raw: '""', want: '' },
  { raw: '"open\n', want: 'open\n' },
  { raw: '"ends in an escaped quote\\"', want: 'ends in an escaped quote"' },
  { raw: '"', want: '' },
  { raw: '"\\', want: '' },
];

describe('unquote', () => {
  it.each(rows)('reads $raw', ({ raw, want }) => expect(unquote(raw)).toBe(want));
});

describe('quoteSaved', () => {
  it.each([
    ['plain-1_A', 'plain-1_A'],
    ['10.0.0.1', '"10.0.0.1"'],
    ['', '""'],
    [`"\\'`, `"\\"\\\\\\'"`],
  ])('prints %j', (text, want) => expect(quoteSaved(text)).toBe(want));
});

describe('quoting and reading', () => {
  // A word may hold anything but what ends a line for the reader.
  const text = fc.string({ unit: fc.constantFrom(...`ab"\\' \t#!-é`), maxLength: 12 });

  it.each([
    ['quote', quote],
    ['quoteSaved', quoteSaved],
    ['quoteIfNeeded', quoteIfNeeded],
  ])('%s is undone by reading the line', (_name, print) => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
        const line = readLine(`-A ${texts.map(print).join(' ')}\n`, 1);
        expect(line?.kind === 'rule' && line.words.slice(1).map((word) => word.text)).toEqual(texts);
      }),
    );
  });
});
