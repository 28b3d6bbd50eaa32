import { cgroup } from '../../../../grammar/modules/match/cgroup.js';
import { rows, testRows } from '../rows.js';
import { PLAIN } from '../support.js';

const ELSEWHERE = 'the group exists on another machine';

testRows(cgroup, [
  ...rows(PLAIN, ['! --cgroup 0xffffffff', '! --cgroup 4294967295'], ['--cgroup 1 --path /'], ['--cgroup x'], ['']),
  { words: '! --path /', want: '! --path /', saved: '! --path "/"' },
  { words: '--path user.slice', want: '--path user.slice', notAsked: ELSEWHERE },
  { words: ['--path', 'x'.repeat(600)], want: `--path ${'x'.repeat(511)}`, notAsked: ELSEWHERE },
]);
