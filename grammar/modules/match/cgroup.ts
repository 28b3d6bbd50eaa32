import { defineVerbatimMatch, option, type OptionsOf } from '../define.js';
import { number, UINT32 } from '../value/number.js';
import { text } from '../value/text.js';

/** In the order in which they are printed. */
const OPTIONS = {
  path: option('--path', text({ placeholder: 'path', cut: 511 }), {
    invertible: true,
    doc: 'control group below the root of the cgroup2 hierarchy, those in it included',
  }),
  classId: option('--cgroup', number({ max: UINT32 }), { invertible: true, doc: 'class id of net_cls' }),
};

function check({ path, classId }: OptionsOf<typeof OPTIONS>): string[] {
  return (path === undefined) === (classId === undefined) ? ['either --path or --cgroup is needed'] : [];
}

/** Control group of the socket that sends or receives (net/netfilter/xt_cgroup.c, revision 2). */
export const cgroup = defineVerbatimMatch({
  name: 'cgroup',
  families: ['v4', 'v6'],
  hooks: ['INPUT', 'OUTPUT', 'POSTROUTING'],
  doc: 'control group of the sending or receiving socket',
  options: OPTIONS,
  check,
});
