import { describe, expect, it } from 'vitest';
import { readIntents } from '../../../src/intents/read.js';

const place = (text: string) =>
  readIntents(text, 'v4').diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`);

const one = (...lines: readonly string[]): string =>
  ['intents:', '  - packets: tcp', ...lines.map((l) => `    ${l}`)].join('\n');

describe('a file of intents', () => {
  it('is read with its definitions, places and bounds', () => {
    const { intents, diagnostics } = readIntents(
      [
        'define:',
        '  office: from 10.0.0.0/8',
        '  ssh: $office tcp port 22',
        'chain: FORWARD',
        'intents:',
        '  - name: ssh',
        '    packets: "$ssh state new"',
        '    expect: accept',
        '    only: $office',
        '  - packets: all',
        '    chain: PREROUTING',
        '    table: raw',
        '    expect: blocked',
        '    except: |',
        '      udp',
        '      or tcp',
      ].join('\n'),
      'v4',
    );
    expect(diagnostics).toEqual([]);
    expect(intents).toMatchObject([
      { name: 'ssh', line: 6, place: { chain: 'FORWARD' }, expect: 'accept', bound: { kind: 'only' } },
      { name: 'intent 2', line: 10, place: { table: 'raw', chain: 'PREROUTING' }, bound: { kind: 'except' } },
    ]);
  });

  it.each([
    { name: 'no map', text: '- tcp', want: ['1:1 intents-shape'] },
    { name: 'nothing', text: '', want: ['1:1 intents-shape'] },
    { name: 'no list', text: 'intents: tcp', want: ['1:10 intents-shape'] },
    { name: 'broken YAML', text: 'intents:\n  - name: "x', want: [expect.stringMatching(/^2:\d+ yaml-/)] },
    { name: 'a key twice', text: 'chain: INPUT\nchain: INPUT\nintents: []', want: ['2:1 yaml-duplicate-key'] },
    { name: 'unknown key', text: one('expect: drop', 'expct: drop'), want: ['4:5 intents-key'] },
    { name: 'missing expect', text: one('name: x'), want: ['2:5 intents-shape'] },
    { name: 'wrong expect', text: one('expect: deny'), want: ['3:13 intents-value'] },
    { name: 'both bounds', text: one('expect: drop', 'only: udp', 'except: udp'), want: ['5:13 intents-shape'] },
    { name: 'wrong chain', text: one('expect: drop', 'chain: INPUTS'), want: ['4:12 intents-value'] },
    {
      name: 'chain of no table',
      text: one('expect: drop', 'table: raw', 'chain: INPUT'),
      want: ['5:12 intents-value'],
    },
    { name: 'plain query', text: one('expect: drop', 'only: tcp prt 1'), want: ['4:15 query-word'] },
    { name: 'quoted query', text: one('expect: drop', 'only: "tcp prt 1"'), want: ['4:16 query-word'] },
    { name: 'folded query', text: one('expect: drop', 'only: >', '  tcp', '  prt 1'), want: ['4:11 query-word'] },
    { name: 'unknown name', text: one('expect: drop', 'only: tcp $x'), want: ['4:15 query-word'] },
    { name: 'a map for a query', text: one('expect: drop', 'only: {}'), want: ['4:11 intents-shape'] },
    { name: 'a name that is none', text: 'define: {1x: tcp}\nintents: []', want: ['1:10 intents-value'] },
  ])('$name', ({ text, want }) => {
    expect(place(text)).toEqual(want);
  });
});
