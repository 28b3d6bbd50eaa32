import { FALSE, opaque, TRUE, type Opaque } from '../../../grammar/model/condition.js';
import { questionWords } from '../netfilter/ask.js';
import { isIngress, isSocketHook, isWireView, knowsConnection, knowsSocket, type Answer, type View } from '../place.js';
import { answerSet } from '../sets/view.js';
import { earlyOr, keepIptables, undecidedMatch } from '../untranslated.js';
import { answerAddressType4, answerAddressType6, asksRoutes } from './address-type.js';
import { isRewritten, rewritten } from './rewritten.js';

/** Whether packets of the view come in by a device, or leave by one. */
function knowsDevice(view: View, which: 'in' | 'out'): boolean {
  return which === 'in' ? isIngress(view) : view.chain === 'FORWARD' || !isIngress(view);
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
      if (test.which === 'out' && isRewritten(view, 'oif')) return rewritten(view);
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
      if (isRewritten(view, test.which === 'src' ? 'saddr' : 'daddr')) return rewritten(view);
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
