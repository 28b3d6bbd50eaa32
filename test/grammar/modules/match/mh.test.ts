import { describe, expect, it } from 'vitest';
import { parseRule, printRule } from '../../../../grammar/index.js';
import { mh } from '../../../../grammar/modules/match/mh.js';
import { rows, testRows } from '../rows.js';
import { PLAIN_V6, withProtocol } from '../support.js';

const MOBILITY = withProtocol(135, PLAIN_V6);

testRows(mh, [
  ...rows(
    MOBILITY,
    ['', ''],
    ['--mh-type :', ''],
    ['--mh-type 0:255', ''],
    ['--mh-type :3', '--mh-type 0:3'],
    ['--mh-type 3:', '--mh-type 3:255'],
    ['! --mh-type 0x7', '! --mh-type 7'],
    ['--mh-type BINDING-u:be', '--mh-type 5:7'],
    // The beginning of a name, unless it is a name itself.
    ['--mh-type home-test', '--mh-type 3'],
    ['--mh-type home-test-', '--mh-type 1'],
    ['--mh-type b', '--mh-type 0'],
    [['--mh-type', ''], '--mh-type 0'],
    ['--mh-type 5:3'],
    ['--mh-type 1:2:3'],
    ['--mh-type 256'],
    ['--mh-type binding-x'],
    ['--mh-type 1 --mh-type 2'],
  ),
  { words: '! --mh-type :', want: '! --mh-type 0:255', context: MOBILITY, newer: true },
]);

describe('the match of -p mh', () => {
  it.each([
    { head: '-p mh', want: '-p mobility-header -m mh --mh-type 1' },
    { head: '-p MH', want: '-p mobility-header -m mh --mh-type 1' },
    { head: '-p mobility-header', want: undefined },
    { head: '-p 135', want: undefined },
    { head: '! -p mh -m mh', want: undefined },
  ])('$head --mh-type 1 → $want', ({ head, want }) => {
    const { rules } = parseRule(`${head} --mh-type 1`, { family: 'v6', table: 'filter', chain: 'INPUT' });
    expect(rules.map(printRule)).toEqual(want === undefined ? [] : [want]);
  });
});
