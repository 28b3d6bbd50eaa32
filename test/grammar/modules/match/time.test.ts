import { time } from '../../../../grammar/modules/match/time.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

const END = '--datestop 2038-01-19T03:14:07';

testRows(
  time,
  rows(
    PLAIN,
    ['', END],
    ['--timestart 8:05 --timestop 17:00:59', `--timestart 08:05:00 --timestop 17:00:59 ${END}`],
    ['--timestop 12:00', `--timestart 00:00:00 --timestop 12:00:00 ${END}`],
    ['--timestart 00:00 --timestop 23:59:59', END],
    ['--timestart 22:00 --timestop 06:00 --contiguous', `--timestart 22:00:00 --timestop 06:00:00 ${END} --contiguous`],
    ['--monthdays 31,1,02', `--monthdays 1,2,31 ${END}`],
    [
      '! --monthdays 1,2,3,4,5,6,7,8',
      '--monthdays 9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31 ' + END,
    ],
    ['--weekdays Fri,1,Su', `--weekdays Mon,Fri,Sun ${END}`],
    ['! --weekdays Sat,Sun', `--weekdays Mon,Tue,Wed,Thu,Fri ${END}`],
    ['--weekdays 1,2,3,4,5,6,7', END],
    ['--weekdays 33', `--weekdays Mon ${END}`],
    ['--weekdays Monday,', `--weekdays Mon ${END}`],
    [
      '--datestart 2001-02-03T04:05:06 --datestop 2012',
      '--datestart 2001-02-03T04:05:06 --datestop 2012-01-01T00:00:00',
    ],
    ['--datestart 1970', END],
    ['--datestart 2001-02-31', `--datestart 2001-03-03T00:00:00 ${END}`],
    ['--localtz', `${END} --kerneltz`],
    ['--utc', END],
    ['--utc --kerneltz'],
    ['--timestart 24:00'],
    ['--timestart 12'],
    ['--timestart 12:60'],
    ['--monthdays 32'],
    ['--monthdays 08'],
    ['--weekdays 0'],
    ['--weekdays mon'],
    ['--datestart 1969'],
    ['--datestart 2039'],
    ['--datestart 2001-13'],
    ['--datestart 2001/01/01'],
    ['--contiguous'],
    ['--timestart 01:00 --timestop 02:00 --contiguous'],
    ['! --timestart 01:00'],
  ),
);
