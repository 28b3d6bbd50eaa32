import { connlimit } from '../../../../grammar/modules/match/connlimit.js';
import { recent } from '../../../../grammar/modules/match/recent.js';
import { set } from '../../../../grammar/modules/match/set.js';
import { statistic } from '../../../../grammar/modules/match/statistic.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6 } from '../support.js';

testRows(recent, [
  ...rows(
    PLAIN,
    ['--set', '--set --name DEFAULT --mask 255.255.255.255 --rsource'],
    ['! --set --name a --rdest', '! --set --name a --mask 255.255.255.255 --rdest'],
    ['--rdest --rsource --set', '--set --name DEFAULT --mask 255.255.255.255 --rsource'],
    ['--rsource --rdest --set', '--set --name DEFAULT --mask 255.255.255.255 --rdest'],
    [
      '--update --seconds 60 --reap --hitcount 4 --rttl --name x --mask 255.255.255.0',
      '--update --seconds 60 --reap --hitcount 4 --rttl --name x --mask 255.255.255.0 --rsource',
    ],
    ['--rcheck --hitcount 0', '--rcheck --name DEFAULT --mask 255.255.255.255 --rsource'],
    ['--set --hitcount 0', '--set --name DEFAULT --mask 255.255.255.255 --rsource'],
    ['! --remove --name r', '! --remove --name r --mask 255.255.255.255 --rsource'],
    ['--rcheck --hitcount 65536'],
    ['--rcheck --seconds 0'],
    ['--rcheck --reap'],
    ['--set --seconds 5'],
    ['--set --rttl'],
    ['--remove --rttl'],
    ['--set --rcheck'],
    ['--name x'],
    ['--set --name a/b'],
    ['--set --name ..'],

    [''],
  ),
  ...rows(PLAIN_V6, ['--rcheck --mask ffff:ffff::', '--rcheck --name DEFAULT --mask ffff:ffff:: --rsource']),
]);

testRows(connlimit, [
  ...rows(
    PLAIN,
    ['--connlimit-above 10', '--connlimit-above 10 --connlimit-mask 32 --connlimit-saddr'],
    ['! --connlimit-above 10', '--connlimit-upto 10 --connlimit-mask 32 --connlimit-saddr'],
    ['! --connlimit-upto 10 --connlimit-daddr', '--connlimit-above 10 --connlimit-mask 32 --connlimit-daddr'],
    ['--connlimit-upto 1 --connlimit-mask 0', '--connlimit-upto 1 --connlimit-mask 0 --connlimit-saddr'],
    ['--connlimit-upto 1 --connlimit-mask 24', '--connlimit-upto 1 --connlimit-mask 24 --connlimit-saddr'],
    ['--connlimit-upto 1 --connlimit-mask 255.255.0.0', '--connlimit-upto 1 --connlimit-mask 16 --connlimit-saddr'],
    ['--connlimit-upto 4294967296'],
    ['--connlimit-upto 1 --connlimit-above 2'],
    ['--connlimit-upto 1 --connlimit-saddr --connlimit-daddr'],
    ['--connlimit-mask 24'],
    [''],
  ),
  ...rows(PLAIN_V6, [
    '--connlimit-above 10 --connlimit-mask 64',
    '--connlimit-above 10 --connlimit-mask 64 --connlimit-saddr',
  ]),
]);

testRows(
  statistic,
  rows(
    PLAIN,
    ['--mode random --probability 0.5', '--mode random --probability 0.50000000000'],
    ['--mode random ! --probability 0.1', '--mode random ! --probability 0.10000000009'],
    ['--mode random --probability 1', '--mode random --probability 1.00000000000'],
    ['--mode random --probability 1e-1', '--mode random --probability 0.10000000009'],
    ['--mode random --probability 0x1p-2', '--mode random --probability 0.25000000000'],
    ['--mode random --probability nan', '--mode random --probability 0.00000000000'],
    ['--mode random --probability -inf'],
    ['--mode nth ! --every 5 --packet 2', '--mode nth ! --every 5 --packet 2'],
    ['--packet 0 --every 1 --mode nth', '--mode nth --every 1 --packet 0'],
    ['--mode nth --every 5'],
    ['--mode nth --packet 5'],
    ['--mode nth --every 5 --packet 5'],
    ['--mode nth --every 0 --packet 0'],
    ['--mode nth --probability 0.5'],
    ['--mode random --every 5 --packet 0'],
    ['--mode random'],
    ['--mode random --probability 1.1'],
    ['--mode random --probability x'],
    ['--mode rand --probability 0.5'],
    [''],
  ),
);

const NO_SET = 'the set does not exist there';
testRows(
  set,
  rows(
    PLAIN,
    ['--match-set foo src', '--match-set foo src'],
    ['! --set foo srcX,dst', '! --match-set foo src,dst'],
    [
      '--match-set foo src ! --update-counters --update-counters --return-nomatch --return-nomatch',
      '--match-set foo src --return-nomatch ! --update-counters',
    ],
    ['! --match-set foo dst ! --update-counters --update-subcounters', '! --match-set foo dst ! --update-counters'],
    [
      '--bytes-gt 5 ! --packets-eq 0x10 --match-set foo dst --return-nomatch',
      '--match-set foo dst --return-nomatch ! --packets-eq 16 --bytes-gt 5',
    ],
    ['--match-set foo'],
    ['--match-set foo -j'],
    ['--match-set foo in'],
    ['--match-set foo src,dst,src,dst,src,dst,src'],
    [`--match-set ${'x'.repeat(32)} src`],
    ['--packets-eq 1'],
    ['--match-set foo src --packets-eq 1 --packets-lt 2'],
    ['--match-set foo src ! --packets-lt 2'],
    [''],
  ).map((row) => (row.want === undefined ? row : { ...row, notAsked: NO_SET })),
);
