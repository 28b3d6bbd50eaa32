import type { ReachableRule } from '../reachable.js';
import { costOf, diagramWork, type Work } from './cost.js';
import type { Stretch } from './segment.js';

/** How a stretch of a chain is judged, and what that is expected to cost. */
export interface StretchPlan {
  readonly engine: 'linear' | 'dag';
  readonly rules: number;
  /** Lists among the rules that are looked up by halves; 0 in diagrams. */
  readonly lists: number;
  /** Bytes of the chain's own code, and of its diagrams in the table. */
  readonly codeBytes: number;
  readonly tableBytes: number;
  /** Diagrams, branches on the longest way through one, and hits that a packet has at most; 0 in turn. */
  readonly diagrams: number;
  readonly depth: number;
  readonly hits: number;
  /** Expected nanoseconds of a packet that comes here, without the chains that it jumps to. */
  readonly nanoseconds: number;
  /** What that is reckoned from. */
  readonly work: Work;
}

export interface ChainPlan {
  /** Chain that the program judges, and the one that this is about. */
  readonly program: string;
  readonly chain: string;
  readonly stretches: readonly StretchPlan[];
}

/** What the optimizer has made of a program's rules. */
export interface OptimizerPlan {
  /** Chain that the program judges. */
  readonly program: string;
  /** Rules that ask less than they say. */
  readonly simplified: number;
  /** Rules without code: no packet comes to them that they match. */
  readonly removed: readonly { readonly chain: string; readonly number: number; readonly why: string }[];
  /** Chains whose rules stand where they are jumped to. */
  readonly inlined: readonly string[];
}

/** The plan of rules that are looked up; `tableBytes`: what their diagrams take in the table. */
export function diagramPlan(
  stretch: Extract<Stretch, { kind: 'diagrams' }>,
  slots: number,
  tableBytes: number,
): StretchPlan {
  const base = { rules: stretch.rules.length, lists: 0, codeBytes: 8 * slots };
  const { groups, depth, longest } = stretch.classifier;
  const work = diagramWork(stretch.classifier.groups, stretch.dimensions);
  const nanoseconds = costOf(work);
  return { engine: 'dag', ...base, tableBytes, diagrams: groups.length, depth, hits: longest, nanoseconds, work };
}

/** The plan of rules that are judged in turn. */
export function linearPlan(rules: readonly ReachableRule[], slots: number, work: Work): StretchPlan {
  const none = { tableBytes: 0, diagrams: 0, depth: 0, hits: 0 };
  const base = { rules: rules.length, lists: 0, codeBytes: 8 * slots };
  return { engine: 'linear', ...base, ...none, nanoseconds: costOf(work), work };
}
