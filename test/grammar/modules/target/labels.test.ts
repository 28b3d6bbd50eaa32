import { clusterip } from '../../../../grammar/modules/target/clusterip.js';
import { idletimer } from '../../../../grammar/modules/target/idletimer.js';
import { led } from '../../../../grammar/modules/target/led.js';
import { secmark } from '../../../../grammar/modules/target/secmark.js';
import { ulog } from '../../../../grammar/modules/target/ulog.js';
import { rows, testRows, type Row } from '../rows.js';
import { PLAIN, type Place } from '../support.js';

const notAsked = (reason: string, list: readonly Row[]): Row[] => list.map((row) => ({ ...row, notAsked: reason }));

testRows(
  idletimer,
  rows(
    PLAIN,
    ['--timeout 5 --label foo', '--timeout 5 --label foo'],
    ['--label foo --timeout 0x10', '--timeout 16 --label foo'],
    ['--timeout 2147482 --label bar', '--timeout 2147482 --label bar'],
    ['--timeout 2147483 --label bar'],
    ['--timeout 0 --label bar'],
    ['--timeout 5 --label abcdefghijklmnopqrstuvwxyz0123', '--timeout 5 --label abcdefghijklmnopqrstuvwxyz0'],
    ['--timeout 5 --label a/b'],
    ['--timeout 5 --label power'],
    ['--timeout 5 --label ..'],
    [['--timeout', '5', '--label', '']],
    ['--timeout 5'],
    ['--label foo'],
    ['! --timeout 5 --label foo'],
    ['--timeout 5 --label foo --timeout 5'],
  ),
);

testRows(
  idletimer,
  notAsked(
    'the timer needs a real-time clock',
    rows(PLAIN, ['--alarm --timeout 5 --label foo', '--timeout 5 --label foo --alarm']),
  ),
);

testRows(
  led,
  notAsked(
    'few kernels have LEDs',
    rows(
      PLAIN,
      ['--led-trigger-id foo', '--led-trigger-id foo'],
      [
        '--led-always-blink --led-delay 0x2a --led-trigger-id foo',
        '--led-trigger-id foo --led-delay 42 --led-always-blink',
      ],
      ['--led-trigger-id foo --led-delay 0', '--led-trigger-id foo'],
      ['--led-trigger-id foo --led-delay INFinite', '--led-trigger-id foo --led-delay -1'],
      ['--led-trigger-id foo --led-delay 4294967296'],
      ['--led-trigger-id foo --led-delay x'],
      ['--led-trigger-id abcdefghijklmnop', '--led-trigger-id abcdefghijklmnop'],
      ['--led-trigger-id abcdefghijklmnopq'],
      ['--led-delay 1'],
      ['! --led-trigger-id foo'],
      [''],
    ),
  ),
);

const SECURITY: Place = { family: 'v4', table: 'security', chain: 'INPUT' };

testRows(secmark, [
  ...notAsked(
    'the kernel needs SELinux',
    rows(
      SECURITY,
      ['--selctx system_u:object_r:foo_t:s0', '--selctx system_u:object_r:foo_t:s0'],
      [`--selctx ${'a'.repeat(256)}`, `--selctx ${'a'.repeat(255)}`],
    ),
  ),
  ...rows(SECURITY, [''], ['--selctx'], ['! --selctx a']),
]);

testRows(
  ulog,
  notAsked(
    'kernels since 3.17 lack it',
    rows(
      PLAIN,
      ['', ''],
      [
        '--ulog-qthreshold 50 --ulog-cprange 4294967297 --ulog-nlgroup 32 --ulog-prefix foo',
        '--ulog-prefix foo --ulog-nlgroup 32 --ulog-cprange 1 --ulog-qthreshold 50',
      ],
      ['--ulog-qthreshold 1 --ulog-cprange 0 --ulog-nlgroup 1', ''],
      [`--ulog-prefix ${'a'.repeat(32)}`, `--ulog-prefix ${'a'.repeat(31)}`],
      [['--ulog-prefix', '']],
      [['--ulog-prefix', 'a\nb']],
      ['--ulog-nlgroup 0'],
      ['--ulog-nlgroup 33'],
      ['--ulog-qthreshold 0'],
      ['--ulog-qthreshold 51'],
      ['--ulog-cprange -1'],
      ['! --ulog-nlgroup 2'],
    ),
  ),
);

const MADE = '--new --hashmode sourceip --clustermac 01:AA:7B:47:F7:D7 --total-nodes 2 --local-node 1 --hash-init';

testRows(
  clusterip,
  notAsked(
    'kernels since 6.3 lack it',
    rows(
      PLAIN,
      ['', ''],
      ['--local-node 1 --total-nodes 2 --clustermac 1:aa:7b:47:f7:d7 --hashmode sourceip --new', `${MADE} 0`],
      [`${MADE} 4294967295`, `${MADE} 4294967295`],
      ['--new'],
      [`${MADE} 1`.replace('01:AA', '00:AA')],
      [`${MADE} 1`.replace('sourceip', 'source')],
      [`${MADE} 1`.replace('--local-node 1', '--local-node 17')],
      [`${MADE} 1`.replace('--local-node 1', '--local-node 0')],
      [`${MADE} 1`.replace('--total-nodes 2', '--total-nodes 17')],
      [`${MADE} 1`.replace('--hashmode sourceip', '')],
      ['! --new'],
    ),
  ),
);
