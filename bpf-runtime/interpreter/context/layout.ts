/** A member of a context struct (include/uapi/linux/bpf.h). */
export interface ContextField {
  readonly name: string;
  readonly offset: number;
  readonly bytes: 1 | 4 | 8;
  readonly kind:
    | 'value'
    /** A place in the packet: 32 bits wide, a pointer once loaded. */
    | 'data'
    | 'data_end'
    | 'data_meta'
    /** Bytes of the whole packet. */
    | 'length'
    /** A pointer to a struct bpf_sock, or NULL. */
    | 'socket';
  readonly writable?: boolean;
}

export interface ContextLayout {
  readonly struct: 'xdp_md' | '__sk_buff';
  readonly bytes: number;
  readonly fields: readonly ContextField[];
  /** Whether parts of a value may be loaded (bpf_ctx_narrow_access_ok in include/linux/filter.h). */
  readonly narrow: boolean;
}

/** xdp_is_valid_access (net/core/filter.c): all fields are read only and 4 bytes wide. */
export const XDP_MD: ContextLayout = {
  struct: 'xdp_md',
  bytes: 24,
  narrow: false,
  fields: [
    { name: 'data', offset: 0, bytes: 4, kind: 'data' },
    { name: 'data_end', offset: 4, bytes: 4, kind: 'data_end' },
    { name: 'data_meta', offset: 8, bytes: 4, kind: 'data_meta' },
    { name: 'ingress_ifindex', offset: 12, bytes: 4, kind: 'value' },
    { name: 'rx_queue_index', offset: 16, bytes: 4, kind: 'value' },
    { name: 'egress_ifindex', offset: 20, bytes: 4, kind: 'value' },
  ],
};

/** tc_cls_act_is_valid_access (net/core/filter.c): what a tc program may read, and the few fields that it may write. */
export const SK_BUFF: ContextLayout = {
  struct: '__sk_buff',
  bytes: 192,
  narrow: true,
  fields: [
    { name: 'len', offset: 0, bytes: 4, kind: 'length' },
    { name: 'pkt_type', offset: 4, bytes: 4, kind: 'value' },
    { name: 'mark', offset: 8, bytes: 4, kind: 'value', writable: true },
    { name: 'queue_mapping', offset: 12, bytes: 4, kind: 'value', writable: true },
    { name: 'protocol', offset: 16, bytes: 4, kind: 'value' },
    { name: 'vlan_present', offset: 20, bytes: 4, kind: 'value' },
    { name: 'vlan_tci', offset: 24, bytes: 4, kind: 'value' },
    { name: 'vlan_proto', offset: 28, bytes: 4, kind: 'value' },
    { name: 'priority', offset: 32, bytes: 4, kind: 'value', writable: true },
    { name: 'ingress_ifindex', offset: 36, bytes: 4, kind: 'value' },
    { name: 'ifindex', offset: 40, bytes: 4, kind: 'value' },
    { name: 'tc_index', offset: 44, bytes: 4, kind: 'value', writable: true },
    { name: 'cb0', offset: 48, bytes: 4, kind: 'value', writable: true },
    { name: 'cb1', offset: 52, bytes: 4, kind: 'value', writable: true },
    { name: 'cb2', offset: 56, bytes: 4, kind: 'value', writable: true },
    { name: 'cb3', offset: 60, bytes: 4, kind: 'value', writable: true },
    { name: 'cb4', offset: 64, bytes: 4, kind: 'value', writable: true },
    { name: 'hash', offset: 68, bytes: 4, kind: 'value' },
    { name: 'tc_classid', offset: 72, bytes: 4, kind: 'value', writable: true },
    { name: 'data', offset: 76, bytes: 4, kind: 'data' },
    { name: 'data_end', offset: 80, bytes: 4, kind: 'data_end' },
    { name: 'napi_id', offset: 84, bytes: 4, kind: 'value' },
    { name: 'data_meta', offset: 140, bytes: 4, kind: 'data_meta' },
    { name: 'tstamp', offset: 152, bytes: 8, kind: 'value', writable: true },
    { name: 'wire_len', offset: 160, bytes: 4, kind: 'value' },
    { name: 'gso_segs', offset: 164, bytes: 4, kind: 'value' },
    { name: 'sk', offset: 168, bytes: 8, kind: 'socket' },
    { name: 'gso_size', offset: 176, bytes: 4, kind: 'value' },
    { name: 'tstamp_type', offset: 180, bytes: 1, kind: 'value' },
    { name: 'hwtstamp', offset: 184, bytes: 8, kind: 'value' },
  ],
};
