import { describe, expect, it } from 'vitest';
import { paintDiagnostic, painted, paintPatch, paintResult } from '../../../src/terminal/paint.js';

describe('verdicts and judgements', () => {
  it.each([
    {
      name: 'a conclusion',
      line: '=> DROP by rule 2 of INPUT',
      want: [`=> ${painted('DROP', 'red')} by rule 2 of INPUT`],
    },
    {
      name: 'a change',
      line: '  ACCEPT -> REJECT TCP-RESET, 2^79 flows',
      want: [`  ${painted('ACCEPT', 'green')} -> ${painted('REJECT TCP-RESET', 'red')}, 2^79 flows`],
    },
    {
      name: 'a rule',
      line: '  line 4: -A INPUT -s 192.0.2.1 -j DROP',
      want: ['  line 4: -A INPUT -s 192.0.2.1 -j DROP'],
    },
    { name: 'a chain with such a name', line: 'chain DROP-LOG of ACCEPT_ALL', want: ['chain DROP-LOG of ACCEPT_ALL'] },
    {
      name: 'translated',
      line: 'xdp filter INPUT: exact (14 rules)',
      want: [`xdp filter INPUT: ${painted('exact', 'green')} (14 rules)`],
    },
    { name: 'refuted', line: 'REFUTED: filter INPUT', want: [`${painted('REFUTED', 'red')}: filter INPUT`] },
    {
      name: 'not proved',
      line: 'not proved: filter INPUT',
      want: [`${painted('not proved', 'yellow')}: filter INPUT`],
    },
    {
      name: 'a heading',
      line: 'table filter, chain INPUT:',
      want: [`${painted('table filter, chain INPUT', 'bold')}:`],
    },
    { name: 'anything else', line: 'nothing is attached', want: ['nothing is attached'] },
  ])('$name', ({ line, want }) => expect([paintResult(line)]).toEqual(want));
});

it.each([
  { line: '+-A INPUT -j DROP', want: painted('+-A INPUT -j DROP', 'green') },
  { line: '--A INPUT -j DROP', want: painted('--A INPUT -j DROP', 'red') },
  { line: '--- a.v4', want: painted('--- a.v4', 'bold') },
  { line: '@@ -1,2 +1,2 @@', want: painted('@@ -1,2 +1,2 @@', 'cyan') },
  { line: ' *filter', want: ' *filter' },
])('a patch: $line', ({ line, want }) => expect(paintPatch(line)).toBe(want));

it.each([
  { line: 'a:1:2: error[x]: y', want: `a:1:2: ${painted('error', 'red')}[x]: y` },
  { line: 'a:1:2: warning[x]: y', want: `a:1:2: ${painted('warning', 'yellow')}[x]: y` },
  { line: 'a:1:2: info[x]: y', want: `a:1:2: ${painted('info', 'cyan')}[x]: y` },
])('a diagnostic: $line', ({ line, want }) => expect(paintDiagnostic(line)).toBe(want));
