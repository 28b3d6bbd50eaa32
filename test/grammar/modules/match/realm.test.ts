import { realm } from '../../../../grammar/modules/match/realm.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

const NAMED = 'names are those of the machine';

testRows(realm, [
  ...rows(
    PLAIN,
    ['--realm 42', '--realm 0x2a'],
    ['! --realm 5/0xffffffff', '! --realm 0x5'],
    ['--realm 0/0', '--realm 0x0/0x0'],
    ['--realm 5x'],
    ['--realm 5/'],
    ['--realm cosmos/1'],
    ['--realm 4294967296'],
    [''],
  ),
  { words: '--realm 0', want: '--realm cosmos', notAsked: NAMED },
  { words: '--realm cosmos', want: '--realm cosmos', notAsked: NAMED },
]);
