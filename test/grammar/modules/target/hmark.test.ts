import { hmark } from '../../../../grammar/modules/target/hmark.js';
import { rows, testRows, type Row } from '../rows.js';
import { PLAIN, PLAIN_V6 } from '../support.js';

const NEED = '--hmark-rnd 1 --hmark-mod 2';
const NEEDED = '--hmark-rnd 0x00000001 --hmark-mod 2';

testRows(hmark, [
  ...rows(
    PLAIN,
    [`${NEED} --hmark-tuple src,dst`, `--hmark-src-prefix 32 --hmark-dst-prefix 32 ${NEEDED}`],
    [`${NEED} --hmark-tuple s,d,sp,dp,p,c`, whole(32)],
    [`${NEED} --hmark-tuple CT`, `${NEEDED} --hmark-tuple ct`],
    [`${NEED} --hmark-tuple spi`, `--hmark-spi-mask 0xffffffff ${NEEDED}`],
    [`${NEED} --hmark-tuple src,src`, `--hmark-src-prefix 32 ${NEEDED}`],
    [`${NEED} --hmark-src-prefix 24 --hmark-tuple src`, `--hmark-src-prefix 32 ${NEEDED}`],
    [`${NEED} --hmark-tuple src --hmark-src-prefix 24`],
    [`${NEED} --hmark-tuple src --hmark-dst-prefix 24`, `--hmark-src-prefix 32 --hmark-dst-prefix 24 ${NEEDED}`],
    [`${NEED} --hmark-src-prefix 255.255.0.0`, `--hmark-src-prefix 16 ${NEEDED}`],
    [`${NEED} --hmark-src-prefix 0`, `--hmark-src-prefix 0 ${NEEDED}`],
    [`${NEED} --hmark-src-prefix x`],
    [`${NEED} --hmark-sport 5 --hmark-dport 010`, `--hmark-sport 0x0005 --hmark-dport 0x0008 ${NEEDED}`],
    [`${NEED} --hmark-spi 5`, `--hmark-spi 0x00000005 ${NEEDED}`],
    [`${NEED} --hmark-spi 5 --hmark-sport 5`],
    [`${NEED} --hmark-spi 5 --hmark-sport-mask 5`, `--hmark-sport-mask 0x0005 --hmark-spi 0x00000005 ${NEEDED}`],
    [`${NEED} --hmark-spi-mask 5 --hmark-dport-mask 5`],
    [`${NEED} --hmark-spi-mask 5 --hmark-tuple dport`],
    [`${NEED} --hmark-proto-mask 5`, `--hmark-proto-mask 0x05 ${NEEDED}`],
    [`${NEED} --hmark-proto-mask 65536`],
    [
      '--hmark-rnd 1 --hmark-mod 4294967295 --hmark-offset 7 --hmark-tuple ct',
      '--hmark-rnd 0x00000001 --hmark-mod 4294967295 --hmark-offset 7 --hmark-tuple ct',
    ],
    ['--hmark-rnd 1 --hmark-mod 0 --hmark-tuple ct'],
    ['--hmark-mod 2 --hmark-tuple ct'],
    ['--hmark-rnd 2 --hmark-tuple ct'],
    [NEED],
    [`${NEED} --hmark-tuple src,`],
    [`${NEED} --hmark-tuple ,src`],
    [`${NEED} --hmark-tuple what`],
    [`${NEED} --hmark-tuple srcs`],
    [`${NEED} ! --hmark-tuple src`],
    [`${NEED} --hmark-offset 1`],
  ),
  ...rows(
    PLAIN,
    [`${NEED} --hmark-src-prefix 255.0.255.0`, `--hmark-src-prefix -1 ${NEEDED}`],
    [`${NEED} --hmark-src-prefix 33`, `--hmark-src-prefix -1 ${NEEDED}`],
  ).map((row): Row => ({ ...row, newer: true })),
  ...rows(
    PLAIN_V6,
    [`${NEED} --hmark-tuple src,dst,sport,dport,proto,ct`, whole(128)],
    [`${NEED} --hmark-src-prefix ffff::`, `--hmark-src-prefix 16 ${NEEDED}`],
    [`${NEED} --hmark-src-prefix 129`],
  ),
]);

function whole(bits: number): string {
  return [
    `--hmark-src-prefix ${bits} --hmark-dst-prefix ${bits} --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff`,
    `--hmark-proto-mask 0xffff ${NEEDED} --hmark-tuple ct`,
  ].join(' ');
}
