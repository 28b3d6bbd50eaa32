import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineParser } from '../../../grammar/syntax/line-parser.js';
import { plainRule, wordAt } from '../../../grammar/syntax/plain-rule.js';

/** The parser library's validation calls Object.groupBy, which Node 20 lacks. */
function groupBy(items: Iterable<unknown>, key: (item: unknown, index: number) => PropertyKey): object {
  const groups: Record<PropertyKey, unknown[]> = {};
  let index = 0;
  for (const item of items) (groups[key(item, index++)] ??= []).push(item);
  return groups;
}

describe('grammar of a line', () => {
  const before = Object.getOwnPropertyDescriptor(Object, 'groupBy');
  beforeEach(
    () => void Object.defineProperty(Object, 'groupBy', { value: groupBy, configurable: true, writable: true }),
  );
  afterEach(() => {
    if (before === undefined) Reflect.deleteProperty(Object, 'groupBy');
    else Object.defineProperty(Object, 'groupBy', before);
  });

  it('passes the validations that production skips', () => {
    expect(() => new LineParser({ skipValidations: false })).not.toThrow();
  });

  it('is the same grammar as without them', () => {
    const line = '[1:2] -A INPUT -m comment --comment "a b"\n';
    expect(new LineParser({ skipValidations: false }).parse(line)).toEqual(new LineParser().parse(line));
  });
});

describe('the short way for rules', () => {
  const piece = fc.constantFrom(
    ' ',
    '\t',
    '"',
    '\\',
    "'",
    '-',
    '-A',
    'INPUT',
    '[1:2]',
    '[',
    ':',
    ']',
    '#',
    '!',
    'é',
    '\v',
  );
  const line = fc
    .tuple(fc.constantFrom('-', '-A INPUT', '[1:2] ', '[a:b]', '['), fc.array(piece, { maxLength: 12 }))
    .map(([first, pieces]) => `${first}${pieces.join('')}\n`);

  it('cuts a line as the grammar does', () => {
    const parser = new LineParser();
    fc.assert(
      fc.property(line, (text) => {
        const short = plainRule(text, 1);
        const parsed = parser.parse(text);
        if (short === undefined) return parsed === undefined;
        if (parsed?.kind !== 'rule') return false;
        expect(short.words).toEqual(parsed.words.map(({ image, startOffset }) => wordAt(image, startOffset, 1)));
        expect(short.counters?.image).toBe(parsed.counters?.image);
        return true;
      }),
      { numRuns: 2000 },
    );
  });
});
