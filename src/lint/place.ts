import type { Chain, Rule, Ruleset, Table } from '../../grammar/model/ruleset.js';
import type { HookView } from './hook.js';

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
