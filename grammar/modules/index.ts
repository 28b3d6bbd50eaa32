import type { MatchModule, TargetModule } from './define.js';
import { addrtype } from './match/addrtype.js';
import { comment } from './match/comment.js';
import { connlimit } from './match/connlimit.js';
import { connmark } from './match/connmark.js';
import { conntrack } from './match/conntrack.js';
import { dscp } from './match/dscp.js';
import { hashlimit } from './match/hashlimit.js';
import { helper } from './match/helper.js';
import { hl, ttl } from './match/hop-limit.js';
import { icmp } from './match/icmp.js';
import { icmp6 } from './match/icmp6.js';
import { iprange } from './match/iprange.js';
import { ipv6header } from './match/ipv6header.js';
import { length } from './match/length.js';
import { limit } from './match/limit.js';
import { mac } from './match/mac.js';
import { mark } from './match/mark.js';
import { multiport } from './match/multiport.js';
import { owner } from './match/owner.js';
import { physdev } from './match/physdev.js';
import { pkttype } from './match/pkttype.js';
import { recent } from './match/recent.js';
import { rpfilter } from './match/rpfilter.js';
import { rt } from './match/rt.js';
import { sctp } from './match/sctp.js';
import { set } from './match/set.js';
import { state } from './match/state.js';
import { statistic } from './match/statistic.js';
import { tcp } from './match/tcp.js';
import { tcpmss } from './match/tcpmss.js';
import { tos } from './match/tos.js';
import { udp } from './match/udp.js';
import { checksum } from './target/checksum.js';
import { classify } from './target/classify.js';
import { connmarkTarget } from './target/connmark.js';
import { ct, notrack } from './target/ct.js';
import { dscpTarget } from './target/dscp.js';
import { hlTarget, ttlTarget } from './target/hop-limit.js';
import { log } from './target/log.js';
import { markTarget } from './target/mark.js';
import { dnat, masquerade, redirect, snat } from './target/nat.js';
import { netmap } from './target/netmap.js';
import { nflog } from './target/nflog.js';
import { nfqueue } from './target/nfqueue.js';
import { reject } from './target/reject.js';
import { setTarget } from './target/set.js';
import { accept, drop, returnToCaller } from './target/standard.js';
import { tcpmssTarget } from './target/tcpmss.js';
import { tosTarget } from './target/tos.js';
import { tproxy } from './target/tproxy.js';
import { trace } from './target/trace.js';

/** Every match that is understood. */
export const MATCHES: readonly MatchModule[] = [
  addrtype,
  comment,
  connlimit,
  connmark,
  conntrack,
  dscp,
  hashlimit,
  helper,
  hl,
  icmp,
  icmp6,
  iprange,
  ipv6header,
  length,
  limit,
  mac,
  mark,
  multiport,
  owner,
  physdev,
  pkttype,
  recent,
  rpfilter,
  rt,
  sctp,
  set,
  state,
  statistic,
  tcp,
  tcpmss,
  tos,
  ttl,
  udp,
];

/** Every target that is understood, the standard verdicts among them. */
export const TARGETS: readonly TargetModule[] = [
  accept,
  checksum,
  classify,
  connmarkTarget,
  ct,
  dnat,
  drop,
  dscpTarget,
  hlTarget,
  log,
  markTarget,
  masquerade,
  netmap,
  nflog,
  nfqueue,
  notrack,
  redirect,
  reject,
  returnToCaller,
  setTarget,
  snat,
  tcpmssTarget,
  tosTarget,
  tproxy,
  trace,
  ttlTarget,
];
