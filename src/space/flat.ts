import { FALSE, Operation, TRUE, type Diagrams, type Node } from './diagram.js';
import { END, type List, type Lists } from './lists.js';
import { NO, OUTCOME } from './outcome.js';

/** A rule of a chain in which the first rule that ends a packet's way decides. */
export interface FlatRule {
  /** As in src/space/outcome.ts. */
  readonly outcome: Node;
  /** What it does to packets for which it holds; undefined: they go on, and its tests alone drop packets. */
  readonly verdict: string | undefined;
  /** Number of the rule among the deciders. */
  readonly rule: number;
  /** Where it ends the packet's way. */
  readonly ends: Node;
  /** Where it counts a packet that goes on, as far as that is asked. */
  readonly counts: Node;
  /** Where a packet leaves the rule's chain early, and goes on at the flat rule numbered `to`. */
  readonly leaves: Node;
  readonly to: number;
}

/** Rules that a flat list may have: a chain that is called from many places is written out at each. */
const MOST = 100_000;

/** Ranges of values that the rules behind ways back early may have together at their first variables, where each way back is cut from them. */
const MOST_RANGES = 1_000_000;

/**
 * A list with the lists that it calls written out; the last rule ends every packet's way. Ways back early (RETURN, goto) are
 * rules of their own; where it is asked what counts a packet, rules behind match none of those that have gone such a way.
 * Undefined where the list would be long, or its functions large.
 */
export function flatten(lists: Lists, list: List): readonly FlatRule[] | undefined {
  const { diagrams } = lists;
  const guarded = new Operation((guard, outcome) => {
    if (guard === FALSE || outcome === NO) return NO;
    return guard === TRUE ? outcome : undefined;
  });
  const drops = new Map<Node, Node>();
  const rules: (FlatRule & { to: number })[] = [];
  const decides = (outcome: Node, verdict: string, rule: number): void => {
    if (outcome === NO) return;
    rules.push({ outcome, verdict, rule, ends: lists.matching(outcome), counts: FALSE, leaves: FALSE, to: 0 });
  };
  const goesOn = (given: Node, rule: number): void => {
    const dropping = dropsOf(diagrams, given, drops);
    const outcome = lists.counts ? given : dropping;
    if (outcome === NO) return;
    const counts = lists.counts ? holds(diagrams, given) : FALSE;
    rules.push({ outcome, verdict: undefined, rule, ends: lists.matching(dropping), counts, leaves: FALSE, to: 0 });
  };
  const leaves = (outcome: Node, rule: number): void => {
    if (outcome === NO) return;
    rules.push({ outcome, verdict: undefined, rule, ends: FALSE, counts: FALSE, leaves: outcome, to: 0 });
  };
  let ranges = 0;
  const visit = (from: List, entry: Node): boolean => {
    const first = rules.length;
    let guard = entry;
    // What has left the list since the guard was made, where that is cut from the rules behind.
    let gone: Node[] = [];
    const leave = (outcome: Node, here: Node, rule: number): void => {
      if (lists.counts) gone.push(holds(diagrams, outcome));
      else leaves(holds(diagrams, here), rule);
    };
    for (let at = from; at !== END; at = lists.cell(at).tail) {
      if (rules.length > MOST || ranges > MOST_RANGES) return false;
      const { outcome, effect, body, rule } = lists.cell(at);
      if (gone.length > 0) {
        guard = diagrams.and(guard, diagrams.not(diagrams.anyOf(gone)));
        gone = [];
      }
      if (guard === FALSE) break;
      const here = diagrams.apply(guarded, guard, outcome);
      if (guard !== entry && here >= 0) ranges += widestOf(diagrams, here);
      switch (effect.kind) {
        case 'verdict':
          decides(here, effect.key, rule);
          break;
        case 'go-on':
          goesOn(here, rule);
          break;
        case 'enter':
          if (!visit(body, here)) return false;
          break;
        case 'call':
          goesOn(here, rule);
          if (!visit(body, holds(diagrams, here))) return false;
          break;
        case 'return':
          goesOn(here, rule);
          leave(outcome, here, rule);
          break;
        case 'goto':
          goesOn(here, rule);
          if (!visit(body, holds(diagrams, here))) return false;
          leave(outcome, here, rule);
          break;
      }
    }
    for (const rule of rules.slice(first)) if (rule.leaves !== FALSE && rule.to === 0) rule.to = rules.length;
    return true;
  };
  return visit(list, TRUE) ? rules : undefined;
}

/** The most ranges that a node has on the way down by first children that are not "no". */
function widestOf(diagrams: Diagrams, node: Node): number {
  let widest = 0;
  for (let here = node; here >= 0;) {
    const children = diagrams.childrenOf(here);
    widest = Math.max(widest, children.length);
    here = children.find((child) => child !== NO) ?? NO;
  }
  return widest;
}

/** The outcome where a test drops the packet, else "no". */
function dropsOf(diagrams: Diagrams, outcome: Node, known: Map<Node, Node>): Node {
  if (diagrams.isBoolean(outcome)) return NO;
  return diagrams.map(outcome, (value) => (value === OUTCOME.yes ? OUTCOME.no : value), known);
}

function holds(diagrams: Diagrams, outcome: Node): Node {
  return diagrams.isBoolean(outcome)
    ? outcome
    : diagrams.map(outcome, (value) => (value === OUTCOME.yes ? OUTCOME.yes : OUTCOME.no));
}
