import { audit } from '../../../../grammar/modules/target/audit.js';
import { connsecmark } from '../../../../grammar/modules/target/connsecmark.js';
import { ecnTarget } from '../../../../grammar/modules/target/ecn.js';
import { synproxy } from '../../../../grammar/modules/target/synproxy.js';
import { tcpoptstrip } from '../../../../grammar/modules/target/tcpoptstrip.js';
import { tee } from '../../../../grammar/modules/target/tee.js';
import { rows, testRows } from '../rows.js';
import { PLAIN, PLAIN_V6, withProtocol, type Place } from '../support.js';

const MANGLE: Place = { family: 'v4', table: 'mangle', chain: 'PREROUTING' };

testRows(tee, [
  ...rows(
    PLAIN,
    ['--gateway 10.1', '--gateway 10.0.0.1'],
    ['--oif eth0 --gateway 1.1.1.1', '--gateway 1.1.1.1 --oif eth0'],
    ['--gateway ::ffff:1.2.3.4', '--gateway 1.2.3.4'],
    ['--gateway ::1.2.3.4'],
    ['--gateway 0'],
    ['! --gateway 1.1.1.1'],
    ['--oif eth0'],
  ),
  ...rows(PLAIN_V6, ['--gateway 2001:DB8::1', '--gateway 2001:db8::1'], ['--gateway 1.1.1.1'], ['--gateway ::']),
]);

testRows(ecnTarget, [
  ...rows(
    withProtocol(6, MANGLE),
    ['--ecn-tcp-remove', '--ecn-tcp-remove'],
    ['--ecn-tcp-cwr 0 --ecn-tcp-ece 0', '--ecn-tcp-remove'],
    ['--ecn-tcp-cwr 1 --ecn-tcp-ece 0', '--ecn-tcp-ece 0 --ecn-tcp-cwr 1'],
    ['--ecn-tcp-cwr 1 --ecn-ip-ect 3', '--ecn-tcp-cwr 1 --ecn-ip-ect 3'],
    ['--ecn-ip-ect 3 --ecn-tcp-remove', '--ecn-tcp-remove'],
    ['--ecn-tcp-remove --ecn-ip-ect 3', '--ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 3'],
    ['--ecn-tcp-remove --ecn-tcp-cwr 1'],
    ['--ecn-tcp-cwr 2'],
    [''],
  ),
  ...rows(MANGLE, ['--ecn-ip-ect 1', '--ecn-ip-ect 1'], ['--ecn-tcp-remove']),
]);

testRows(connsecmark, rows(MANGLE, ['--save', '--save'], ['--restore', '--restore'], ['--save --restore'], ['']));

testRows(audit, rows(PLAIN, ['--type ACCEPT', '--type accept'], ['--type wrong'], ['']));

testRows(tcpoptstrip, [
  ...rows(
    withProtocol(6, MANGLE),
    ['', ''],
    ['--strip-options sack,255,mss,0x7', '--strip-options 2,5,7,255'],
    ['--strip-options 2,mss'],
    ['--strip-options 1'],
    ['--strip-options 256'],
    ['--strip-options 2,'],
    ['--strip-options MSS'],
  ),
  ...rows(MANGLE, ['--strip-options 2']),
]);

testRows(synproxy, [
  ...rows(
    withProtocol(6),
    ['', ''],
    ['--ecn --mss 1460 --wscale 9 --timestamp --sack-perm', '--sack-perm --timestamp --wscale 9 --mss 1460 --ecn'],
    ['--mss 65537 --wscale 257', '--wscale 1 --mss 1'],
    ['--mss x'],
  ),
  ...rows(PLAIN, ['']),
]);
