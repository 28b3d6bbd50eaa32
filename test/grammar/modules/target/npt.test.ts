import { dnpt, snpt } from '../../../../grammar/modules/target/npt.js';
import { rows, testRows } from '../rows.js';
import type { Place } from '../support.js';

const INPUT: Place = { family: 'v6', table: 'mangle', chain: 'INPUT' };
const OUTPUT: Place = { ...INPUT, chain: 'OUTPUT' };

testRows(
  snpt,
  rows(
    INPUT,
    ['--src-pfx DEAD::/64 --dst-pfx 1c3::/64', '--src-pfx dead::/64 --dst-pfx 1c3::/64'],
    ['--dst-pfx 1c3::/16 --src-pfx dead:beef::/48', '--src-pfx dead:beef::/48 --dst-pfx 1c3::/16'],
    ['--src-pfx dead::/ffff:: --dst-pfx 1c3::/64', '--src-pfx dead::/16 --dst-pfx 1c3::/64'],
    ['--src-pfx ::/0 --dst-pfx 1c3::/64', '--dst-pfx 1c3::/64'],
    ['--src-pfx dead::/65 --dst-pfx 1c3::/64'],
    ['--src-pfx dead:beef::/16 --dst-pfx 1c3::/64'],
    ['--src-pfx dead::/f0f0:: --dst-pfx 1c3::/64'],
    ['--src-pfx dead:: --dst-pfx 1c3::/64'],
    ['--src-pfx dead::/64'],
    ['--dst-pfx dead::/64'],
    ['! --src-pfx dead::/64 --dst-pfx 1c3::/64'],
    ['--src-pfx dead::/64 --dst-pfx 1c3::/64 --src-pfx dead::/64'],
    [''],
  ),
);

testRows(
  dnpt,
  rows(
    OUTPUT,
    ['--src-pfx dead::/64 --dst-pfx 1c3::/64', '--src-pfx dead::/64 --dst-pfx 1c3::/64'],
    ['--src-pfx dead::/64'],
    ['--dst-pfx dead::/64'],
    ['--src-pfx 1.2.3.4/24 --dst-pfx dead::/64'],
  ),
);
