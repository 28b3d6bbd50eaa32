import { printRule } from '../../grammar/index.js';
import type { TableName } from '../../grammar/model/family.js';
import { findChain, findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import type { Fate } from './explore.js';

/** What decides on one side. */
export interface Deciding {
  /** `accept`, `drop`, `reject TYPE` or `target WORDS`. */
  readonly verdict: string;
  readonly chain: string;
  /** From 1; absent for the policy. */
  readonly rule?: number;
  /** Line in the dump, from 1; absent for a policy that the dump does not say. */
  readonly line?: number;
  /** The rule as iptables-save prints it, or the policy. */
  readonly text: string;
  /** A test of the rule drops the packet at once. */
  readonly hotdrop: boolean;
}

/** Rule or policy, with its line. */
export function decidingOf(
  { verdict, decider, hotdrop }: Fate,
  ruleset: Ruleset,
  { table }: { readonly table: TableName },
): Deciding {
  if (decider.kind === 'rule') {
    const { chain, number, rule } = decider;
    const text = `-A ${chain} ${printRule(rule)}`.trimEnd();
    return { verdict, chain, rule: number, line: rule.range.line, text, hotdrop };
  }
  const found = findTable(ruleset, table);
  const line = found && findChain(found, decider.chain)?.range?.line;
  const text = `policy ${decider.policy} of ${decider.chain}`;
  return { verdict, chain: decider.chain, ...(line === undefined ? {} : { line }), text, hotdrop };
}

/** Who decides, in words. */
export function decidingText({ verdict, chain, rule, line, text, hotdrop }: Deciding, file: string): string {
  const at = line === undefined ? file : `${file}:${line}`;
  const who = rule === undefined ? text : `rule ${rule} of ${chain}: ${text}`;
  return `${verdict.toUpperCase()} by ${at}: ${who}${hotdrop ? ' (drops it at once: a header is cut or broken)' : ''}`;
}
