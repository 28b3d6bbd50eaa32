import { opaque, payload } from '../../model/condition.js';
import { defineMatch, option, type OptionsOf } from '../define.js';
import { classicProgram } from '../value/classic-bpf.js';
import { text } from '../value/text.js';

const OPTIONS = {
  program: option('--bytecode', classicProgram, { doc: 'program of classic BPF, run from the network header on' }),
  pinned: option('--object-pinned', text({ placeholder: 'path', cut: 511 }), {
    doc: 'program pinned in a BPF file system',
  }),
};

function check({ program, pinned }: OptionsOf<typeof OPTIONS>): string[] {
  return (program === undefined) === (pinned === undefined) ? ['either --bytecode or --object-pinned is needed'] : [];
}

/** A program of BPF that does not return zero (net/netfilter/xt_bpf.c, revision 1). */
export const bpf = defineMatch({
  name: 'bpf',
  families: ['v4', 'v6'],
  doc: 'a program of BPF says yes',
  options: OPTIONS,
  check,
  condition: ({ program, pinned }) =>
    program === undefined
      ? opaque({ name: 'module', module: 'bpf', words: ['--object-pinned', pinned?.value ?? ''] })
      : payload({ kind: 'classic-bpf', program: program.value }),
});
