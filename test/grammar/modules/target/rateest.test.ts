import { rateestTarget } from '../../../../grammar/modules/target/rateest.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

/** Estimators of one name must agree while a table takes the place of another: each row has its own. */
const every = (interval: string, average: string, name: string): string =>
  `--rateest-name ${name} --rateest-interval ${interval} --rateest-ewmalog ${average}`;

testRows(
  rateestTarget,
  rows(
    PLAIN,
    [every('250ms', '500ms', 'e1'), every('250.0ms', '500.0ms', 'e1')],
    [every('0.25s', '.5SEC', 'e2'), every('250.0ms', '500.0ms', 'e2')],
    [every('250001us', '2s', 'e3'), every('500.0ms', '4.0s', 'e3')],
    [every('8s', '1000s', 'e4'), every('8.0s', '512.0s', 'e4')],
    [every('8000001', '1000s', 'e5')],
    [every('1e6', '4s', 'e6'), every('1.0s', '4.0s', 'e6')],
    [every('0x10s', '4s', 'e7')],
    [every('0x1s', '0x4p0s', 'e8'), every('1.0s', '4.0s', 'e8')],
    [every('1s', '100msecs', 'e9')],
    [every('1s', '-1s', 'e10'), every('1.0s', '4096.0s', 'e10')],
    [every('-1s', '1s', 'e11')],
    [every('1s', 'inf', 'e12')],
    [every('1s', 'x', 'e13')],
    [every('1m', '4s', 'e14')],
    [every('1sx', '4s', 'e15')],
    [every('250ms', '500ms', 'abcdefghijklmnopq'), every('250.0ms', '500.0ms', 'abcdefghijklmno')],
    ['--rateest-name a --rateest-interval 1s'],
    ['--rateest-name a --rateest-ewmalog 1s'],
    ['--rateest-interval 1s --rateest-ewmalog 4s'],
    [`! ${every('250ms', '500ms', 'e16')}`],
    [''],
  ),
);
