import {
  any,
  FALSE,
  inSet,
  isFalse,
  isTrue,
  not,
  opaque,
  remembers,
  TRUE,
  type Condition,
} from '../../grammar/model/condition.js';
import { fieldLimit, type Field } from '../../grammar/model/fields.js';
import { contains, intersect, type IntervalSet } from '../../grammar/model/interval.js';
import { mayDrop } from '../../grammar/model/payload.js';
import { questionWords } from './netfilter/ask.js';
import { undecidedPayload } from './payload/view.js';
import { isIngress, isSocketHook, type Undecided, type View } from './place.js';
import { answer } from './view/answer.js';
import { isRewritten, rewritten } from './view/rewritten.js';

export { isIngress, isWireView, type Undecided, type View, type WireView } from './place.js';
export { answer, askedWords } from './view/answer.js';

/** The value that a field has for every packet of the view, where there is one. */
function constantOf(view: View, field: Field): bigint | undefined {
  switch (field) {
    case 'iif':
      return isIngress(view) || view.chain === 'POSTROUTING' ? undefined : 0n;
    case 'oif':
      return view.chain === 'INPUT' || view.chain === 'PREROUTING' ? 0n : undefined;
    case 'l4found':
      return view.family === 'v4' ? 1n : undefined;
    case 'mark':
      return view.hook === 'xdp' ? 0n : undefined;
    case 'saddr':
    case 'daddr':
    case 'proto':
    case 'fragoff':
    case 'tos':
    case 'ttl':
    case 'length':
    case 'l4len':
    case 'sport':
    case 'dport':
    case 'tcp.flags':
    case 'tcp.doff':
    case 'tcp.whole':
    case 'tcp.options':
    case 'icmp.type':
    case 'icmp.code':
    case 'esp.spi':
    case 'ah.spi':
    case 'ipcomp.cpi':
    case 'dccp.type':
    case 'mh.next':
    case 'mh.type':
    case 'pkttype':
    case 'mac.src':
    case 'mac.ether':
      return undefined;
  }
}

/** What rules of iptables change between hook and chain. */
function changedBetween(field: Field, where: string, { hook }: View): Undecided {
  return {
    reason: `the packet is changed between the hook and the chain: ${field} (${where})`,
    advice: isSocketHook(hook) ? 'use --hook netfilter' : 'use --mode early, or --hook netfilter',
  };
}

/**
 * The condition as this view decides it: constant fields folded, opaque tests answered. Those that have no answer
 * stay opaque (a `module` test named after the reason) and are reported.
 */
export function specialise(condition: Condition, view: View, undecided: Undecided[]): Condition {
  switch (condition.kind) {
    case 'in': {
      const { field, set } = condition;
      if (field === 'mark' && view.markChangedBy !== undefined) {
        undecided.push({
          reason: `the mark is set after this hook (${view.markChangedBy})`,
          advice: isSocketHook(view.hook) ? 'use --hook netfilter' : 'use --mode early',
        });
        return opaque({ name: 'module', module: 'mark', words: [] });
      }
      const changedAt = view.changed?.get(field);
      if (changedAt !== undefined) {
        undecided.push(changedBetween(field, changedAt, view));
        return opaque({ name: 'module', module: 'changed', words: [] });
      }
      if (field === 'iif' && view.chain === 'POSTROUTING' && view.hook !== 'netfilter') {
        // Since Linux 5.7 it is there for packets that are forwarded (net/ipv4/ip_output.c ip_output).
        undecided.push({
          reason: 'the device that a forwarded packet came in by is not known where it leaves',
          advice: 'ask for it in another chain, and set a mark',
        });
        return opaque({ name: 'module', module: 'in', words: [] });
      }
      if (isRewritten(view, field)) {
        undecided.push(rewritten(view));
        return opaque({ name: 'module', module: 'nat', words: [] });
      }
      const constant = constantOf(view, field);
      const full = fieldLimit(field, view.family);
      const mask = condition.mask ?? full;
      if (constant !== undefined) return contains(set, constant & mask) ? TRUE : FALSE;
      if (condition.mask === undefined && isProper(set, full)) return condition;
      const reachable = intersect(set, [{ lo: 0n, hi: mask }]);
      if (reachable.length === 0) return FALSE;
      if (reachable.length === 1 && reachable[0].lo === 0n && reachable[0].hi >= mask) return TRUE;
      return mask === full ? inSet(field, reachable) : inSet(field, reachable, mask);
    }
    case 'opaque': {
      const known = answer(condition.test, view);
      if ('condition' in known) {
        return known.condition.kind === 'opaque' ? known.condition : specialise(known.condition, view, undecided);
      }
      if (questionWords(condition.test, view) === undefined) undecided.push(known);
      return condition;
    }
    case 'payload': {
      const [changed] = view.changed ?? [];
      const why =
        changed === undefined ? undecidedPayload(condition.test, view) : changedBetween(changed[0], changed[1], view);
      if (why === undefined) return condition;
      undecided.push(why);
      return opaque({ name: 'module', module: condition.test.kind, words: [] });
    }
    case 'not': {
      const of = specialise(condition.of, view, undecided);
      if (isTrue(of)) return FALSE;
      if (isFalse(of)) return TRUE;
      return not(of);
    }
    case 'hotdrop': {
      const when = specialise(condition.when, view, undecided);
      return isFalse(when) ? TRUE : { kind: 'hotdrop', when };
    }
    case 'all': {
      const parts: Condition[] = [];
      for (const part of condition.of) {
        const simple = specialise(part, view, undecided);
        if (isTrue(simple)) continue;
        if (simple.kind === 'all') parts.push(...simple.of);
        else parts.push(simple);
        // What stands behind a test that always fails is never reached.
        if (isFalse(simple)) break;
      }
      if (parts.length > 0 && isFalse(parts[parts.length - 1]) && !parts.some(hasEffect)) return FALSE;
      // Without the spare room of an array that grew.
      return parts.length === 1 ? parts[0] : { kind: 'all', of: parts.slice() };
    }
    case 'any': {
      const parts: Condition[] = [];
      for (const part of condition.of) {
        const simple = specialise(part, view, undecided);
        if (isFalse(simple)) continue;
        parts.push(simple);
        if (isTrue(simple)) break;
      }
      if (parts.length > 0 && isTrue(parts[parts.length - 1]) && !parts.some(hasEffect)) return TRUE;
      return any(...parts);
    }
  }
}

/** Whether there are values in the set and outside of it, and none is above `full`. */
function isProper(set: IntervalSet, full: bigint): boolean {
  if (set.length === 0) return false;
  const { hi } = set[set.length - 1];
  return hi < full || (hi === full && (set.length > 1 || set[0].lo > 0n));
}

/** Whether asking does something beside answering: the packet may be dropped, or some memory changes. */
function hasEffect(condition: Condition): boolean {
  switch (condition.kind) {
    case 'hotdrop':
      return true;
    case 'all':
    case 'any':
      return condition.of.some(hasEffect);
    case 'payload':
      return mayDrop(condition.test);
    case 'not':
      return hasEffect(condition.of);
    case 'opaque':
      return remembers(condition.test);
    case 'in':
      return false;
  }
}
