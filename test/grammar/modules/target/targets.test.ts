import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../../grammar/model/ruleset.js';
import type { TargetModule } from '../../../../grammar/modules/define.js';
import { log } from '../../../../grammar/modules/target/log.js';
import { markTarget } from '../../../../grammar/modules/target/mark.js';
import { reject } from '../../../../grammar/modules/target/reject.js';
import { accept, drop, returnToCaller } from '../../../../grammar/modules/target/standard.js';
import { rows, testRows } from '../rows.js';
import { effectOf, PLAIN, PLAIN_V6, withProtocol, type Place } from '../support.js';

testRows(reject, [
  ...rows(
    PLAIN,
    ['', '--reject-with icmp-port-unreachable'],
    ['--reject-with port-unreach', '--reject-with icmp-port-unreachable'],
    ['--reject-with ICMP-HOST-U', '--reject-with icmp-host-unreachable'],
    ['--reject-with icmp-n', '--reject-with icmp-net-unreachable'],
    ['--reject-with admin-prohib', '--reject-with icmp-admin-prohibited'],
    ['--reject-with net-prohib', '--reject-with icmp-net-prohibited'],
    ['--reject-with icmp-proto-unreachable', '--reject-with icmp-proto-unreachable'],
    ['--reject-with tcp-reset'],
    ['--reject-with icmp6-no-route'],
    ['--reject-with echo-reply'],
  ),
  ...rows(withProtocol(6), ['--reject-with tcp-rst', '--reject-with tcp-reset']),
  ...rows(withProtocol(6, PLAIN, true), ['--reject-with tcp-reset']),
  ...rows(withProtocol(17), ['--reject-with tcp-reset']),
  ...rows(
    PLAIN_V6,
    ['', '--reject-with icmp6-port-unreachable'],
    ['--reject-with adm-prohibited', '--reject-with icmp6-adm-prohibited'],
    ['--reject-with policy-fail', '--reject-with icmp6-policy-fail'],
    ['--reject-with reject-route', '--reject-with icmp6-reject-route'],
    ['--reject-with tcp-reset'],
    ['--reject-with icmp-port-unreachable'],
  ),
  ...rows(withProtocol(6, PLAIN_V6), ['--reject-with tcp-reset', '--reject-with tcp-reset'], ['--reject-with tcp-rst']),
]);

testRows(
  log,
  rows(
    PLAIN,
    ['', ''],
    [['--log-level', 'warning', '--log-prefix', 'x'], '--log-prefix x'],
    ['--log-level 4', ''],
    ['--log-level info', '--log-level 6'],
    ['--log-level panic --log-ip-options', '--log-level 0 --log-ip-options'],
    [
      '--log-macdecode --log-uid --log-tcp-options --log-tcp-sequence',
      '--log-tcp-sequence --log-tcp-options --log-uid --log-macdecode',
    ],
    ['--log-prefix 123456789012345678901234567890', '--log-prefix 12345678901234567890123456789'],
    [['--log-prefix', '']],
    [['--log-prefix', 'a\nb']],
    ['--log-level 8'],
    ['--log-level Info'],
    ['--log-level warn'],
    ['--log-uid --log-uid'],
  ),
);

testRows(
  markTarget,
  rows(
    PLAIN,
    ['--set-mark 1', '--set-xmark 0x1/0xffffffff'],
    ['--set-mark 0x12/0xf0', '--set-xmark 0x12/0xf2'],
    ['--set-xmark 0x12/0xf0', '--set-xmark 0x12/0xf0'],
    ['--and-mark 0xff', '--set-xmark 0x0/0xffffff00'],
    ['--or-mark 0xff', '--set-xmark 0xff/0xff'],
    ['--xor-mark 0xff', '--set-xmark 0xff/0x0'],
    ['--set-xmark 4294967296'],
    ['--and-mark 1/2'],
    ['--set-mark 1 --or-mark 2'],
    ['! --set-mark 1'],
    [''],
  ),
);

for (const module of [accept, drop, returnToCaller]) testRows(module, rows(PLAIN, ['', '']));

describe('effects', () => {
  it.each<{ module: TargetModule; words: string; context: Place; want: Effect }>([
    { module: accept, words: '', context: PLAIN, want: { kind: 'accept' } },
    { module: drop, words: '', context: PLAIN, want: { kind: 'drop' } },
    { module: returnToCaller, words: '', context: PLAIN, want: { kind: 'return' } },
    { module: reject, words: '', context: PLAIN, want: { kind: 'reject', type: 'icmp-port-unreachable' } },
    { module: reject, words: '', context: PLAIN_V6, want: { kind: 'reject', type: 'icmp6-port-unreachable' } },
    { module: log, words: '', context: PLAIN, want: { kind: 'log', prefix: '', level: 4, flags: 0 } },
    {
      module: log,
      words: '--log-prefix a --log-level debug --log-macdecode --log-tcp-sequence',
      context: PLAIN,
      want: { kind: 'log', prefix: 'a', level: 7, flags: 0x21 },
    },
    { module: markTarget, words: '--set-mark 5', context: PLAIN, want: { kind: 'mark', clear: 0xffffffff, flip: 5 } },
    { module: markTarget, words: '--and-mark 5', context: PLAIN, want: { kind: 'mark', clear: 0xfffffffa, flip: 0 } },
    { module: markTarget, words: '--xor-mark 5', context: PLAIN, want: { kind: 'mark', clear: 0, flip: 5 } },
  ])('$module.name $words', ({ module, words, context, want }) => {
    expect(effectOf(module, words, context)).toEqual(want);
  });
});
