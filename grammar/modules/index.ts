import type { MatchModule, TargetModule } from './define.js';
import { icmp } from './match/icmp.js';
import { icmp6 } from './match/icmp6.js';
import { tcp } from './match/tcp.js';
import { udp } from './match/udp.js';
import { accept, drop, returnToCaller } from './target/standard.js';

/** Every match that is understood. */
export const MATCHES: readonly MatchModule[] = [tcp, udp, icmp, icmp6];

/** Every target that is understood, the standard verdicts among them. */
export const TARGETS: readonly TargetModule[] = [accept, drop, returnToCaller];
