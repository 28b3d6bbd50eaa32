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
}

/** Rules that a flat list may have: a chain that is called from many places is written out at each. */
const MOST = 100_000;

/** Ranges of values that the rules behind ways back early may have together at their first variables: each way back is cut from what follows. */
const MOST_RANGES = 1_000_000;

/**
 * A list with the lists that it calls written out; the last rule ends every packet's way. Rules behind a way back early
 * (RETURN, goto) match none of the packets that have gone it. Undefined where the list would be long, or its functions large.
 */
export function flatten(lists: Lists, list: List): readonly FlatRule[] | undefined {
  const { diagrams } = lists;
  const guarded = new Operation((guard, outcome) => {
    if (guard === FALSE || outcome === NO) return NO;
    return guard === TRUE ? outcome : undefined;
  });
  const drops = new Map<Node, Node>();
  const rules: FlatRule[] = [];
  const decides = (outcome: Node, verdict: string, rule: number): void => {
    if (outcome !== NO) rules.push({ outcome, verdict, rule, ends: lists.matching(outcome), counts: FALSE });
  };
  const goesOn = (given: Node, rule: number): void => {
    const dropping = dropsOf(diagrams, given, drops);
    const outcome = lists.counts ? given : dropping;
    if (outcome === NO) return;
    const counts = lists.counts ? holds(diagrams, given) : FALSE;
    rules.push({ outcome, verdict: undefined, rule, ends: lists.matching(dropping), counts });
  };
  let ranges = 0;
  const visit = (from: List, entry: Node): boolean => {
    let guard = entry;
    // What has left the list since the guard was made: taken from it where a rule follows.
    let gone: Node[] = [];
    for (let at = from; at !== END; at = lists.cell(at).tail) {
      if (rules.length > MOST || ranges > MOST_RANGES) return false;
      const { outcome, effect, body, rule } = lists.cell(at);
      if (effect.kind === 'return' && !lists.counts && diagrams.isBoolean(outcome)) {
        gone.push(outcome);
        continue;
      }
      if (gone.length > 0) {
        guard = diagrams.and(guard, diagrams.not(diagrams.anyOf(gone)));
        gone = [];
      }
      if (guard === FALSE) return true;
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
          gone.push(holds(diagrams, outcome));
          break;
        case 'goto':
          goesOn(here, rule);
          if (!visit(body, holds(diagrams, here))) return false;
          gone.push(holds(diagrams, outcome));
          break;
      }
    }
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
