/** What a target that is not understood does to the walk, as far as its kernel module is known. */
export type TargetNature =
  /** Always ends the walk. */
  | 'decides'
  /** Always goes on, and changes nothing that a later rule of the table reads. */
  | 'goes-on'
  /** Always goes on, and sets the packet's mark from elsewhere. */
  | 'marks'
  /** Goes on, and rewrites the packet. */
  | 'rewrites'
  /** May do anything. */
  | 'unknown';

/** By target functions in net/netfilter/xt_*.c, net/ipv4/netfilter/ipt_*.c and net/ipv6/netfilter/ip6t_*.c. */
const NATURES: Readonly<Record<string, TargetNature>> = {
  DNAT: 'decides',
  SNAT: 'decides',
  MASQUERADE: 'decides',
  REDIRECT: 'decides',
  NETMAP: 'decides',
  NFQUEUE: 'decides',
  QUEUE: 'decides',
  TPROXY: 'decides',
  AUDIT: 'goes-on',
  CHECKSUM: 'goes-on',
  CLASSIFY: 'goes-on',
  CONNSECMARK: 'goes-on',
  IDLETIMER: 'goes-on',
  LED: 'goes-on',
  RATEEST: 'goes-on',
  SECMARK: 'goes-on',
  TEE: 'goes-on',
  TRACE: 'goes-on',
  ULOG: 'goes-on',
  HMARK: 'marks',
  DSCP: 'rewrites',
  ECN: 'rewrites',
  HL: 'rewrites',
  TCPMSS: 'rewrites',
  TCPOPTSTRIP: 'rewrites',
  TOS: 'rewrites',
  TTL: 'rewrites',
};

export function natureOf(target: string, words: readonly string[]): TargetNature {
  if (target === 'CONNMARK') return words.includes('--restore-mark') ? 'marks' : 'goes-on';
  return NATURES[target] ?? 'unknown';
}
