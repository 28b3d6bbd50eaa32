import { createLink, type Link } from '../kernel/link.js';
import { HOOK_NUMBER, PROTOCOL_FAMILY, type NetfilterHook } from '../kernel/netfilter-hook.js';
import type { LoadedProgram } from '../kernel/program.js';
import { ATTACH_TYPE } from '../kernel/program-type.js';
import type { NetworkNamespace } from '../system/namespace.js';

/** BPF_F_NETFILTER_IP_DEFRAG (include/uapi/linux/bpf.h). */
const IP_DEFRAG = 1;
/** Offsets of `netfilter` in union bpf_attr. */
const NETFILTER = { pf: 16, hooknum: 20, priority: 24, flags: 28 } as const;

/** enum nf_ip_hook_priorities (include/uapi/linux/netfilter_ipv4.h): when the kernel's own hooks run, lowest first. */
export const PRIORITY = {
  defragmentation: -400,
  raw: -300,
  conntrack: -200,
  mangle: -150,
  dnat: -100,
  filter: 0,
  security: 50,
  snat: 100,
} as const;

export interface NetfilterPlace extends NetfilterHook {
  /** Programs and tables of lower priority run before; at most one program has each. See {@link PRIORITY}. */
  readonly priority: number;
  /** Whole datagrams instead of their pieces (PREROUTING and OUTPUT; priority above −400, Linux 6.6 and newer). */
  readonly defragment?: boolean;
}

/**
 * Attaches a netfilter program in a network namespace (default: the calling thread's). Linux 6.4 and newer.
 * Throws `hook-taken` where another program has the same hook and priority.
 */
export function attachNetfilter(program: LoadedProgram, place: NetfilterPlace, namespace?: NetworkNamespace): Link {
  const { family, hook, priority, defragment } = place;
  const create = (): Link =>
    createLink(program, {
      attachType: ATTACH_TYPE.netfilter,
      target: 0,
      fill: ({ view }) => {
        view.setUint32(NETFILTER.pf, PROTOCOL_FAMILY[family], true);
        view.setUint32(NETFILTER.hooknum, HOOK_NUMBER[hook], true);
        view.setInt32(NETFILTER.priority, priority, true);
        view.setUint32(NETFILTER.flags, defragment === true ? IP_DEFRAG : 0, true);
      },
      place: `netfilter ${hook} of ${family}, priority ${priority}`,
    });
  return namespace === undefined ? create() : namespace.run(create);
}
