import { ipvs } from '../../../../grammar/modules/match/ipvs.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6 } from '../support.js';

const list = [
  ...rows(
    PLAIN,
    ['--ipvs', '--ipvs'],
    ['! --ipvs', '! --ipvs'],
    ['--ipvs --vproto tcp', '--vproto 6'],
    [
      '--vportctl ftp ! --vmethod masq --vdir reply --vport 22 ! --vaddr 1.2.3.4/255.255.255.0',
      '! --vaddr 1.2.3.4/24 --vport 22 --vdir REPLY ! --vmethod MASQ --vportctl 21',
    ],
    ['--vaddr 0.0.0.0/0', '--vaddr 0.0.0.0/0'],
    ['! --vproto 23', '! --vproto 23'],
    ['! --ipvs --vport 22'],
    ['! --vdir REPLY'],
    ['--vdir BACK'],
    ['--vmethod NAT'],
    ['--vproto nonsense'],
    ['--vport nonsense'],
    [''],
  ),
  ...rows(
    PLAIN_V6,
    ['--vaddr 2001:db8::1', '--vaddr 2001:db8::1'],
    ['--vaddr ::/0', '--vaddr ::/0'],
    ['--vaddr 1.2.3.4'],
  ),
];

testRows(
  ipvs,
  list.map((row) => ({ ...row, notAsked: 'kernels without IPVS are common' })),
);
