import { printRule } from '../../grammar/index.js';
import type { Chain, Rule, Ruleset, Table } from '../../grammar/model/ruleset.js';
import type { HookView } from './hook.js';
import type { LintRule } from './model.js';

/** What findings about a chain are made from. */
export interface RulePlace {
  readonly ruleset: Ruleset;
  readonly table: Table;
  readonly chain: Chain;
  /** Those that lead to the chain. */
  readonly views: readonly HookView[];
}

export interface Jump {
  readonly chain: Chain;
  readonly number: number;
  readonly rule: Rule;
}

/** A rule with its number, from 1, for people. */
export function lintRule(chain: string, number: number, rule: Rule): LintRule {
  return { chain, number, line: rule.range.line, text: `-A ${chain} ${printRule(rule)}`.trimEnd() };
}
