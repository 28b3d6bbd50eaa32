import { connbytes } from '../../../../grammar/modules/match/connbytes.js';
import { cpu } from '../../../../grammar/modules/match/cpu.js';
import { eui64 } from '../../../../grammar/modules/match/eui64.js';
import { frag } from '../../../../grammar/modules/match/frag.js';
import { ah, ah6, esp, ipcomp } from '../../../../grammar/modules/match/ipsec.js';
import { dst, hbh } from '../../../../grammar/modules/match/ipv6-options.js';
import { quota } from '../../../../grammar/modules/match/quota.js';
import { socket } from '../../../../grammar/modules/match/socket.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6, withProtocol } from '../support.js';

testRows(
  esp,
  rows(
    withProtocol(50),
    ['', ''],
    ['--espspi :', ''],
    ['! --espspi 0x10:20', '! --espspi 16:20'],
    ['--espspi 3:3', '--espspi 3'],
    ['--espspi 4294967296'],
    ['--espspi 4:3'],
  ).map((row) => (row.words === '--espspi 4:3' ? { ...row, newer: true as const } : row)),
);
testRows(esp, [{ words: '! --espspi :', want: '! --espspi 0:4294967295', context: withProtocol(50), newer: true }]);
testRows(ah, rows(withProtocol(51), ['', ''], ['--ahspi 1:', '--ahspi 1:4294967295'], ['--ahspi invalid']));
testRows(
  ah6,
  rows(
    PLAIN_V6,
    ['', ''],
    ['--ahres ! --ahlen 7 --ahspi 1', '--ahspi 1 ! --ahlen 7 --ahres'],
    ['--ahlen 0 --ahspi 0:4294967295', ''],
    ['! --ahlen 0', '! --ahlen 0'],
    ['! --ahres'],
  ),
);
testRows(
  ipcomp,
  rows(
    withProtocol(108),
    ['', '--ipcompspi 0'],
    ['--compres --ipcompspi :', '--compres'],
    ['! --ipcompspi 18', '! --ipcompspi 18'],
  ),
);
testRows(
  frag,
  rows(
    PLAIN_V6,
    ['', ''],
    ['--fragfirst --fragres ! --fraglen 42 ! --fragid 1', '! --fragid 1 ! --fraglen 42 --fragres --fragfirst'],
    ['--fragid : --fragmore', '--fragmore'],
    ['--fraglast', '--fraglast'],
    ['--fraglast --fragmore'],
    ['! --fragmore'],
  ),
);
const FIFTEEN = '1,2,3,4,5,6,7,8,9,10,11,12,13,14,15';
testRows(
  hbh,
  rows(
    PLAIN_V6,
    ['', ''],
    ['--hbh-opts 1:2,0x10:255,300 ! --hbh-len 42', '! --hbh-len 42 --hbh-opts 1:2,16,44'],
    [`--hbh-opts ${FIFTEEN},16`, `--hbh-opts ${FIFTEEN},16`],
    [`--hbh-opts ${FIFTEEN},16:1`],
    [`--hbh-opts ${FIFTEEN},16,17`],
    ['--hbh-opts 5:-1,-37,-0x10', '--hbh-opts 5,219,240'],
    ['--hbh-opts 0:1'],
    ['--hbh-opts -+1'],
    ['--hbh-opts 1:'],
    ['--hbh-opts x'],
    ['! --hbh-opts 1'],
  ),
);
testRows(
  dst,
  rows(PLAIN_V6, ['--dst-len 0 --dst-opts 149:92,12:12', '--dst-len 0 --dst-opts 149:92,12:12'], ['--dst-len x']),
);
testRows(eui64, rows(PLAIN_V6, ['', '']));
testRows(cpu, rows(PLAIN, ['! --cpu 0x1', '! --cpu 1'], ['--cpu 4294967296'], ['']));
testRows(
  quota,
  rows(
    PLAIN,
    ['! --quota 18446744073709551615', '! --quota 18446744073709551615'],
    ['--quota 18446744073709551616'],
    ['--quota 1k'],
    [''],
  ),
);
testRows(
  socket,
  rows(
    { ...PLAIN, table: 'mangle', chain: 'PREROUTING' },
    ['', ''],
    ['--restore-skmark --nowildcard --transparent', '--transparent --nowildcard --restore-skmark'],
  ),
);

const TAIL = '--connbytes-mode packets --connbytes-dir both';
testRows(
  connbytes,
  rows(
    PLAIN,
    [
      `--connbytes-dir reply --connbytes 10 --connbytes-mode avgpkt`,
      '--connbytes 10 --connbytes-mode avgpkt --connbytes-dir reply',
    ],
    [`--connbytes : ${TAIL}`, `--connbytes 0 ${TAIL}`],
    [`--connbytes :1000 ${TAIL}`, `--connbytes 0:1000 ${TAIL}`],
    [`! --connbytes 5:9 ${TAIL}`, `! --connbytes 5:9 ${TAIL}`],
    [`! --connbytes 5: ${TAIL}`, `! --connbytes 5 ${TAIL}`],
    [`! --connbytes 5:5 ${TAIL}`, `--connbytes 5:5 ${TAIL}`],
    [`--connbytes 0:0 ${TAIL}`, `--connbytes 0 ${TAIL}`],
    [`--connbytes 1000:0 ${TAIL}`],
    [`--connbytes 0:18446744073709551616 ${TAIL}`],
    ['--connbytes 1 --connbytes-mode packets'],
    ['--connbytes 1 --connbytes-mode wrong --connbytes-dir both'],
    [TAIL],
  ),
);
