import { netmap } from '../../../../grammar/modules/target/netmap.js';
import { dnat, masquerade, redirect, snat } from '../../../../grammar/modules/target/nat.js';
import { rows, testRows } from '../rows.js';
import { withProtocol, type Place } from '../support.js';

const PREROUTING: Place = { family: 'v4', table: 'nat', chain: 'PREROUTING' };
const POSTROUTING: Place = { ...PREROUTING, chain: 'POSTROUTING' };
const PREROUTING_V6: Place = { ...PREROUTING, family: 'v6' };

testRows(dnat, [
  ...rows(
    PREROUTING,
    ['--to-destination 1.1.1.1', '--to-destination 1.1.1.1'],
    [
      '--to-destination 1.1.1.1-1.1.1.10 --persistent --random',
      '--to-destination 1.1.1.1-1.1.1.10 --random --persistent',
    ],
    ['--to-destination 1.1.1.1-1.1.1.1', '--to-destination 1.1.1.1'],
    ['--to-destination 1.1.1.1:80'],
    ['--to-destination :80'],
    ['--to-destination 1.1.1'],
    ['--to-destination 01.1.1.1'],
    ['--to-destination 1.1.1.256'],
    ['--to-destination [1.1.1.1]'],
    ['--to-destination ::1'],
    ['--to-destination 1.1.1.1 --to-destination 2.2.2.2'],
    [''],
  ),
  ...rows(
    withProtocol(6, PREROUTING),
    ['--to-destination 1.1.1.1:0x50', '--to-destination 1.1.1.1:80'],
    ['--to-destination :80', '--to-destination :80'],
    ['--to-destination 1.1.1.1-1.1.1.10:1025-65535', '--to-destination 1.1.1.1-1.1.1.10:1025-65535'],
    ['--to-destination 1.1.1.1:1000-2000/3000', '--to-destination 1.1.1.1:1000-2000/3000'],
    ['--to-destination 1.1.1.1:1000-2000/http', '--to-destination 1.1.1.1:1000-2000/80'],
    ['--to-destination 1.1.1.1:ftp-data', '--to-destination 1.1.1.1:20'],
    ['--to-destination 1.1.1.1:5-5', '--to-destination 1.1.1.1:5'],
    ['--to-destination 1.1.1.1:5-4'],
    ['--to-destination 1.1.1.1:5-'],
    ['--to-destination 1.1.1.1:1000-2000/0'],
    ['--to-destination 1.1.1.1:1000/3000'],
    ['--to-destination 1.1.1.1:65536'],
    ['--to-destination 1.1.1.1:10-ssh'],
    ['--to-destination 1.1.1.1:nothing'],
  ),
  ...rows(withProtocol(47, PREROUTING), ['--to-destination 1.1.1.1:80']),
  ...rows(
    PREROUTING_V6,
    ['--to-destination DEAD::beef-dead::fee7', '--to-destination dead::beef-dead::fee7'],
    ['--to-destination [dead::beef]', '--to-destination dead::beef'],
    ['--to-destination [dead::beef'],
    ['--to-destination 1.1.1.1'],
  ),
  ...rows(
    withProtocol(17, PREROUTING_V6),
    [
      '--to-destination [dead::beef-dead::fee7]:1000-2000/1000',
      '--to-destination [dead::beef-dead::fee7]:1000-2000/1000',
    ],
    ['--to-destination [dead::beef]:ssh', '--to-destination [dead::beef]:22'],
  ),
]);

testRows(dnat, [
  ...rows(
    withProtocol(6, PREROUTING),
    ['--to-destination 12:30', '--to-destination :30'],
    ['--to-destination 1:30'],
    ['--to-destination 123:30'],
  ),
  ...rows(
    withProtocol(6, PREROUTING_V6),
    ['--to-destination []:30', '--to-destination :30'],
    ['--to-destination [1::2]:30', '--to-destination [1::2]:30'],
  ),
]);

testRows(snat, [
  ...rows(
    POSTROUTING,
    [
      '--to-source 1.1.1.1 --random-fully --persistent --random',
      '--to-source 1.1.1.1 --random --random-fully --persistent',
    ],
    ['--to-source 1.1.1.1:1024'],
    [''],
  ),
  ...rows(
    withProtocol(6, POSTROUTING),
    ['--to-source 1.1.1.1:1025-65535', '--to-source 1.1.1.1:1025-65535'],
    ['--to-source 1.1.1.1:42-50/567', '--to-source 1.1.1.1:42-50/0'],
  ),
]);

testRows(masquerade, [
  ...rows(POSTROUTING, ['', ''], ['--random-fully --random', '--random --random-fully'], ['--to-ports 1024']),
  ...rows(
    withProtocol(17, POSTROUTING),
    ['--to-ports 1024-2048', '--to-ports 1024-2048'],
    ['--to-ports 42-50/567', '--to-ports 42-50/0'],
    ['--to-ports 5:6'],
  ),
]);

testRows(redirect, [
  ...rows(PREROUTING, ['', ''], ['--random', '--random'], ['--to-ports 42']),
  ...rows(
    withProtocol(6, PREROUTING),
    ['--to-ports 512-512', '--to-ports 512'],
    ['--to-ports ssh --random', '--to-ports 22 --random'],
    ['--to-ports 42-1234/567'],
    ['--to-ports 65536'],
  ),
]);

testRows(netmap, [
  ...rows(
    PREROUTING,
    ['--to 1.2.3.4', '--to 1.2.3.4/32'],
    ['--to 1.2.3.4/24', '--to 1.2.3.0/24'],
    ['--to 1.2.3.4/255.255.0.0', '--to 1.2.0.0/16'],
    ['--to 1.2.3.4/33x'],
    [''],
  ),
  ...rows(PREROUTING_V6, ['--to dead::beef', '--to dead::beef/128'], ['--to dead::beef/64', '--to dead::/64']),
  { words: '--to 1::2:3/ff::ff:0', want: '--to 1::2:0/ff::ff:0', context: PREROUTING_V6, newer: true },
]);
