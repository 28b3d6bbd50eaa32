import type { PayloadTest } from '../../../grammar/model/payload.js';
import { unknownLoad } from './classic.js';
import { readsAnything } from './fields.js';
import { isFoundByBoyerMoore } from './text.js';

const EARLY = 'use --mode early and keep iptables behind it';

/** Why a test that walks over the packet cannot be decided; undefined where it can. `rewrittenBy`: see `View`. */
export function undecidedPayload(
  test: PayloadTest,
  rewrittenBy: string | undefined,
): { readonly reason: string; readonly advice: string } | undefined {
  if (test.kind === 'classic-bpf') {
    const load = unknownLoad(test.program);
    if (load !== undefined) return { reason: `the BPF program reads ${load}`, advice: EARLY };
  }
  if (test.kind === 'string' && !isFoundByBoyerMoore(test)) {
    const reason = 'Boyer-Moore of the kernel passes over some Latin-1 letters of other case';
    return { reason, advice: 'use --algo kmp' };
  }
  // A mapping changes addresses, ports and checksums.
  if (rewrittenBy !== undefined && readsAnything(test)) {
    return { reason: `addresses may be rewritten before the chain (${rewrittenBy})`, advice: 'use exact mode' };
  }
  return undefined;
}
