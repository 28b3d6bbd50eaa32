import { connlabel } from '../../../../grammar/modules/match/connlabel.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

testRows(connlabel, [
  { words: '! --label 40', want: '! --label 40', saved: '! --label "40"' },
  { words: '--set --label 0x10', want: '--label 16 --set', saved: '--label "16" --set' },
  { words: '--label 127', want: '--label 127', saved: '--label "127"' },
  // Of a greater number 32 bits are kept, then 16.
  { words: '--label 65537', want: '--label 1', saved: '--label "1"' },
  { words: '--label 4294967298', want: '--label 2', saved: '--label "2"' },
  ...rows(
    PLAIN,
    ['--label 128'],
    ['--label 2147483648'],
    ['--label name-of-a-label'],
    [['--label', '']],
    ['--set'],
    ['--label 1 ! --set'],
  ),
]);
