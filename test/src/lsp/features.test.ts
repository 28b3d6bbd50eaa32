import { describe, expect, it } from 'vitest';
import { hoverAt } from '../../../src/lsp/hover.js';
import { chainNameAt, chainNames } from '../../../src/lsp/places.js';
import { outlineOf } from '../../../src/lsp/symbols.js';

const DUMP = `*filter
:INPUT DROP [0:0]
:ssh - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ssh
-A INPUT -p udp --sport 53 -s 192.0.2.0/24 -j ACCEPT
-A ssh -m limit --limit 6/min -j LOG --log-prefix "ssh: "
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:ssh - [0:0]
-A PREROUTING -j ssh
COMMIT
`;

/** The place of a word, by its line from 1. */
function at(line: number, word: string): { line: number; character: number } {
  return { line: line - 1, character: DUMP.split('\n')[line - 1].indexOf(word) + 1 };
}

describe('hover', () => {
  const cases: readonly { name: string; line: number; word: string; want: RegExp | undefined }[] = [
    { name: 'a match with its options', line: 4, word: 'tcp --dport', want: /^\*\*tcp\*\*: .+[^]*- `\[!\] --dport / },
    { name: 'an option of a match', line: 4, word: '--dport', want: /^`\[!\] --dport [^`]+`: .+[^]*Option of `tcp`/ },
    { name: 'the value of an option', line: 4, word: '22', want: /--dport/ },
    { name: 'an option of a match that -p brings', line: 5, word: '--sport', want: /Option of `udp`/ },
    { name: 'an option of the head', line: 5, word: '-s 192', want: /^`-s`: source address/ },
    { name: 'a target', line: 6, word: 'LOG', want: /^\*\*LOG\*\*: .+[^]*--log-prefix/ },
    { name: 'an option of a target', line: 6, word: '--log-prefix', want: /Option of `LOG`/ },
    { name: 'an option of a match, not of the target behind it', line: 6, word: '--limit', want: /Option of `limit`/ },
    { name: 'a chain line', line: 2, word: 'INPUT', want: undefined },
    { name: 'the name of a chain', line: 4, word: 'INPUT', want: /^`-A`/ },
  ];
  it.each(cases)('$name', ({ line, word, want }) => {
    const hover = hoverAt(DUMP, 'rules.v4', at(line, word));
    if (want === undefined) expect(hover).toBeUndefined();
    else expect(hover?.text).toMatch(want);
  });
});

describe('names of chains', () => {
  it('belong to their table', () => {
    const names = chainNames(DUMP);
    const asked = chainNameAt(names, at(11, 'ssh'));
    expect(asked).toMatchObject({ name: 'ssh', role: 'jump', table: 1 });
    const made = names.filter(({ name, role }) => name === 'ssh' && role === 'made');
    expect(made.map(({ word, table }) => ({ line: word.line, table }))).toEqual([
      { line: 3, table: 0 },
      { line: 10, table: 1 },
    ]);
    expect(chainNameAt(names, at(4, '--dport'))).toBeUndefined();
  });
});

describe('outline', () => {
  it('has tables with their chains', () => {
    const outline = outlineOf(DUMP).map(({ name, range, children }) => ({
      name,
      lines: [range.start.line + 1, range.end.line + 1],
      chains: children.map((chain) => `${chain.name}: ${chain.detail}`),
    }));
    expect(outline).toEqual([
      { name: 'filter', lines: [1, 7], chains: ['INPUT: chain, policy DROP, 2 rules', 'ssh: chain, 1 rule'] },
      { name: 'raw', lines: [8, 12], chains: ['PREROUTING: chain, policy ACCEPT, 1 rule', 'ssh: chain'] },
    ]);
  });
});
