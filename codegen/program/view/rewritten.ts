import type { Field } from '../../../grammar/model/fields.js';
import type { Undecided, View } from '../place.js';

/**
 * What a mapping of the connection may change between hook and chain. On arrival the destination, and with it the
 * route: whether the packet is for this host, its output device, and whether its TTL is decremented. On leaving the
 * source, which POSTROUTING rewrites behind OUTPUT.
 */
export function isRewritten(view: View, field: Field): boolean {
  if (view.rewrittenBy === undefined) return false;
  switch (view.chain) {
    case 'INPUT':
    case 'FORWARD':
      return field === 'daddr' || field === 'dport' || field === 'oif' || field === 'ttl';
    case 'OUTPUT':
    case 'POSTROUTING':
      return field === 'saddr' || field === 'sport';
    case 'PREROUTING':
      return false;
  }
}

/** Why a test of what may be rewritten has no answer. */
export function rewritten({ rewrittenBy }: View): Undecided {
  return { reason: `addresses may be rewritten before the chain (${rewrittenBy})`, advice: 'use exact mode' };
}
