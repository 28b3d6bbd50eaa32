/** What programs return (include/uapi/linux/bpf.h, include/uapi/linux/pkt_cls.h, include/uapi/linux/netfilter.h). */
export const RESULT = {
  xdp: { accept: 2, drop: 1 },
  // TC_ACT_UNSPEC, TCX_NEXT: what is there behind it may still drop the packet (TC_ACT_OK ends a tcx chain and clsact).
  tc: { accept: -1, drop: 2 },
  netfilter: { accept: 1, drop: 0 },
  cgroup: { accept: 1, drop: 0 },
  // Bytes to keep: all, or none.
  socket: { accept: -1, drop: 0 },
} as const;
