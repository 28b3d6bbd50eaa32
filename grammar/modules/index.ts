import type { MatchModule, TargetModule } from './define.js';
import { comment } from './match/comment.js';
import { conntrack } from './match/conntrack.js';
import { icmp } from './match/icmp.js';
import { icmp6 } from './match/icmp6.js';
import { limit } from './match/limit.js';
import { mark } from './match/mark.js';
import { state } from './match/state.js';
import { tcp } from './match/tcp.js';
import { udp } from './match/udp.js';
import { log } from './target/log.js';
import { markTarget } from './target/mark.js';
import { reject } from './target/reject.js';
import { accept, drop, returnToCaller } from './target/standard.js';

/** Every match that is understood. */
export const MATCHES: readonly MatchModule[] = [comment, conntrack, icmp, icmp6, limit, mark, state, tcp, udp];

/** Every target that is understood, the standard verdicts among them. */
export const TARGETS: readonly TargetModule[] = [accept, drop, log, markTarget, reject, returnToCaller];
