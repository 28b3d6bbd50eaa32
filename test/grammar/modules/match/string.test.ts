import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRule, printRule } from '../../../../grammar/index.js';
import { searchOf, string } from '../../../../grammar/modules/match/string.js';
import { hexPattern, needsHex, plainPattern, printHex } from '../../../../grammar/modules/value/search-pattern.js';
import { testRows, type Row } from '../rows.js';
import { PLAIN } from '../support.js';

const X128 = 'x'.repeat(128);

/** A pattern behind `flag`, and the flag and the pattern that are saved. */
function pattern(flag: string, text: string, saved: string, savedFlag = '--string'): Row {
  return {
    words: [flag, text, '--algo', 'bm'],
    want: `${savedFlag} ${saved} --algo bm`,
    saved: `${savedFlag} "${saved.replace(/["\\]/g, '\\$&')}" --algo bm`,
  };
}

const hex = (text: string, saved: string, savedFlag?: string): Row => pattern('--hex-string', text, saved, savedFlag);

testRows(string, [
  pattern('--string', 'test', 'test'),
  pattern('--string', `it's a "q" \\ |41|`, `it's a "q" \\ |41|`),
  pattern('--string', 'a\\', '|615c|', '--hex-string'),
  pattern('--string', 'ä', '|c3a4|', '--hex-string'),
  pattern('--string', X128, X128),
  hex('GET |2f 0d0A|', '|474554202f0d0a|', '--hex-string'),
  hex('|  41 42 |c', 'ABc'),
  // The byte behind a closing bar stands for itself, even a bar.
  hex('|41||42|', 'A|42'),
  hex('|41|\\x', 'A\\x'),
  hex('a\\|b', 'a|b'),
  hex('a\\\\', '|615c|', '--hex-string'),
  hex('abc|', 'abc'),
  hex(X128, X128),
  hex('|00000000|', '|00000000|', '--hex-string'),
  ...['', '|', '||', '|  ', '|4|', '|414|', '|41', '|41  42|', '|4g|', '|4\\31|', 'a\\', `|${'41'.repeat(128)}|`].map(
    (text) => ({ words: ['--hex-string', text, '--algo', 'bm'] }),
  ),
  {
    words: '--icase --to 0x10 --from 9 ! --string a --algo kmp',
    want: '! --string a --algo kmp --from 9 --to 16 --icase',
    saved: '! --string "a" --algo kmp --from 9 --to 16 --icase',
  },
  {
    words: '--from 0 --to 65535 --string a --algo kmp',
    want: '--string a --algo kmp',
    saved: '--string "a" --algo kmp',
  },
  // Tokens of the finite state machine: type, recurrence, byte.
  {
    words: '--hex-string |0d00040000000061| --algo fsm',
    want: '--hex-string |0d00040000000061| --algo fsm',
    saved: '--hex-string "|0d00040000000061|" --algo fsm',
  },
  ...[
    '--string test --algo fsm',
    '--hex-string |0e000000| --algo fsm',
    '--hex-string |00000500| --algo fsm',
    '--hex-string |00000400| --algo fsm',
    '--hex-string |0000000000000400| --algo fsm',
    '--hex-string |0000000000| --algo fsm',
    '--hex-string |00000000| --algo fsm --icase',
    '--string a --algo BM',
    '--string a --algo wrong',
    '--string a',
    '--algo bm',
    '--string a --hex-string b --algo bm',
    '--string a --algo bm --from 5 --to 4',
    '--string a --algo bm --to 65536',
    '--string a --algo bm ! --icase',
    '',
  ].map((words) => ({ words })),
  { words: ['--string', '', '--algo', 'bm'] },
  { words: ['--string', `${X128}x`, '--algo', 'bm'] },
  { words: ['--hex-string', `${X128}x`, '--algo', 'bm'] },
]);

describe('what string searches for', () => {
  it('has its defaults', () => {
    expect(
      searchOf({
        algorithm: { value: 'kmp', inverted: false },
        hex: { value: Uint8Array.of(1, 2), inverted: true },
      }),
    ).toEqual({
      algorithm: 'kmp',
      pattern: Uint8Array.of(1, 2),
      from: 0,
      to: 65535,
      ignoreCase: false,
      inverted: true,
    });
  });

  it('reads back the bytes that it prints', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 127 }), (bytes) => {
        const text = needsHex(bytes) ? printHex(bytes) : plainPattern.print(bytes, PLAIN)[0];
        const parsed = (needsHex(bytes) ? hexPattern : plainPattern).parse([text], PLAIN);
        expect('value' in parsed && [...parsed.value]).toEqual([...bytes]);
      }),
    );
  });

  it('reads back the rule that it prints', () => {
    const place = { family: 'v4', table: 'filter', chain: 'INPUT' } as const;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 127 }), (bytes) => {
        const [first] = parseRule(`-m string --hex-string "${printHex(bytes)}" --algo bm`, place).rules.map(printRule);
        expect(parseRule(first, place).rules.map(printRule)).toEqual([first]);
      }),
    );
  });
});
