import { describe, expect, it } from 'vitest';
import { checksum } from '../../../../grammar/modules/target/checksum.js';
import { classify } from '../../../../grammar/modules/target/classify.js';
import { connmarkTarget } from '../../../../grammar/modules/target/connmark.js';
import { ct, notrack } from '../../../../grammar/modules/target/ct.js';
import { dscpTarget } from '../../../../grammar/modules/target/dscp.js';
import { hlTarget, ttlTarget } from '../../../../grammar/modules/target/hop-limit.js';
import { nflog } from '../../../../grammar/modules/target/nflog.js';
import { nfqueue } from '../../../../grammar/modules/target/nfqueue.js';
import { setTarget } from '../../../../grammar/modules/target/set.js';
import { tcpmssTarget } from '../../../../grammar/modules/target/tcpmss.js';
import { tosTarget } from '../../../../grammar/modules/target/tos.js';
import { tproxy } from '../../../../grammar/modules/target/tproxy.js';
import { trace } from '../../../../grammar/modules/target/trace.js';
import { rows, testRows } from '../rows.js';
import { effectOf, PLAIN, withProtocol, type Place } from '../support.js';

const MANGLE: Place = { family: 'v4', table: 'mangle', chain: 'PREROUTING' };
const MANGLE_V6: Place = { ...MANGLE, family: 'v6' };
const MANGLE_FORWARD: Place = { ...MANGLE, chain: 'FORWARD' };
const RAW: Place = { family: 'v4', table: 'raw', chain: 'PREROUTING' };

testRows(
  connmarkTarget,
  rows(
    MANGLE,
    ['--set-mark 1', '--set-xmark 0x1/0xffffffff'],
    ['--or-mark 2', '--set-xmark 0x2/0x2'],
    ['--restore-mark', '--restore-mark --nfmask 0xffffffff --ctmask 0xffffffff'],
    ['--save-mark --mask 0xff', '--save-mark --nfmask 0xff --ctmask 0xff'],
    ['--ctmask 1 --nfmask 2 --save-mark', '--save-mark --nfmask 0x2 --ctmask 0x1'],
    ['--set-mark 5/3 --ctmask 0xff00', '--set-xmark 0x5/0xff00'],
    ['--or-mark 5 --mask 0xff00 --nfmask 1'],
    ['--or-mark 5 --mask 0xff00', '--set-xmark 0x5/0xff00'],
    ['--ctmask 0xff00 --xor-mark 5', '--set-xmark 0x5/0x0'],
    ['--and-mark 5 --nfmask 3', '--set-xmark 0x0/0xfffffffa'],
    ['--set-xmark 1/2 --left-shift-mark 3', '--set-xmark 0x1/0x2 --left-shift-mark 3'],
    [
      '--save-mark --right-shift-mark 3 --left-shift-mark 4',
      '--save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 4',
    ],
    ['--save-mark --left-shift-mark 0', '--save-mark --nfmask 0xffffffff --ctmask 0xffffffff'],
    ['--save-mark --left-shift-mark 33'],
    ['--save-mark --left-shift-mark 32'],
    ['--set-mark 1 --right-shift-mark 31', '--set-xmark 0x1/0xffffffff --right-shift-mark 31'],
    ['--set-mark 1 --right-shift-mark 32 --left-shift-mark 1', '--set-xmark 0x1/0xffffffff --left-shift-mark 1'],
    ['--save-mark --mask 1 --nfmask 2'],
    ['--save-mark --restore-mark'],
    ['--save-mark --set-mark 1'],
    ['--mask 1'],
    [''],
  ),
);

const SYN_TEST = 'the rule needs a test of SYN, which this one lacks';
testRows(
  tcpmssTarget,
  [
    ...rows(
      withProtocol(6, MANGLE_FORWARD),
      ['--clamp-mss-to-pmtu', '--clamp-mss-to-pmtu'],
      ['--set-mss 42', '--set-mss 42'],
      ['--set-mss 65515', '--set-mss 65515'],
      ['--clamp-mss-to-pmtu --set-mss 42', '--set-mss 42'],
      ['--set-mss 42 --clamp-mss-to-pmtu', '--clamp-mss-to-pmtu'],
      ['--set-mss 65516'],
      [''],
    ),
    ...rows(
      withProtocol(6, { ...MANGLE_FORWARD, family: 'v6' }),
      ['--set-mss 65495', '--set-mss 65495'],
      ['--set-mss 65496'],
    ),
    ...rows(MANGLE_FORWARD, ['--set-mss 42']),
    ...rows(withProtocol(6, MANGLE), ['--clamp-mss-to-pmtu']),
  ].map((row) => (row.want === undefined ? row : { ...row, notAsked: SYN_TEST })),
);

testRows(ct, [
  ...rows(
    RAW,
    ['', ''],
    ['--notrack', '--notrack'],
    ['--expevents new --ctevents destroy,new', '--ctevents new,destroy --expevents new'],
    ['--zone 65535', '--zone 65535'],
    ['--zone 0', ''],
    ['--zone MARK', '--zone mark'],
    ['--zone-orig 7', '--zone-orig 7'],
    ['--zone-reply mark', '--zone-reply mark'],
    ['--zone-orig 7 --zone-reply 8', '--zone 8'],
    ['--zone 65536'],
    ['--ctevents wrong'],
    ['--ctevents new,'],
    ['--expevents destroy'],
    ['--helper ftp'],
    ['--helper ftp --notrack', '--notrack --helper ftp'],
    ['--notrack --timeout abcd', '--notrack --timeout abcd'],
    ['--timeout abcde --notrack', '--notrack --timeout abcd'],
  ),
  {
    words: '--helper ftp --notrack',
    want: '--notrack --helper ftp',
    context: withProtocol(6, RAW),
    notAsked: 'the helper need not be loaded there',
  },
]);

testRows(notrack, rows(RAW, ['', '']));
testRows(trace, rows(RAW, ['', '']));

testRows(nflog, [
  ...rows(
    PLAIN,
    ['', ''],
    [
      '--nflog-threshold 5 --nflog-size 0 --nflog-group 7 --nflog-prefix p',
      '--nflog-prefix p --nflog-group 7 --nflog-size 0 --nflog-threshold 5',
    ],
    ['--nflog-group 0 --nflog-range 0 --nflog-threshold 0', ''],
    ['--nflog-range 9', '--nflog-range 9'],
    ['--nflog-range 1 --nflog-size 1'],
    ['--nflog-group 65536'],
    [['--nflog-prefix', '']],
    [['--nflog-prefix', 'a\nb']],
  ),
  { words: `--nflog-prefix ${'x'.repeat(70)}`, want: `--nflog-prefix ${'x'.repeat(63)}` },
]);

testRows(nfqueue, [
  ...rows(
    PLAIN,
    ['', '--queue-num 0'],
    ['--queue-bypass --queue-num 65535', '--queue-num 65535 --queue-bypass'],
    ['--queue-cpu-fanout --queue-bypass --queue-balance 3:6', '--queue-balance 3:6 --queue-bypass --queue-cpu-fanout'],
    ['--queue-balance 4'],
    ['--queue-balance 4:4'],
    ['--queue-balance 0:65535'],
    ['--queue-cpu-fanout'],
    ['--queue-num 65536'],
    ['--queue-num 1 --queue-balance 1:2'],
  ),
  { words: '--queue-balance 4:', want: '--queue-balance 4:65534', newer: true },
]);

testRows(
  classify,
  rows(
    MANGLE_FORWARD,
    ['--set-class 1:ff', '--set-class 0001:00ff'],
    ['--set-class 0xABCD:0', '--set-class abcd:0000'],
    ['--set-class 1:2x', '--set-class 0001:0002'],
    ['--set-class 1ffff:-1', '--set-class ffff:ffff'],
    ['--set-class 1:'],
    ['--set-class :1'],
    ['--set-class 1'],
    ['--set-class x:1'],
    [''],
  ),
);

testRows(checksum, rows(MANGLE, ['--checksum-fill', '--checksum-fill'], ['']));

testRows(tproxy, [
  ...rows(
    withProtocol(6, MANGLE),
    ['--on-port 80', '--on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0'],
    ['--tproxy-mark 5 --on-ip 10.1 --on-port http', '--on-port 80 --on-ip 10.0.0.1 --tproxy-mark 0x5/0xffffffff'],
    ['--on-ip 10.0.0.1'],
    ['--on-port x'],
  ),
  ...rows(MANGLE, ['--on-port 80']),
  ...rows(withProtocol(17, MANGLE_V6), [
    '--on-port 80 --tproxy-mark 1/2',
    '--on-port 80 --on-ip :: --tproxy-mark 0x1/0x2',
  ]),
]);

testRows(
  tosTarget,
  rows(
    MANGLE,
    ['--set-tos 0x1f', '--set-tos 0x1f/0xff'],
    ['--set-tos minimize-cost', '--set-tos 0x02/0x3f'],
    ['--and-tos 0x12', '--set-tos 0x00/0xed'],
    ['--or-tos 18', '--set-tos 0x12/0x12'],
    ['--xor-tos 18', '--set-tos 0x12/0x00'],
    ['--set-tos 1 --or-tos 2'],
    ['--or-tos 256'],
    [''],
  ),
);

testRows(
  dscpTarget,
  rows(
    MANGLE,
    ['--set-dscp 0x3f', '--set-dscp 0x3f'],
    ['--set-dscp-class ef', '--set-dscp 0x2e'],
    ['--set-dscp 64'],
    ['--set-dscp 1 --set-dscp-class EF'],
    [''],
  ),
);

testRows(
  ttlTarget,
  rows(
    MANGLE,
    ['--ttl-set 0', '--ttl-set 0'],
    ['--ttl-inc 1', '--ttl-inc 1'],
    ['--ttl-dec 255', '--ttl-dec 255'],
    ['--ttl-dec 0'],
    ['--ttl-set 256'],
    ['--ttl-set 1 --ttl-inc 1'],
    [''],
  ),
);
testRows(hlTarget, rows(MANGLE_V6, ['--hl-set 42', '--hl-set 42'], ['--hl-inc 0'], ['']));

const NO_SET = 'the set does not exist there';
testRows(
  setTarget,
  [
    ...rows(
      PLAIN,
      ['--add-set foo src,dst --timeout 5 --exist', '--add-set foo src,dst --exist --timeout 5'],
      ['--del-set foo dst --add-set bar src', '--add-set bar src --del-set foo dst'],
      ['! --add-set foo src --timeout 5 ! --exist --timeout 6 --exist', '--add-set foo src --exist --timeout 6'],
      ['--add-set foo src --add-set bar src'],
      ['--add-set foo'],
      ['--del-set foo src --exist'],
      ['--map-set foo src --map-mark'],
      ['--timeout 5'],
      [''],
    ),
    ...rows(
      MANGLE_FORWARD,
      ['--map-prio --map-mark --map-set foo src', '--map-set foo src --map-mark --map-prio'],
      ['--map-set foo src'],
      ['--add-set foo src --map-queue'],
    ),
  ].map((row) => (row.want === undefined ? row : { ...row, notAsked: NO_SET })),
);

describe('effect of a target that is kept by its words', () => {
  it('says the canonical words', () => {
    expect(effectOf(classify, '--set-class 1:2', MANGLE_FORWARD)).toEqual({
      kind: 'opaque',
      target: 'CLASSIFY',
      words: ['--set-class', '0001:0002'],
      change: { kind: 'class', value: 0x10002 },
    });
  });
});
