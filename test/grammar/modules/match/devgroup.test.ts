import { describe, expect, it } from 'vitest';
import { parseRule } from '../../../../grammar/index.js';
import type { BuiltinChain } from '../../../../grammar/model/family.js';
import { devgroup } from '../../../../grammar/modules/match/devgroup.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

testRows(devgroup, [
  ...rows(
    { ...PLAIN, chain: 'FORWARD' },
    ['--dst-group 1 ! --src-group 0x20/0xff', '! --src-group 0x20/0xff --dst-group 0x1'],
    ['--dst-group 010', '--dst-group 0x8'],
    ['--dst-group x'],
    [''],
  ),
  { words: '--src-group 0', want: '--src-group default', notAsked: 'names are those of the machine' },
]);

describe('where devgroup can stand', () => {
  const where = (words: string): readonly BuiltinChain[] =>
    (['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const).filter(
      (chain) => parseRule(`-m devgroup ${words}`, { family: 'v4', table: 'mangle', chain }).rules.length === 1,
    );

  it.each([
    { words: '--src-group 1', want: ['PREROUTING', 'INPUT', 'FORWARD'] },
    { words: '--dst-group 1', want: ['FORWARD', 'OUTPUT', 'POSTROUTING'] },
    { words: '--src-group 1 --dst-group 1', want: ['FORWARD'] },
  ])('$words: $want', ({ words, want }) => {
    expect(where(words)).toEqual(want);
  });
});
