import type { Condition } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import { endsWay, type Rule } from '../../grammar/model/ruleset.js';

/** A rule as the optimizer sees it: what it does, and a number of its own. */
export interface ProgramRule {
  readonly id: number;
  readonly rule: Pick<Rule, 'target'>;
}

export interface ProgramChain<R extends ProgramRule> {
  readonly name: string;
  readonly rules: readonly R[];
  /** Longest path of jumps below this chain: a chain is higher than all that it jumps to. */
  readonly height: number;
}

/** The chain that a hook comes to, and all that can be jumped to from there. */
export interface Program<R extends ProgramRule> {
  readonly entry: ProgramChain<R>;
  readonly chains: ReadonlyMap<string, ProgramChain<R>>;
  readonly rules: readonly R[];
}

export interface OptimizeSettings<R extends ProgramRule> {
  readonly family: Family;
  /** Fields that rules change on their way: what a test has told of them does not last. */
  readonly changing: ReadonlySet<Field>;
  /** The rule's condition, as the hook decides it. */
  condition(rule: R): Condition;
  /** Chains of so many rules and more stay functions of their own. */
  readonly longest: number;
}

/** Why a rule has no code. Its counter stays, and stays 0. */
export type Removal = 'contradictory' | 'covered' | 'unreachable';

/** A program that decides and counts as the one it was made of. */
export interface Optimized<R extends ProgramRule> extends Program<R> {
  /** What is left to ask of a packet that comes to the rule. */
  condition(rule: R): Condition;
  /** Chains whose rules stand where the one rule that jumps to them stands. */
  readonly inlined: ReadonlySet<string>;
  readonly removed: ReadonlyMap<R, Removal>;
  /** Rules whose conditions ask less than before. */
  readonly simplified: number;
}

/** A rule behind which no packet comes that it matches. */
export const ends = ({ rule: { target } }: ProgramRule): boolean => endsWay(target.effect);

/** The chain that a rule jumps to. */
export function targetOf({ rule: { target } }: ProgramRule): string | undefined {
  return target.effect.kind === 'jump' ? target.effect.chain : undefined;
}
