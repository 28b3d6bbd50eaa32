import type { PayloadTest } from '../../../grammar/model/payload.js';
import type { Undecided, View } from '../view.js';
import { readsAnything } from './fields.js';
import { isFoundByBoyerMoore } from './text.js';

const EARLY = 'use --mode early and keep iptables behind it';

/** Why a view cannot decide a test that walks over the packet; undefined where it can. */
export function undecidedPayload(test: PayloadTest, view: View): Undecided | undefined {
  if (test.kind === 'classic-bpf') return { reason: 'BPF bytecode is not translated', advice: EARLY };
  if (test.kind === 'string' && !isFoundByBoyerMoore(test)) {
    const reason = 'Boyer-Moore of the kernel passes over some Latin-1 letters of other case';
    return { reason, advice: 'use --algo kmp' };
  }
  const rewritten = view.rewrittenBy;
  // A mapping changes addresses, ports and checksums.
  if (rewritten !== undefined && readsAnything(test)) {
    return { reason: `addresses may be rewritten before the chain (${rewritten})`, advice: 'use exact mode' };
  }
  return undefined;
}
