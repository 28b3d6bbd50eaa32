import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, foldText, widthOf } from '../../../src/terminal/fold.js';
import { painted } from '../../../src/terminal/paint.js';

describe('the width of a text', () => {
  it.each([
    { name: 'ASCII', text: 'abc d', want: 5 },
    { name: 'nothing', text: '', want: 0 },
    { name: 'an arrow', text: '→', want: 1 },
    { name: 'Chinese', text: '防火', want: 4 },
    { name: 'an accent of its own', text: 'e\u0301', want: 1 },
    { name: 'an emoji', text: '\u{1f525}', want: 2 },
    { name: 'colours', text: painted('DROP', 'red'), want: 4 },
  ])('$name', ({ text, want }) => expect(widthOf(text)).toBe(want));
});

describe('fold', () => {
  it.each([
    { name: 'short enough', line: 'a b c', columns: 5, want: ['a b c'] },
    { name: 'no terminal', line: 'a b c', columns: undefined, want: ['a b c'] },
    { name: 'one too long', line: 'aa bb cc', columns: 7, want: ['aa bb', '  cc'] },
    { name: 'indented', line: '  aa bb cc', columns: 8, want: ['  aa bb', '    cc'] },
    { name: 'a word longer than a line', line: 'aa bbbbbbbbb cc', columns: 6, want: ['aa', '  bbbbbbbbb', '  cc'] },
    { name: 'blanks inside stay', line: 'aa   bb cc', columns: 7, want: ['aa   bb', '  cc'] },
    { name: 'far to the right', line: '        aa bb cc', columns: 12, want: ['        aa', '      bb cc'] },
    { name: 'a given indentation', line: '1  aa bb', columns: 6, indent: 3, want: ['1  aa', '   bb'] },
  ])('$name', ({ line, columns, indent, want }) => expect(fold(line, columns, indent)).toEqual(want));

  it('keeps every word, and every line within the columns where its words let it', () => {
    const word = fc.oneof(fc.stringMatching(/^[!-~]{1,30}$/), fc.constantFrom('防火墙', '→', painted('DROP', 'red')));
    const line = fc.tuple(fc.nat(12), fc.array(word, { maxLength: 20 }));
    fc.assert(
      fc.property(line, fc.integer({ min: 40, max: 90 }), ([lead, words], columns) => {
        const text = `${' '.repeat(lead)}${words.join(' ')}`;
        const folded = fold(text, columns);
        expect(folded.flatMap((one) => one.trim().split(' '))).toEqual(text.trim().split(' '));
        for (const one of folded) if (one.trim().includes(' ')) expect(widthOf(one)).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('goes line by line through a text', () => {
    expect(foldText('aa bb cc\n\n dd', 7)).toBe('aa bb\n  cc\n\n dd');
    expect(foldText('aa bb cc', undefined)).toBe('aa bb cc');
  });
});
