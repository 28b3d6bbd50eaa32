import type { Condition } from '../../grammar/model/condition.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import type { Hook, WireHook } from './manifest.js';

/** Where a chain is judged: what the program can know of a packet there. */
export interface View {
  readonly hook: Hook;
  readonly family: Family;
  readonly chain: BuiltinChain;
  /** Rules of the dump that change the mark before the chain runs but after this hook, so that `mark` is not known. */
  readonly markChangedBy?: string;
  /** Rules of the dump that rewrite addresses between this hook and the chain, where that must be reckoned with. */
  readonly rewrittenBy?: string;
  /** At netfilter: what iptables may be asked in front of the program; `addresses` also about addresses and devices. */
  readonly asking?: { readonly addresses: boolean };
}

/** A view of frames, before or behind the IP stack. */
export interface WireView extends View {
  readonly hook: WireHook;
}

export function isWireView(view: View): view is WireView {
  return view.hook !== 'netfilter';
}

/** An opaque test as this view answers it: a condition, or why it cannot. */
export type Answer = { readonly condition: Condition } | { readonly reason: string; readonly advice: string };

/** What specialising a condition for a view found that the view cannot decide. */
export interface Undecided {
  readonly reason: string;
  readonly advice: string;
}
