import type { Callables } from '../compile.js';
import { Fault } from '../fault.js';
import type { HookContext, HookType } from '../netfilter.js';
import { conntrackFunctions } from './conntrack.js';
import { commonHelpers } from './common.js';
import { requireContext, type Environment, type Helper, type HelperTable } from './helper.js';
import { mapHelpers } from './map.js';
import { networkHelpers } from './network.js';
import { skbChecksumHelpers } from './skb-checksum.js';
import { skbHelpers } from './skb.js';
import { xdpHelpers } from './xdp.js';

/** Which helpers there are and what the context is; `memory`: r1 is a piece of memory and r2 its length. */
export type ProgramType = 'xdp' | 'tc' | HookType | 'memory';

/** The kernel functions that a program of this type can call. */
export function callablesOf(type: ProgramType, env: Environment, hook: HookContext | undefined): Callables {
  const own = hook === undefined ? helpersOf(type, env) : hook.helpers(env);
  const helpers = new Map<number, Helper>([...mapHelpers(env), ...commonHelpers(env), ...own]);
  const kfuncs = new Map<string, Helper>(
    hook === undefined
      ? [['bpf_cast_to_kern_ctx', () => castToKernelContext(env)], ...conntrackFunctions(env)]
      : hook.kfuncs(env),
  );
  return { helper: (number) => helpers.get(number), kfunc: (name) => kfuncs.get(name) };
}

function helpersOf(type: ProgramType, env: Environment): HelperTable {
  switch (type) {
    case 'memory':
    case 'netfilter':
    case 'cgroup':
    case 'socket':
      return [];
    case 'xdp':
      return [...networkHelpers(env), ...xdpHelpers(env)];
    case 'tc':
      return [...networkHelpers(env), ...skbHelpers(env), ...skbChecksumHelpers(env)];
  }
}

/** bpf_cast_to_kern_ctx (kernel/bpf/helpers.c): xdp_md → xdp_buff, __sk_buff → sk_buff. */
function castToKernelContext(env: Environment): void {
  const { machine } = env;
  requireContext(env);
  const address = env.kernelContext();
  if (address === undefined) throw new Fault('not-provided', 'the machine was given no kernel object for this context');
  machine.lo[0] = address.low;
  machine.hi[0] = address.high;
}
