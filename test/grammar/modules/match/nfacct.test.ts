import { describe, expect, it } from 'vitest';
import { parseRule, printRule } from '../../../../grammar/index.js';
import { nfacct } from '../../../../grammar/modules/match/nfacct.js';
import { testRows } from '../rows.js';

const ELSEWHERE = 'the object exists on another machine';

testRows(nfacct, [
  { words: '--nfacct-name test', want: '--nfacct-name test', notAsked: ELSEWHERE },
  { words: `--nfacct-name ${'x'.repeat(40)}`, want: `--nfacct-name ${'x'.repeat(31)}`, notAsked: ELSEWHERE },
  { words: ['--nfacct-name', ''] },
  { words: ['--nfacct-name', 'a\nb'] },
  { words: '! --nfacct-name test' },
  { words: '' },
]);

describe('the name of nfacct as saved', () => {
  it.each([
    { name: 'http-in', want: 'http-in' },
    { name: '"http in"', want: '"http in"' },
    { name: 'http.in', want: '"http.in"' },
  ])('$name → $want', ({ name, want }) => {
    const { rules } = parseRule(`-m nfacct --nfacct-name ${name}`, { family: 'v4', table: 'filter', chain: 'INPUT' });
    expect(rules.map(printRule)).toEqual([`-m nfacct --nfacct-name ${want}`]);
  });
});
