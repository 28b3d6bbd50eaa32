import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines, type Line } from '../../../grammar/syntax/index.js';

function shown(line: Line): string {
  const { column, length } = line.range;
  const place = `${line.range.line}:${column}+${length}`;
  const faults = line.faults.map(({ code, column: at }) => ` ${code}@${at}`).join('');
  const usable = line.usable ? '' : ' unusable';
  switch (line.kind) {
    case 'table':
      return `${place} table ${line.name?.text}${faults}${usable}`;
    case 'chain':
      return `${place} chain ${line.name?.text} ${line.policy?.text} ${line.counters?.text}${faults}${usable}`;
    case 'rule': {
      const words = line.words.map((word) => `${JSON.stringify(word.text)}@${word.column}+${word.length}`).join(' ');
      const counters = line.counters === undefined ? '' : ` [${line.counters.packets}:${line.counters.bytes}]`;
      return `${place} rule${counters} ${words}${faults}${usable}`;
    }
    case 'comment':
    case 'commit':
      return `${place} ${line.kind}${faults}${usable}`;
  }
}

const rows: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  { name: 'nothing', text: '', want: [] },
  { name: 'empty lines', text: '\n\n', want: [] },
  { name: 'a comment', text: '# x\n', want: ['1:1+3 comment'] },
  { name: 'a comment without a newline', text: '#', want: ['1:1+1 comment'] },
  { name: 'a table', text: '*filter\n', want: ['1:1+7 table filter'] },
  { name: 'a table behind blanks and before other words', text: '* \tnat x\n', want: ['1:1+8 table nat'] },
  { name: 'a table without a name', text: '*\n', want: ['1:1+1 table undefined'] },
  { name: 'a chain', text: ':INPUT DROP [1:2]\n', want: ['1:1+17 chain INPUT DROP [1:2]'] },
  { name: 'a chain line whose words know no quotes', text: ':a"b "x\n', want: ['1:1+7 chain a"b "x undefined'] },
  { name: 'a commit', text: 'COMMIT\n', want: ['1:1+6 commit'] },
  { name: 'a commit without a newline', text: 'COMMIT', want: ['1:1+6 commit bad-commit@1 unusable'] },
  { name: 'a commit before a blank', text: 'COMMIT \n', want: ['1:1+6 commit bad-commit@1 unusable'] },
  { name: 'a commit in small letters', text: 'commit\n', want: ['1:1+6 commit bad-commit@1 unusable'] },
  { name: 'a rule', text: '-A INPUT\n', want: ['1:1+8 rule "-A"@1+2 "INPUT"@4+5'] },
  { name: 'a rule between blanks', text: ' \t-A  INPUT\t \n', want: ['1:3+9 rule "-A"@3+2 "INPUT"@7+5'] },
  { name: 'counters', text: '[1:22] -A\n', want: ['1:8+2 rule [1:22] "-A"@8+2'] },
  { name: 'counters before a word', text: '[1:22]-A\n', want: ['1:7+2 rule [1:22] "-A"@7+2'] },
  { name: 'counters of text', text: '[a:b] -A\n', want: ['1:7+2 rule "-A"@7+2 bad-counters@1'] },
  { name: 'half counters', text: '[5] -A\n', want: ['1:1+6 rule  bad-counters@1 unusable'] },
  { name: 'blanks alone', text: ' \n', want: ['1:1+1 rule  no-command@1 unusable'] },
  { name: 'a quoted word', text: '-A "a b"\n', want: ['1:1+8 rule "-A"@1+2 "a b"@4+5'] },
  { name: 'a quote behind letters', text: 'a"b c"d\n', want: ['1:1+7 rule "ab c"@1+6 "d"@7+1'] },
  { name: 'words that touch', text: '"a""b"\n', want: ['1:1+6 rule "a"@1+3 "b"@4+3'] },
  {
    name: 'an open quote takes the newline',
    text: '-c "x\n-A\n',
    want: ['1:1+5 rule "-c"@1+2 "x\\n"@4+3 open-quote@4', '2:1+2 rule "-A"@1+2'],
  },
  {
    name: 'an escaped newline in an open quote',
    text: '"x\\\n-A\n',
    want: ['1:1+3 rule "x\\n"@1+4 open-quote@1', '2:1+2 rule "-A"@1+2'],
  },
  { name: 'single quotes', text: "'a b'\n", want: [`1:1+5 rule "'a"@1+2 "b'"@4+2`] },
  {
    name: 'CR LF, told once',
    text: '*nat\r\n-A\r\nCOMMIT\r\n',
    want: ['1:1+4 table nat crlf@5 unusable', '2:1+2 rule "-A"@1+2 unusable', '3:1+6 commit unusable'],
  },
  { name: 'CR in a comment', text: '# x\r\n', want: ['1:1+3 comment'] },
  { name: 'CR inside a line', text: 'a\rb\n', want: ['1:1+3 rule "a\\rb"@1+3'] },
  { name: 'a byte order mark', text: '\ufeff*nat\n', want: ['1:1+4 table nat byte-order-mark@1 unusable'] },
  { name: 'a NUL', text: '-A\0\n', want: ['1:1+2 rule "-A"@1+2 nul-character@3 unusable'] },
  {
    name: 'a long word',
    text: `${'x'.repeat(1024)}\n`,
    want: [`1:1+1024 rule "${'x'.repeat(1024)}"@1+1024 word-too-long@1 unusable`],
  },
];

describe('lines of a dump', () => {
  it.each(rows)('$name', ({ text, want }) => expect([...readLines(text)].map(shown)).toEqual(want));

  it('takes a line of 10,239 bytes with its newline and no longer one', () => {
    const words = (bytes: number): string => `${`${'a'.repeat(999)} `.repeat(11).slice(0, bytes - 1)}\n`;
    const codes = [10_239, 10_240].map((bytes) => [...readLines(words(bytes))][0].faults.map(({ code }) => code));
    expect(codes).toEqual([[], ['line-too-long']]);
  });

  it('finds each word where it stands, whatever the text', () => {
    const piece = fc.constantFrom('-A', ' ', '\t', '"', '\\', 'a', '[', ']', ':', '*', '#', '!', '\n', 'COMMIT', '1');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const lines = text.split('\n').map((line) => `${line}\n`);
        for (const line of readLines(text)) {
          if (line.kind !== 'rule') continue;
          for (const { line: number, column, length, raw } of line.words) {
            expect(lines[number - 1].slice(column - 1, column - 1 + length)).toBe(raw);
          }
          expect(lines[line.range.line - 1]).toContain(line.source);
        }
      }),
    );
  });
});
