import type { Opaque } from '../../grammar/model/condition.js';

/** What a target that is not understood does to the walk, as far as its kernel module is known. */
export type TargetNature =
  /** Always ends the walk. */
  | 'decides'
  /** Always goes on, and changes nothing that a later rule of the table reads. */
  | 'goes-on'
  /** Always goes on, and sets the packet's mark from elsewhere. */
  | 'marks'
  /** Always goes on, and sets the mark of the packet's connection. */
  | 'marks-connection'
  /** Always goes on, and says to which connection the packet belongs. */
  | 'tracks'
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
  CT: 'tracks',
  NOTRACK: 'tracks',
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
  if (target === 'CONNMARK') return restores(target, words) ? 'marks' : 'marks-connection';
  return NATURES[target] ?? 'unknown';
}

/** Whether the packet's mark is taken from its connection. */
export function restores(target: string, words: readonly string[]): boolean {
  return target === 'CONNMARK' && words.includes('--restore-mark');
}

/** Whether nothing is left of the mark that was there before. */
export function replacesMark(words: readonly string[]): boolean {
  return words.every((word) => !word.includes('0x') || word.endsWith('0xffffffff'));
}

/** Whether a test may answer otherwise behind targets of some natures than it would have before. */
export function isUnsettledBy({ name }: Opaque, passed: ReadonlySet<TargetNature>): boolean {
  if (name === 'module') return passed.has('tracks') || passed.has('marks-connection');
  return passed.has('tracks') && (name === 'ctstate' || name === 'conntrack' || name === 'connlimit');
}
