import { helperNeeds } from '../helper-needs.js';
import { lookupOf } from '../lookup.js';
import type { Manifest } from '../manifest.js';
import { isSocketHook } from '../place.js';
import { rejectNeeds } from '../reject/index.js';
import { SET_FEATURE } from '../sets/notes.js';
import { readsOwnState } from '../wire-state.js';
import { usesDevices, type Built } from './built.js';

/** The oldest kernel that an object runs in, and what of it that needs. */
export function needs(built: Built, logs: boolean): Manifest['needs'] {
  const { analyses, programs, common } = built;
  const features = ['global functions with memory arguments', 'BTF'];
  let kernel = '5.15';
  features.push(...common.memory.features());
  if (logs) features.push('ring buffer');
  if (common.sets.size > 0) features.push(SET_FEATURE);
  if (analyses[0].hook === 'netfilter') {
    const kfuncs = 'kfuncs bpf_dynptr_from_skb and bpf_rdonly_cast';
    return { kernel: '6.4', features: [...features, 'BPF_PROG_TYPE_NETFILTER', kfuncs] };
  }
  if (isSocketHook(analyses[0].hook)) {
    const kfuncs =
      analyses[0].hook === 'cgroup' ? 'kfuncs bpf_cast_to_kern_ctx and bpf_rdonly_cast' : 'kfunc bpf_cast_to_kern_ctx';
    return { kernel: '6.2', features: [...features, kfuncs] };
  }
  if (usesDevices(built) || analyses.some(readsOwnState)) {
    kernel = '6.2';
    features.push('kfunc bpf_cast_to_kern_ctx', 'helper bpf_probe_read_kernel');
  }
  if (analyses.some((analysis) => lookupOf(analysis) !== undefined)) {
    kernel = newer(kernel, '5.18');
    features.push('kfuncs bpf_xdp_ct_lookup and bpf_skb_ct_lookup');
  }
  const code = programs.flatMap(({ entry, functions }) => [entry.code, ...functions.map((f) => f.instructions)]);
  for (const need of helperNeeds(code)) {
    kernel = newer(kernel, need.kernel);
    features.push(need.feature);
  }
  const [{ view }] = analyses;
  const answers = rejectNeeds(
    view,
    programs.flatMap((program) => program.answers),
  );
  if (answers !== undefined) {
    kernel = newer(kernel, answers.kernel);
    features.push(answers.feature);
  }
  return { kernel, features };
}

function newer(a: string, b: string): string {
  const rank = (version: string): number => {
    const [major, minor] = version.split('.').map(Number);
    return major * 1000 + minor;
  };
  return rank(a) >= rank(b) ? a : b;
}
