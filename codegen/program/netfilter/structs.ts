import type { KernelStruct, KfuncSpec } from '../../object/spec.js';

/** `struct bpf_nf_ctx` (net/netfilter/nf_bpf_link.c): byte offsets of its two pointers. */
export const NF_CONTEXT = { state: 0, skb: 8 } as const;

/** `bpf_dynptr_from_skb` (net/core/filter.c): a view of the packet, paged data included; Linux ≥ 6.4. */
export const DYNPTR_KFUNC: KfuncSpec = {
  name: 'bpf_dynptr_from_skb',
  params: ['struct __sk_buff *', 'u64', 'struct bpf_dynptr *'],
};
/**
 * `bpf_rdonly_cast` (kernel/bpf/helpers.c), which the verifier puts a move in the place of: an address becomes a pointer to a
 * kernel struct of which the number is given, from which the program may read; what cannot be read is 0. Linux ≥ 6.2.
 */
export const READ_KFUNC: KfuncSpec = { name: 'bpf_rdonly_cast', params: ['void *', 'u32'], returns: 'void *' };

/**
 * What bytes of a packet are read as: a struct (include/uapi/linux/utsname.h) that begins with an array of bytes, in which the verifier
 * lets any of them be read, several at once (btf_struct_walk, kernel/bpf/btf.c).
 */
export const BYTES_STRUCT = {
  name: 'new_utsname',
  bytes: 65,
  members: [{ name: 'sysname', offset: 0, bytes: 65, type: 'chars' }],
} as const satisfies KernelStruct;

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
    bytes: 120,
    members: [
      { name: 'len', offset: 0, bytes: 4 },
      { name: 'mark', offset: 4, bytes: 4 },
      // Marks where the bit field pkt_type is: the lowest three bits of this byte.
      { name: '__pkt_type_offset', offset: 8, bytes: 1, type: 'chars' },
      { name: 'mac_header', offset: 10, bytes: 2 },
      { name: 'network_header', offset: 12, bytes: 2 },
      { name: 'protocol', offset: 14, bytes: 2 },
      { name: 'head', offset: 16, bytes: 8, type: 'pointer' },
      { name: 'data', offset: 24, bytes: 8, type: 'pointer' },
      { name: 'dev', offset: 32, bytes: 8, type: 'pointer' },
      { name: '_nfct', offset: 40, bytes: 8 },
      { name: 'sk', offset: 48, bytes: 8, type: 'pointer' },
      { name: '_skb_refdst', offset: 56, bytes: 8 },
      { name: 'cb', offset: 64, bytes: 48, type: 'chars' },
      { name: 'data_len', offset: 112, bytes: 4 },
    ],
  },
  {
    name: 'nf_hook_state',
    bytes: 24,
    members: [
      { name: 'in', offset: 0, bytes: 8, type: 'pointer' },
      { name: 'out', offset: 8, bytes: 8, type: 'pointer' },
      { name: 'net', offset: 16, bytes: 8, type: 'pointer' },
    ],
  },
  {
    name: 'net_device',
    bytes: 24,
    members: [
      { name: 'name', offset: 0, bytes: 16, type: 'chars' },
      { name: 'type', offset: 16, bytes: 2 },
      { name: 'hard_header_len', offset: 18, bytes: 2 },
    ],
  },
  {
    name: 'sock',
    bytes: 40,
    members: [
      { name: '__sk_common', offset: 0, bytes: 32, type: { struct: 'sock_common' } },
      { name: 'sk_socket', offset: 32, bytes: 8, type: 'pointer' },
    ],
  },
  {
    name: 'sock_common',
    bytes: 32,
    members: [
      { name: 'skc_state', offset: 0, bytes: 1 },
      { name: 'skc_listener', offset: 8, bytes: 8, type: 'pointer' },
      { name: 'skc_net', offset: 16, bytes: 8, type: { struct: 'possible_net_t' } },
    ],
  },
  { name: 'possible_net_t', bytes: 8, members: [{ name: 'net', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'socket', bytes: 8, members: [{ name: 'file', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'file', bytes: 8, members: [{ name: 'f_cred', offset: 0, bytes: 8, type: 'pointer' }] },
  {
    name: 'cred',
    bytes: 8,
    members: [
      { name: 'fsuid', offset: 0, bytes: 4, type: { struct: 'kuid_t' } },
      { name: 'fsgid', offset: 4, bytes: 4, type: { struct: 'kgid_t' } },
    ],
  },
  { name: 'kuid_t', bytes: 4, members: [{ name: 'val', offset: 0, bytes: 4 }] },
  { name: 'kgid_t', bytes: 4, members: [{ name: 'val', offset: 0, bytes: 4 }] },
  { name: 'rtable', bytes: 2, members: [{ name: 'rt_type', offset: 0, bytes: 2 }] },
  {
    name: 'dst_entry',
    bytes: 16,
    members: [
      { name: 'dev', offset: 0, bytes: 8, type: 'pointer' },
      { name: 'flags', offset: 8, bytes: 2 },
    ],
  },
  { name: 'inet6_skb_parm', bytes: 2, members: [{ name: 'flags', offset: 0, bytes: 2 }] },
  BYTES_STRUCT,
  { name: 'nf_conn', bytes: 8, members: [{ name: 'status', offset: 0, bytes: 8 }] },
];
