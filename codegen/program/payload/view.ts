import type { PayloadTest } from '../../../grammar/model/payload.js';
import type { View } from '../place.js';
import { keepIptables } from '../untranslated.js';
import { unknownLoad } from './classic.js';
import { readsAnything } from './fields.js';
import { isFoundByBoyerMoore } from './text.js';

/** Why a test that walks over the packet cannot be decided by a view; undefined where it can. */
export function undecidedPayload(
  test: PayloadTest,
  { hook, rewrittenBy }: Pick<View, 'hook' | 'rewrittenBy'>,
): { readonly reason: string; readonly advice: string } | undefined {
  if (test.kind === 'classic-bpf') {
    const load = unknownLoad(test.program);
    if (load !== undefined) return { reason: `the BPF program reads ${load}`, advice: keepIptables(hook) };
  }
  if (test.kind === 'string' && !isFoundByBoyerMoore(test)) {
    const reason = 'Boyer-Moore of the kernel passes over some Latin-1 letters of other case';
    return { reason, advice: 'use --algo kmp' };
  }
  if (test.kind === 'string' && hook === 'socket') {
    const reason = "a text that begins in the packet's headers is in two parts where a socket gets it";
    return { reason, advice: 'use --hook cgroup' };
  }
  // A mapping changes addresses, ports and checksums.
  if (rewrittenBy !== undefined && readsAnything(test)) {
    return { reason: `addresses may be rewritten before the chain (${rewrittenBy})`, advice: 'use exact mode' };
  }
  return undefined;
}
