import { rateest } from '../../../../grammar/modules/match/rateest.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

const ONE = '--rateest RE1 --rateest-lt';
const TWO = '--rateest1 RE1 --rateest2 RE2 --rateest-lt';

const list = rows(
  PLAIN,
  ['--rateest-bps 8bit --rateest-lt --rateest1 RE1', `${ONE} --rateest-bps 8bit`],
  [`${ONE} --rateest-bps`, `${ONE} --rateest-bps 0bit`],
  [`--rateest RE1 --rateest-bps ! --rateest-gt`, `--rateest RE1 ! --rateest-gt --rateest-bps 0bit`],
  [`${ONE} --rateest-pps 0x10`, `${ONE} --rateest-pps 16`],
  [`${ONE} --rateest-bps 10 --rateest-pps 5`, `${ONE} --rateest-bps 8bit --rateest-lt --rateest-pps 5`],
  [`${ONE} --rateest-bps 8bit --rateest-lt --rateest-pps 5`],
  [
    `${ONE} --rateest-delta --rateest-bps1 10 --rateest-bps2 20`,
    '--rateest-delta --rateest RE1 --rateest-bps1 8bit --rateest-lt --rateest-bps2 16bit',
  ],
  [`${TWO} --rateest-bps 30`, '--rateest1 RE1 --rateest-lt --rateest-bps --rateest2 RE2'],
  [
    `${TWO} --rateest-delta --rateest-pps1 5 --rateest-pps2 6`,
    '--rateest-delta --rateest1 RE1 --rateest-pps1 5 --rateest-lt --rateest-pps2 6 --rateest2 RE2',
  ],
  [`${ONE} --rateest-eq --rateest-pps 1`, '--rateest RE1 --rateest-eq --rateest-pps 1'],
  [`--rateest RE1 ! --rateest-lt --rateest-gt --rateest-pps 1`, '--rateest RE1 ! --rateest-gt --rateest-pps 1'],
  ...(
    [
      ['7bit', '0bit'],
      ['1.5KiBps', '12288bit'],
      ['1000Mbit', '1000Mbit'],
      ['1Gibit', '1074Mbit'],
      ['1001500bit', '1001Kbit'],
      ['1TBps', '28541Mbit'],
      ['0x10', '16bit'],
      ['nan', '0bit'],
      ['4294967296', '4295Mbit'],
      ['34359738368bit', '0bit'],
    ] as const
  ).map(([rate, saved]) => [`${ONE} --rateest-bps ${rate}`, `${ONE} --rateest-bps ${saved}`] as const),
  [`${ONE} --rateest-bps 8xx`],
  [[...ONE.split(' '), '--rateest-bps', '']],
  [`${ONE} --rateest-pps 4294967296`],
  [`${ONE} --rateest-pps x`],
  [`${ONE} --rateest-bps 1 --rateest-bps2 2`],
  [`${ONE} --rateest1 RE1 --rateest-bps`],
  [`${ONE} ! --rateest-pps 1`],
  [ONE],
  ['--rateest RE1 --rateest-bps 1'],
  ['--rateest-lt --rateest-bps 1'],
);

testRows(
  rateest,
  list.map((row) => ({ ...row, notAsked: 'no target has made the estimators' })),
);
