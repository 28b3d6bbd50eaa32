import type { MatchModule, TargetModule } from './define.js';
import { addrtype } from './match/addrtype.js';
import { bpf } from './match/bpf.js';
import { cgroup } from './match/cgroup.js';
import { cluster } from './match/cluster.js';
import { comment } from './match/comment.js';
import { connbytes } from './match/connbytes.js';
import { connlabel } from './match/connlabel.js';
import { connlimit } from './match/connlimit.js';
import { connmark } from './match/connmark.js';
import { conntrack } from './match/conntrack.js';
import { cpu } from './match/cpu.js';
import { dccp } from './match/dccp.js';
import { devgroup } from './match/devgroup.js';
import { dscp } from './match/dscp.js';
import { ecn } from './match/ecn.js';
import { eui64 } from './match/eui64.js';
import { frag } from './match/frag.js';
import { hashlimit } from './match/hashlimit.js';
import { helper } from './match/helper.js';
import { hl, ttl } from './match/hop-limit.js';
import { icmp } from './match/icmp.js';
import { icmp6 } from './match/icmp6.js';
import { iprange } from './match/iprange.js';
import { ah, ah6, esp, ipcomp } from './match/ipsec.js';
import { dst, hbh } from './match/ipv6-options.js';
import { ipv6header } from './match/ipv6header.js';
import { ipvs } from './match/ipvs.js';
import { length } from './match/length.js';
import { limit } from './match/limit.js';
import { mac } from './match/mac.js';
import { mark } from './match/mark.js';
import { mh } from './match/mh.js';
import { multiport } from './match/multiport.js';
import { nfacct } from './match/nfacct.js';
import { osf } from './match/osf.js';
import { owner } from './match/owner.js';
import { physdev } from './match/physdev.js';
import { pkttype } from './match/pkttype.js';
import { policy } from './match/policy.js';
import { quota } from './match/quota.js';
import { rateest } from './match/rateest.js';
import { realm } from './match/realm.js';
import { recent } from './match/recent.js';
import { rpfilter } from './match/rpfilter.js';
import { rt } from './match/rt.js';
import { sctp } from './match/sctp.js';
import { set } from './match/set.js';
import { socket } from './match/socket.js';
import { srh } from './match/srh.js';
import { state } from './match/state.js';
import { statistic } from './match/statistic.js';
import { string } from './match/string.js';
import { tcp } from './match/tcp.js';
import { tcpmss } from './match/tcpmss.js';
import { time } from './match/time.js';
import { tos } from './match/tos.js';
import { u32 } from './match/u32.js';
import { udp } from './match/udp.js';
import { audit } from './target/audit.js';
import { checksum } from './target/checksum.js';
import { classify } from './target/classify.js';
import { clusterip } from './target/clusterip.js';
import { connmarkTarget } from './target/connmark.js';
import { connsecmark } from './target/connsecmark.js';
import { ct, notrack } from './target/ct.js';
import { dscpTarget } from './target/dscp.js';
import { ecnTarget } from './target/ecn.js';
import { hmark } from './target/hmark.js';
import { hlTarget, ttlTarget } from './target/hop-limit.js';
import { idletimer } from './target/idletimer.js';
import { led } from './target/led.js';
import { log } from './target/log.js';
import { markTarget } from './target/mark.js';
import { dnat, masquerade, redirect, snat } from './target/nat.js';
import { netmap } from './target/netmap.js';
import { nflog } from './target/nflog.js';
import { nfqueue } from './target/nfqueue.js';
import { dnpt, snpt } from './target/npt.js';
import { rateestTarget } from './target/rateest.js';
import { reject } from './target/reject.js';
import { secmark } from './target/secmark.js';
import { setTarget } from './target/set.js';
import { accept, drop, queue, returnToCaller } from './target/standard.js';
import { synproxy } from './target/synproxy.js';
import { tcpmssTarget } from './target/tcpmss.js';
import { tcpoptstrip } from './target/tcpoptstrip.js';
import { tee } from './target/tee.js';
import { tosTarget } from './target/tos.js';
import { tproxy } from './target/tproxy.js';
import { trace } from './target/trace.js';
import { ulog } from './target/ulog.js';

/** Every match that is understood. */
export const MATCHES: readonly MatchModule[] = [
  addrtype,
  ah,
  ah6,
  bpf,
  cgroup,
  cluster,
  comment,
  connbytes,
  connlabel,
  connlimit,
  connmark,
  conntrack,
  cpu,
  dccp,
  devgroup,
  dscp,
  dst,
  ecn,
  esp,
  eui64,
  frag,
  hashlimit,
  hbh,
  helper,
  hl,
  icmp,
  icmp6,
  ipcomp,
  iprange,
  ipv6header,
  ipvs,
  length,
  limit,
  mac,
  mark,
  mh,
  multiport,
  nfacct,
  osf,
  owner,
  physdev,
  pkttype,
  policy,
  quota,
  rateest,
  realm,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  socket,
  srh,
  state,
  statistic,
  string,
  tcp,
  tcpmss,
  time,
  tos,
  ttl,
  u32,
  udp,
];

/** Every target that is understood, the standard verdicts among them. */
export const TARGETS: readonly TargetModule[] = [
  accept,
  audit,
  checksum,
  classify,
  clusterip,
  connmarkTarget,
  connsecmark,
  ct,
  dnat,
  dnpt,
  drop,
  dscpTarget,
  ecnTarget,
  hlTarget,
  hmark,
  idletimer,
  led,
  log,
  markTarget,
  masquerade,
  netmap,
  nflog,
  nfqueue,
  notrack,
  queue,
  rateestTarget,
  redirect,
  reject,
  returnToCaller,
  secmark,
  setTarget,
  snat,
  snpt,
  synproxy,
  tcpmssTarget,
  tcpoptstrip,
  tee,
  tosTarget,
  tproxy,
  trace,
  ttlTarget,
  ulog,
];
