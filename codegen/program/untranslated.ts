import type { Hook } from './manifest.js';
import { isIngress, isSocketHook, isWireHook, isWireView, type Undecided, type View } from './place.js';

/** Why no program is made of a match. Others are not translated yet. */
const REASONS: Readonly<Record<string, string>> = {
  bpf: 'a pinned program is not part of the ruleset',
  cgroup: 'the control group of the socket is not asked for',
  cluster: 'the node of a connection is a question to conntrack',
  connbytes: 'the connection counts its bytes in the kernel',
  connlabel: 'the labels of a connection are with conntrack',
  connmark: 'the mark of the connection is with conntrack',
  connlimit: 'the number of connections is known to conntrack alone',
  devgroup: 'the group of a device is kept in the kernel, and programs at sockets do not read it',
  'host name': 'iptables looks the name up while it loads the rule',
  helper: 'the helper of a connection is known to conntrack alone',
  ipvs: 'the connection belongs to IPVS',
  nfacct: 'its quota is counted in the kernel',
  osf: 'the fingerprints are loaded into the kernel',
  policy: 'the IPsec transformations of a packet are known to the stack alone',
  rateest: 'the rate is estimated in the kernel',
  rpfilter: 'of the way back a program learns one next hop, and of local addresses nothing',
  set: 'the set is kept in the kernel',
  socket: 'the socket is looked for by the kernel',
  string: 'a pattern of tokens is not translated',
};

/** What stands in for a match, where something does. */
const INSTEAD: Readonly<Record<string, string>> = {
  devgroup: 'name the devices with -i and -o',
  'host name': 'write its addresses',
  realm: 'write the addresses that are routed so',
};

/** The same for targets. */
const TARGET_REASONS: Readonly<Record<string, string>> = {
  AUDIT: 'the kernel itself writes the audit log',
  CHECKSUM: 'a program cannot tell the kernel that a checksum is complete',
  CLASSIFY: 'the class of a packet is written for the queues of its device alone',
  CLUSTERIP: 'the kernel shares the address with the other nodes, by ARP and conntrack',
  CONNMARK: 'the mark of the connection is with conntrack',
  CONNSECMARK: 'security contexts are kept in the kernel',
  CT: 'it tells conntrack what to do, which a program cannot',
  DNPT: 'the kernel rewrites the prefix, and the addresses in ICMPv6 errors with it',
  ECN: 'the bits of the TCP header are written by the kernel',
  HMARK: 'the hash that becomes the mark is reckoned in the kernel',
  IDLETIMER: 'the timer runs in the kernel',
  LED: 'the kernel switches the light',
  NFQUEUE: 'the packet waits for a process, which only the kernel lets it do',
  NOTRACK: 'it tells conntrack what to do, which a program cannot',
  QUEUE: 'the packet waits for a process, which only the kernel lets it do',
  RATEEST: 'the rate is estimated in the kernel',
  SECMARK: 'security contexts are kept in the kernel',
  SET: 'the set that it changes is kept in the kernel',
  SNPT: 'the kernel rewrites the prefix, and the addresses in ICMPv6 errors with it',
  SYNPROXY: 'the kernel answers the handshake, and conntrack follows the numbers',
  TCPMSS: 'the segment size depends on routes, or is written by the kernel',
  TCPOPTSTRIP: 'the options of TCP are overwritten by the kernel',
  TEE: 'the kernel routes the copy',
  TPROXY: 'the kernel looks for the socket that gets the packet',
  TRACE: 'a program cannot set the mark of traced packets (objects at netfilter read it)',
  ULOG: 'Linux has not had it since 3.17',
};

/** Matches that iptables is asked for in front of a netfilter program, and targets that it performs behind one. */
const WITH_IPTABLES: ReadonlySet<string> = new Set([
  ...['cgroup', 'cluster', 'connbytes', 'connlabel', 'connlimit', 'connmark', 'devgroup', 'helper', 'ipvs', 'policy'],
  ...['rateest', 'realm'],
  ...['AUDIT', 'CLASSIFY', 'CONNMARK', 'IDLETIMER', 'LED', 'NFQUEUE', 'QUEUE', 'RATEEST', 'SET', 'TCPMSS', 'TEE'],
]);

/** What to do about a match that no program of this hook decides, or a target that none performs. */
export function keepIptables(hook: Hook, name?: string): string {
  if (isWireHook(hook)) return 'use --mode early and keep iptables behind it';
  const elsewhere = isSocketHook(hook) && name !== undefined && WITH_IPTABLES.has(name);
  return elsewhere ? 'use --hook netfilter' : 'keep iptables for this chain';
}

/** Early mode, which there is on the wire alone, or what else helps. */
export function earlyOr(view: View, instead: string | undefined): string {
  if (!isWireView(view)) return instead ?? keepIptables(view.hook);
  return instead === undefined ? 'use --mode early' : `use --mode early, or ${instead}`;
}

/** Why a view does not decide a match, for people: a sentence without its full stop. */
export function undecidedMatch(module: string, view: View): Undecided {
  const reason = module === 'realm' ? realmReason(view) : (unaskable(module, view) ?? REASONS[module]);
  const keep = keepIptables(view.hook, module);
  const instead = INSTEAD[module];
  return {
    reason: `match ${module} is not translated${reason === undefined ? '' : `: ${reason}`}`,
    advice: instead === undefined ? keep : `${instead}, or ${keep}`,
  };
}

/** Why iptables is not asked for a match that it may be asked for. */
function unaskable(module: string, { hook, asking }: View): string | undefined {
  if (hook !== 'netfilter') return undefined;
  if (module === 'host name' && asking !== undefined) {
    return 'iptables, which looks the name up, can be asked in front of tables mangle and nat alone, which may change the packet before the rule';
  }
  if (module !== 'rateest') return undefined;
  return 'no rule of the dump makes its estimator, or it compares twice, which iptables does not read';
}

function realmReason(view: View): string {
  const route = 'the realm belongs to the route of a packet';
  return isWireHook(view.hook) && isIngress(view)
    ? `${route}, which is looked up behind this hook`
    : `${route}, which programs do not read`;
}

/** Why a view does not perform a target. */
export function undecidedTarget(target: string, view: View): Undecided {
  const reason = TARGET_REASONS[target];
  return {
    reason: `target ${target} is not translated${reason === undefined ? '' : `: ${reason}`}`,
    advice: target === 'ULOG' ? 'use -j NFLOG' : keepIptables(view.hook, target),
  };
}
