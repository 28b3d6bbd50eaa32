import type { KernelStruct, KfuncSpec } from '../../object/spec.js';

/** `struct bpf_nf_ctx` (net/netfilter/nf_bpf_link.c): byte offsets of its two pointers. */
export const NF_CONTEXT = { state: 0, skb: 8 } as const;

/** `bpf_dynptr_from_skb` (net/core/filter.c): a view of the packet, paged data included; Linux ≥ 6.4. */
export const DYNPTR_KFUNC: KfuncSpec = {
  name: 'bpf_dynptr_from_skb',
  params: ['struct __sk_buff *', 'u64', 'struct bpf_dynptr *'],
};
/** Bytes of a `struct bpf_dynptr`. */
export const DYNPTR_BYTES = 16;

/**
 * What a netfilter program reads of the kernel's structs (include/linux/skbuff.h, include/linux/netfilter.h,
 * include/linux/netdevice.h, include/net/netfilter/nf_conntrack.h). The offsets here are of no kernel: a dense layout
 * that an interpreter can provide.
 */
export const NETFILTER_STRUCTS: readonly KernelStruct[] = [
  {
    name: 'sk_buff',
    bytes: 56,
    members: [
      { name: 'len', offset: 0, bytes: 4 },
      { name: 'mark', offset: 4, bytes: 4 },
      // Marks where the bit field pkt_type is: the lowest three bits of this byte.
      { name: '__pkt_type_offset', offset: 8, bytes: 1, type: 'chars' },
      { name: 'mac_header', offset: 10, bytes: 2 },
      { name: 'head', offset: 16, bytes: 8, type: 'pointer' },
      { name: 'data', offset: 24, bytes: 8, type: 'pointer' },
      { name: 'dev', offset: 32, bytes: 8, type: 'pointer' },
      { name: '_nfct', offset: 40, bytes: 8 },
    ],
  },
  {
    name: 'nf_hook_state',
    bytes: 16,
    members: [
      { name: 'in', offset: 0, bytes: 8, type: 'pointer' },
      { name: 'out', offset: 8, bytes: 8, type: 'pointer' },
    ],
  },
  {
    name: 'net_device',
    bytes: 24,
    members: [
      { name: 'name', offset: 0, bytes: 16, type: 'chars' },
      { name: 'type', offset: 16, bytes: 2 },
    ],
  },
  { name: 'nf_conn', bytes: 8, members: [{ name: 'status', offset: 0, bytes: 8 }] },
];
