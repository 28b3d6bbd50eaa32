/** Why no program is made of a match. Others are not translated yet. */
const REASONS: Readonly<Record<string, string>> = {
  bpf: 'a pinned program is not part of the ruleset',
  cgroup: 'the control group of the socket is not asked for',
  cluster: 'the node of a connection is a question to conntrack',
  connbytes: 'the connection counts its bytes in the kernel',
  connlabel: 'the labels of a connection are with conntrack',
  connmark: 'the mark of the connection is with conntrack',
  connlimit: 'the number of connections is known to conntrack alone',
  devgroup: 'the group of a device is not read',
  helper: 'the helper of a connection is known to conntrack alone',
  ipvs: 'the connection belongs to IPVS',
  nfacct: 'its quota is counted in the kernel',
  osf: 'the fingerprints are loaded into the kernel',
  policy: 'the IPsec transformations of a packet are known to the stack alone',
  rateest: 'the rate is estimated in the kernel',
  realm: 'the realm belongs to a route that is chosen elsewhere',
  rpfilter: 'the way back is a question to the routes',
  set: 'the set is kept in the kernel',
  socket: 'the socket is looked for by the kernel',
  string: 'a pattern of tokens is not translated',
};

/** The reason for people: a sentence without its full stop. */
export function whyNot(module: string): string {
  const reason = REASONS[module];
  return `match ${module} is not translated${reason === undefined ? '' : `: ${reason}`}`;
}
