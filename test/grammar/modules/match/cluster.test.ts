import { cluster } from '../../../../grammar/modules/match/cluster.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

const SAVED = '--cluster-local-nodemask 0x00000200 --cluster-total-nodes 10 --cluster-hash-seed 0x00000001';

testRows(cluster, [
  ...rows(
    PLAIN,
    ['--cluster-total-nodes 10 --cluster-local-node 10 --cluster-hash-seed 1', SAVED],
    [
      '--cluster-total-nodes 32 --cluster-local-node 32 --cluster-hash-seed 0',
      '--cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000000',
    ],
    [
      '--cluster-hash-seed 0xfeedcafe ! --cluster-local-nodemask 7 --cluster-total-nodes 3',
      '! --cluster-local-nodemask 0x00000007 --cluster-total-nodes 3 --cluster-hash-seed 0xfeedcafe',
    ],
    ['--cluster-total-nodes 3 --cluster-local-node 4 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 3 --cluster-local-nodemask 8 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 3 --cluster-local-nodemask 0 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 33 --cluster-local-node 1 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 3 --cluster-local-node 1 --cluster-local-nodemask 1 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 3 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 3 --cluster-local-node 1'],
    ['--cluster-local-node 1 --cluster-hash-seed 1'],
    ['--cluster-total-nodes 3 --cluster-local-node 1 ! --cluster-hash-seed 1'],
    [''],
  ),
  { words: SAVED, want: SAVED, notAsked: 'it does not read what it saved' },
]);
