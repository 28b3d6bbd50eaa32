import type { MatchModule, TargetModule } from './define.js';
import { addrtype } from './match/addrtype.js';
import { comment } from './match/comment.js';
import { conntrack } from './match/conntrack.js';
import { dscp } from './match/dscp.js';
import { hl, ttl } from './match/hop-limit.js';
import { icmp } from './match/icmp.js';
import { icmp6 } from './match/icmp6.js';
import { iprange } from './match/iprange.js';
import { length } from './match/length.js';
import { limit } from './match/limit.js';
import { mac } from './match/mac.js';
import { mark } from './match/mark.js';
import { multiport } from './match/multiport.js';
import { pkttype } from './match/pkttype.js';
import { state } from './match/state.js';
import { tcp } from './match/tcp.js';
import { tos } from './match/tos.js';
import { udp } from './match/udp.js';
import { log } from './target/log.js';
import { markTarget } from './target/mark.js';
import { reject } from './target/reject.js';
import { accept, drop, returnToCaller } from './target/standard.js';

/** Every match that is understood. */
export const MATCHES: readonly MatchModule[] = [
  addrtype,
  comment,
  conntrack,
  dscp,
  hl,
  icmp,
  icmp6,
  iprange,
  length,
  limit,
  mac,
  mark,
  multiport,
  pkttype,
  state,
  tcp,
  tos,
  ttl,
  udp,
];

/** Every target that is understood, the standard verdicts among them. */
export const TARGETS: readonly TargetModule[] = [accept, drop, log, markTarget, reject, returnToCaller];
