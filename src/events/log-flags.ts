/** NF_LOG_* bits (include/uapi/linux/netfilter/nf_log.h). */
export const LOG_FLAG = { tcpSequence: 1, tcpOptions: 2, ipOptions: 4, uid: 8, macDecode: 32 } as const;
