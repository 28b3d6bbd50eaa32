import type { Condition } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import {
  BUILTIN_CHAINS,
  isLeaving,
  type BuiltinChain,
  type Family,
  type TableName,
} from '../../grammar/model/family.js';
import type { Hook, SocketHook, WireHook } from './manifest.js';

/** Where a chain is judged: what the program can know of a packet there. */
export interface View {
  readonly hook: Hook;
  readonly family: Family;
  readonly chain: BuiltinChain;
  /** Rules of the dump that change the mark before the chain runs but after this hook, so that `mark` is not known. */
  readonly markChangedBy?: string;
  /** Fields that rules of the dump change between this hook and the chain, and which rule does. */
  readonly changed?: ReadonlyMap<Field, string>;
  /** Rules of the dump that rewrite addresses between this hook and the chain, where that must be reckoned with. */
  readonly rewrittenBy?: string;
  /** At netfilter: what iptables may be asked in front of the program. */
  readonly asking?: Asking;
}

/** What an answer is the same about in front of the program and at the rule. */
export interface Asking {
  /** Addresses and devices. */
  readonly addresses: boolean;
  /** The connection's entry, but for its mark. */
  readonly connection: boolean;
  readonly connectionMark: boolean;
  /** Everything: each packet comes from there to the chain, as it was. */
  readonly everything: boolean;
  /** Words of the targets RATEEST of the dump, by the name of the estimator. */
  readonly estimators: ReadonlyMap<string, readonly string[]>;
}

/** A view of frames, before or behind the IP stack. */
export interface WireView extends View {
  readonly hook: WireHook;
}

export function isWireView(view: View): view is WireView {
  return isWireHook(view.hook);
}

export function isWireHook(hook: Hook): hook is WireHook {
  return hook === 'xdp' || hook === 'tc';
}

export function isSocketHook(hook: Hook): hook is SocketHook {
  return hook === 'cgroup' || hook === 'socket';
}

/** Whether the packets of this view arrive from a device (all chains but OUTPUT and POSTROUTING). */
export function isIngress(view: View): boolean {
  return !isLeaving(view.chain);
}

/**
 * Whether a packet has its connection with it: at netfilter, and on its way from OUTPUT to the device. The stack
 * lets go of the connection before it hands a packet to a socket (nf_reset_ct in tcp_v4_rcv, udp_queue_rcv_one_skb).
 */
export function knowsConnection(view: View): boolean {
  const { hook } = view;
  return hook === 'netfilter' || ((hook === 'cgroup' || hook === 'tc') && !isIngress(view));
}

/**
 * Whether a packet has its socket with it, as iptables sees it. At tc it may have waited for the neighbour's address
 * (net/core/neighbour.c neigh_resolve_output) until the socket was closed.
 */
export function knowsSocket(view: View): boolean {
  return knowsConnection(view) && view.hook !== 'tc';
}

/** The built-in chains of a table that the programs of one object judge at a hook, where it has several. */
export function chainsAt(hook: Hook, table: TableName = 'filter'): readonly BuiltinChain[] {
  switch (hook) {
    case 'netfilter':
      return BUILTIN_CHAINS[table];
    case 'cgroup':
      return ['INPUT', 'OUTPUT'];
    case 'socket':
      return ['INPUT'];
    case 'xdp':
    case 'tc':
      return [];
  }
}

/** An opaque test as this view answers it: a condition, or why it cannot. */
export type Answer = { readonly condition: Condition } | { readonly reason: string; readonly advice: string };

/** What specialising a condition for a view found that the view cannot decide. */
export interface Undecided {
  readonly reason: string;
  readonly advice: string;
}
