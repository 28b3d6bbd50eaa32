import type { BuiltinChain, Family } from '../../grammar/model/family.js';

/** Place of a packet's way: which family's packets, and where. */
export interface NetfilterHook {
  readonly family: Family;
  readonly hook: BuiltinChain;
}

/** enum nf_inet_hooks (include/uapi/linux/netfilter.h). */
export const HOOK_NUMBER = {
  PREROUTING: 0,
  INPUT: 1,
  FORWARD: 2,
  OUTPUT: 3,
  POSTROUTING: 4,
} as const satisfies Record<BuiltinChain, number>;

/** NFPROTO_IPV4 and NFPROTO_IPV6. */
export const PROTOCOL_FAMILY = { v4: 2, v6: 10 } as const satisfies Record<Family, number>;
