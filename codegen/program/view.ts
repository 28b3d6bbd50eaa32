import {
  any,
  FALSE,
  inSet,
  not,
  opaque,
  TRUE,
  type AddressType,
  type Condition,
  type Opaque,
  remembers,
} from '../../grammar/model/condition.js';
import { fieldLimit, type Field } from '../../grammar/model/fields.js';
import { complement, contains, intersect, intervals, type IntervalSet } from '../../grammar/model/interval.js';
import { mayDrop } from '../../grammar/model/payload.js';
import {
  isIngress,
  isSocketHook,
  isWireView,
  knowsConnection,
  knowsSocket,
  type Answer,
  type Undecided,
  type View,
} from './place.js';
import { undecidedPayload } from './payload/view.js';
import { answerSet } from './sets/view.js';
import { questionWords } from './netfilter/ask.js';
import { keepIptables, undecidedMatch } from './untranslated.js';

export { isIngress, isWireView, type Answer, type Undecided, type View, type WireView } from './place.js';

/**
 * What a mapping of the connection may change between hook and chain. On arrival the destination, and with it the
 * route: whether the packet is for this host, its output device, and whether its TTL is decremented. On leaving the
 * source, which POSTROUTING rewrites behind OUTPUT.
 */
function isRewritten(view: View, field: Field): boolean {
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

/** Whether packets of the view come in by a device, or leave by one. */
function knowsDevice(view: View, which: 'in' | 'out'): boolean {
  return which === 'in' ? isIngress(view) : view.chain === 'FORWARD' || !isIngress(view);
}

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

/** There is an early mode on the wire alone. */
function earlyOr(view: View, instead: string | undefined): string {
  if (!isWireView(view)) return instead ?? keepIptables(view.hook);
  return instead === undefined ? 'use --mode early' : `use --mode early, or ${instead}`;
}

const DECIDED_BY_ROUTES: readonly AddressType[] = ['UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST'];

/** Whether some but not all of the types are asked for that only the routes tell apart. */
function asksRoutes(test: Extract<Opaque, { name: 'addrtype' }>): boolean {
  const asked = DECIDED_BY_ROUTES.filter((type) => test.types.includes(type));
  return asked.length !== 0 && asked.length !== DECIDED_BY_ROUTES.length;
}

/** net/netfilter/xt_addrtype.c match_type and inet_addr_type: what the address alone decides. */
function answerAddressType4(test: Extract<Opaque, { name: 'addrtype' }>, view: View): Answer {
  const field: Field = test.which === 'src' ? 'saddr' : 'daddr';
  const multicast = intervals([0xe0000000n, 0xefffffffn]);
  const broadcast = intervals([0n, 0n], [0xffffffffn, 0xffffffffn]);
  const rest = complement(intervals(...multicast, ...broadcast), 32);
  if (asksRoutes(test)) {
    return {
      reason: `the type of ${test.which === 'src' ? 'a source' : 'a destination'} address is a question to the host's routes`,
      advice: earlyOr(view, 'write the addresses'),
    };
  }
  const set: IntervalSet = intervals(
    ...(test.types.includes('MULTICAST') ? multicast : []),
    ...(test.types.includes('BROADCAST') ? broadcast : []),
    ...(DECIDED_BY_ROUTES.some((type) => test.types.includes(type)) ? rest : []),
  );
  return { condition: inSet(field, set) };
}

/** net/netfilter/xt_addrtype.c match_type6: multicast, unicast and unspecified are read off the address. */
function answerAddressType6(test: Extract<Opaque, { name: 'addrtype' }>, view: View): Answer {
  const routed = test.types.filter((type) => !['MULTICAST', 'UNICAST', 'UNSPEC'].includes(type));
  if (routed.length > 0) {
    return {
      reason: `address type ${routed[0]} is a question to the host's routes`,
      advice: earlyOr(view, 'write the addresses'),
    };
  }
  const field: Field = test.which === 'src' ? 'saddr' : 'daddr';
  const multicast = intervals([0xffn << 120n, (1n << 128n) - 1n]);
  const mapped = intervals([0xffff00000000n, 0xffffffffffffn]);
  const unspecified = intervals([0n, 0n]);
  let set: IntervalSet = complement([], 128);
  if (test.types.includes('MULTICAST')) set = intersect(set, multicast);
  if (test.types.includes('UNICAST')) {
    set = intersect(set, complement(intervals(...multicast, ...mapped, ...unspecified), 128));
  }
  if (test.types.includes('UNSPEC')) set = intersect(set, unspecified);
  return { condition: inSet(field, set) };
}

const CONNECTION_IS_GONE = {
  reason: 'the connection of a packet is not known any more when it has come to a socket',
  advice: 'use --hook netfilter',
} as const;

/**
 * Whether a state is asked for that the packet may have got behind the chain: table nat maps sources in POSTROUTING, and
 * hooks behind it cannot tell whether that was done for this packet or an earlier one.
 */
function isMappedLater({ states }: Extract<Opaque, { name: 'ctstate' }>, { hook }: View): boolean {
  return hook !== 'netfilter' && states.includes('SNAT');
}

const MAPPED_LATER = {
  reason: 'sources are mapped behind the chain, in POSTROUTING: whether they were before it is not known any more',
  advice: 'use --hook netfilter',
} as const;

/** Whether a packet has its route with it. */
function isRouted(view: View): boolean {
  return !isWireView(view) && view.chain !== 'PREROUTING';
}

/** What this view knows of a test whose answer is not in the packet. */
export function answer(test: Opaque, view: View): Answer {
  switch (test.name) {
    // Where not all rules that share a list are judged, the analysis says so.
    case 'recent':
    case 'hashlimit':
      if (view.hook !== 'socket') return { condition: opaque(test) };
      return {
        reason: `the kernel takes no locks in a socket filter, and ${test.name} needs one`,
        advice: 'use --hook cgroup',
      };
    case 'limit':
    case 'quota':
    case 'nth':
    case 'time':
    case 'cpu':
    case 'random':
      return { condition: opaque(test) };
    case 'connlimit':
      // Where iptables cannot be asked, the plan of the places says so.
      return view.hook === 'netfilter' ? { condition: opaque(test) } : undecidedMatch(test.name, view);
    case 'devgroup':
      if (test.which === 'out' && isRewritten(view, 'oif')) {
        return {
          reason: `addresses may be rewritten before the chain (${view.rewrittenBy})`,
          advice: 'use exact mode',
        };
      }
      return isWireView(view) && knowsDevice(view, test.which)
        ? { condition: opaque(test) }
        : undecidedMatch(test.name, view);
    case 'bridge-port':
      // What this host sends has come over no bridge.
      if (view.chain === 'OUTPUT') return { condition: test.allInverted ? TRUE : FALSE };
      return {
        reason: `the bridge port of a packet is not known at ${view.hook}: bridge netfilter keeps it to itself`,
        advice: isSocketHook(view.hook) ? 'use --hook netfilter' : keepIptables(view.hook),
      };
    case 'addrtype':
      if (isRewritten(view, test.which === 'src' ? 'saddr' : 'daddr')) {
        return {
          reason: `addresses may be rewritten before the chain (${view.rewrittenBy})`,
          advice: 'use exact mode',
        };
      }
      if (test.limitInterface !== undefined) {
        return { reason: '--limit-iface-in/-out asks the routes of one device', advice: earlyOr(view, undefined) };
      }
      if (view.family === 'v6') return answerAddressType6(test, view);
      return asksRoutes(test) && test.which === 'dst' && isRouted(view)
        ? { condition: opaque(test) }
        : answerAddressType4(test, view);
    case 'ctstate':
      if (knowsConnection(view)) return isMappedLater(test, view) ? MAPPED_LATER : { condition: opaque(test) };
      if (isSocketHook(view.hook)) return CONNECTION_IS_GONE;
      return {
        reason: `the connection state is not known at ${view.hook}: conntrack looks at a packet later`,
        advice: 'use --mode early and keep iptables behind it',
      };
    case 'conntrack':
      if (view.hook === 'netfilter') {
        return {
          reason: `table nat may map connections between the place where iptables can be asked for ${test.words.join(' ')} and the rule`,
          advice: 'keep iptables for this chain',
        };
      }
      if (knowsConnection(view)) {
        const asked = test.words.join(' ');
        return {
          reason: `${asked} is not translated: programs read the state of a connection alone`,
          advice: 'use --hook netfilter',
        };
      }
      if (isSocketHook(view.hook)) return CONNECTION_IS_GONE;
      return {
        reason: `the conntrack entry is not known at ${view.hook}: conntrack looks at a packet later`,
        advice: 'use --mode early and keep iptables behind it',
      };
    case 'owner':
      if (knowsSocket(view)) return { condition: opaque(test) };
      return {
        reason: `the socket of a packet is not known at ${view.hook}`,
        advice: 'use --hook netfilter',
      };
    case 'set':
    case 'counted-set':
      return answerSet(test.test, view, (field) => isRewritten(view, field));
    case 'module':
      return undecidedMatch(test.module, view);
  }
}

/** Words of the question that a rule in front of the program asks for a test; undefined where the view has an answer. */
export function askedWords(test: Opaque, view: View): readonly string[] | undefined {
  return 'condition' in answer(test, view) ? undefined : questionWords(test, view);
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
        undecided.push({
          reason: `addresses may be rewritten before the chain (${view.rewrittenBy})`,
          advice: 'use exact mode',
        });
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
      return parts.length === 1 ? parts[0] : { kind: 'all', of: parts };
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

export function isTrue(condition: Condition): boolean {
  return condition.kind === 'all' && condition.of.length === 0;
}

export function isFalse(condition: Condition): boolean {
  return condition.kind === 'any' && condition.of.length === 0;
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
