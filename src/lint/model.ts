import type { Severity } from '../../grammar/model/diagnostic.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';

/**
 * What may be wrong with a rule that no packet needs:
 *
 * - `shadowed`: rules before it take all its packets, and at least one of them does something else with them;
 * - `redundant`: rules before it take all its packets and do the same; or packets come to it, and rules behind it in its
 *   chain do the same to all of them, so that nothing but the counters of these would change without it;
 * - `unreachable`: no packet comes to it, because of what stands before it, or because nothing leads to its chain;
 * - `contradictory`: no packet matches it.
 */
export type LintCode = 'shadowed' | 'redundant' | 'unreachable' | 'contradictory';

export const LINT_SEVERITY: Readonly<Record<LintCode, Severity>> = {
  shadowed: 'warning',
  contradictory: 'warning',
  unreachable: 'warning',
  redundant: 'info',
};

/** A rule, or a policy, that decides about the packets of another rule. */
export interface LintRule {
  readonly chain: string;
  /** From 1; absent for a policy. */
  readonly number?: number;
  /** Line in the dump, from 1; absent for a policy that the dump does not say. */
  readonly line?: number;
  /** As iptables-save prints it. */
  readonly text: string;
}

/**
 * A packet that would match the rule as it is written, and what the reference says about it; where rules behind it do the
 * same, what it says without the rule.
 */
export interface LintExample {
  readonly hook: BuiltinChain;
  /** As `explain --packet` reads it. */
  readonly packet: string;
  /** The answers beside the packet that what becomes of it hangs on, in words. */
  readonly assumed: readonly string[];
  /** As `verdictKey` writes it, a target that decides without its words: `target DNAT`. */
  readonly verdict: string;
  readonly decidedBy: LintRule;
}

export interface LintFinding {
  readonly code: LintCode;
  readonly table: TableName;
  readonly chain: string;
  /** Number of the rule, from 1; absent where the finding is about the whole chain. */
  readonly rule?: number;
  /** Place in the dump. */
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly text: string;
  /** One sentence, with the lines of {@link by}. */
  readonly message: string;
  /** What takes the packets, in the order of the dump. */
  readonly by: readonly LintRule[];
  /** How many more there are than {@link by} names. */
  readonly more: number;
  readonly example?: LintExample;
}

/** A chain that was too wide to be looked at whole. */
export interface LintGap {
  readonly table: TableName;
  readonly chain: string;
  readonly reason: string;
}

export interface LintResult {
  /** In the order of the dump. */
  readonly findings: readonly LintFinding[];
  /** What is not known: rules of these chains that are not named may be dead all the same. */
  readonly gaps: readonly LintGap[];
}
