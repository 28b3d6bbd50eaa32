import { describe, expect, it } from 'vitest';
import { comment } from '../../../../grammar/modules/match/comment.js';
import { dscp } from '../../../../grammar/modules/match/dscp.js';
import { hl, ttl } from '../../../../grammar/modules/match/hop-limit.js';
import { length } from '../../../../grammar/modules/match/length.js';
import { mark } from '../../../../grammar/modules/match/mark.js';
import { pkttype } from '../../../../grammar/modules/match/pkttype.js';
import { tos } from '../../../../grammar/modules/match/tos.js';
import type { MatchModule } from '../../../../grammar/modules/define.js';
import { rows, testRows } from '../rows.js';
import { conditionOf, evaluate, PLAIN, PLAIN_V6, type Answer, type FieldValues, type Place } from '../support.js';

testRows(
  ttl,
  rows(
    PLAIN,
    ['--ttl-eq 42', '--ttl-eq 42'],
    ['--ttl 42', '--ttl-eq 42'],
    ['! --ttl-eq 0xff', '! --ttl-eq 255'],
    ['--ttl-lt 1', '--ttl-lt 1'],
    ['--ttl-gt 1', '--ttl-gt 1'],
    ['! --ttl 42', '! --ttl-eq 42'],
    ['! --ttl-lt 42'],
    ['--ttl-eq 256'],
    ['--ttl-eq -1'],
    ['--ttl-gt 1 --ttl-lt 5'],
    ['--ttl 1 --ttl-eq 1'],
    [''],
  ),
);
testRows(hl, rows(PLAIN_V6, ['! --hl-eq 255', '! --hl-eq 255'], ['--hl 1', '--hl-eq 1'], ['--hl-lt 256'], ['']));
testRows(length, [
  ...rows(
    PLAIN,
    ['--length 1', '--length 1'],
    ['--length :2', '--length 0:2'],
    ['--length 4:', '--length 4:65535'],
    ['--length :', '--length 0:65535'],
    ['! --length 0:65535', '! --length 0:65535'],
    ['--length 4:4', '--length 4'],
    ['--length 0x10:020', '--length 16'],
    [['--length', ''], '--length 0'],
    ['--length 65536'],
    ['--length 1:2:3'],
    ['--length 1-2'],
    [''],
  ),
  { words: '--length 4:3', newer: true },
]);
testRows(
  mark,
  rows(
    PLAIN,
    ['--mark 1', '--mark 0x1'],
    ['--mark 0x10/0xf0', '--mark 0x10/0xf0'],
    ['! --mark 010', '! --mark 0x8'],
    ['--mark 4294967295/0xffffffff', '--mark 0xffffffff'],
    ['--mark 1/0', '--mark 0x1/0x0'],
    ['--mark 4294967296'],
    ['--mark 1/'],
    ['--mark 1/2/3'],
    ['--mark x'],
    [''],
  ),
);
testRows(
  dscp,
  rows(
    PLAIN,
    ['--dscp 0', '--dscp 0x00'],
    ['--dscp 0x3f', '--dscp 0x3f'],
    ['! --dscp-class ef', '! --dscp 0x2e'],
    ['--dscp-class AF11x', '--dscp 0x0a'],
    ['--dscp-class AF1'],
    ['--dscp 0x40'],
    ['--dscp 1 --dscp-class EF'],
    [''],
  ),
);
testRows(
  tos,
  rows(
    PLAIN,
    ['--tos minimize-delay', '--tos 0x10/0x3f'],
    ['--tos Normal-Service', '--tos 0x00/0x3f'],
    ['! --tos 0xff', '! --tos 0xff/0xff'],
    ['--tos 16/0x1e', '--tos 0x10/0x1e'],
    ['--tos 256'],
    ['--tos 1/256'],
    ['--tos 1x'],
    ['--tos wrong'],
    [''],
  ),
);
testRows(
  pkttype,
  rows(
    PLAIN,
    ['--pkt-type unicast', '--pkt-type unicast'],
    ['--pkt-type HOST', '--pkt-type unicast'],
    ['! --pkt-type bcast', '! --pkt-type broadcast'],
    ['--pkt-type mcast', '--pkt-type multicast'],
    ['--pkt-type otherhost', '--pkt-type otherhost'],
    ['--pkt-type uni'],
    [''],
  ),
);
testRows(comment, [
  ...rows(
    PLAIN,
    [['--comment', 'two'], '--comment two'],
    [['--comment', 'a', '--comment', 'b']],
    ['! --comment x'],
    [''],
  ),
  { words: ['--comment', 'x'.repeat(300)], want: `--comment ${'x'.repeat(255)}` },
]);

const check = (
  module: MatchModule,
  context: Place,
  list: readonly (readonly [words: string, fields: FieldValues, want: Answer])[],
): void => {
  describe(`condition of ${module.name}`, () => {
    it.each(list)('%s on %o: %s', (words, fields, want) => {
      expect(evaluate(conditionOf(module, words, context), fields)).toBe(want);
    });
  });
};

check(ttl, PLAIN, [
  ['--ttl-eq 64', { ttl: 64 }, 'yes'],
  ['! --ttl-eq 64', { ttl: 64 }, 'no'],
  ['--ttl-lt 64', { ttl: 63 }, 'yes'],
  ['--ttl-lt 64', { ttl: 64 }, 'no'],
  ['--ttl-lt 0', { ttl: 0 }, 'no'],
  ['--ttl-gt 64', { ttl: 65 }, 'yes'],
  ['--ttl-gt 64', { ttl: 64 }, 'no'],
  ['--ttl-gt 255', { ttl: 255 }, 'no'],
]);
check(length, PLAIN, [
  ['--length 40:60', { length: 60 }, 'yes'],
  ['--length 40:60', { length: 61 }, 'no'],
  ['! --length 40:60', { length: 39 }, 'yes'],
]);
check(mark, PLAIN, [
  ['--mark 0x10/0xf0', { mark: 0xff1f }, 'yes'],
  ['--mark 0x10/0xf0', { mark: 0x20 }, 'no'],
  ['! --mark 0x10/0xf0', { mark: 0x20 }, 'yes'],
  ['--mark 0x11/0xf0', { mark: 0x11 }, 'no'],
  ['--mark 0xffffffff', { mark: 0xffffffff }, 'yes'],
]);
check(dscp, PLAIN, [
  ['--dscp-class EF', { tos: 0xb8 }, 'yes'],
  ['--dscp-class EF', { tos: 0xbb }, 'yes'],
  ['! --dscp-class EF', { tos: 0xb4 }, 'yes'],
]);
check(tos, PLAIN, [
  ['--tos Minimize-Delay', { tos: 0xd0 }, 'yes'],
  ['--tos 0x10', { tos: 0xd0 }, 'no'],
  ['! --tos 0x10', { tos: 0x10 }, 'no'],
]);
check(pkttype, PLAIN, [
  ['--pkt-type unicast', { pkttype: 0 }, 'yes'],
  ['--pkt-type broadcast', { pkttype: 1 }, 'yes'],
  ['! --pkt-type multicast', { pkttype: 2 }, 'no'],
  ['--pkt-type multicast', { pkttype: 5, daddr: 0xe0000001n }, 'yes'],
  ['--pkt-type broadcast', { pkttype: 5, daddr: 0xe0000001n }, 'no'],
  ['--pkt-type broadcast', { pkttype: 5, daddr: 0xffffffffn }, 'yes'],
  ['--pkt-type unicast', { pkttype: 5 }, 'no'],
]);
check(pkttype, PLAIN_V6, [
  ['--pkt-type multicast', { pkttype: 5 }, 'yes'],
  ['--pkt-type broadcast', { pkttype: 5 }, 'no'],
]);
check(comment, PLAIN, [['--comment x', {}, 'yes']]);
