import { isWireHook } from '../../codegen/program/place.js';
import { analyse, type Analysis } from '../../codegen/program/analysis.js';
import type { CompileOptions, FragmentPolicy, Hook, Mode, VlanPolicy } from '../../codegen/program/manifest.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { findChain, findTable, type Ruleset } from '../../grammar/model/ruleset.js';

/** What becomes of one rule at one hook. */
export interface RuleStatus {
  readonly line: number;
  readonly chain: string;
  readonly number: number;
  readonly rule: string;
  readonly status: 'exact' | 'deferred';
  readonly reasons: readonly string[];
}

/** What becomes of one built-in chain, and all chains that it reaches, at one hook. */
export interface ChainStatus {
  readonly hook: Hook;
  readonly table: string;
  readonly chain: BuiltinChain;
  readonly exact: boolean;
  readonly rules: readonly RuleStatus[];
  readonly mode: Mode;
  readonly fragments: FragmentPolicy;
  /** Whether iptables sees whole datagrams in this chain, and a piece therefore may meet another fate. */
  readonly reassembled: boolean;
  readonly vlan: VlanPolicy;
  readonly assumptions: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** Where a chain can be compiled for. */
export const CANDIDATES: readonly (readonly [Hook, BuiltinChain])[] = [
  ['xdp', 'PREROUTING'],
  ['xdp', 'INPUT'],
  ['xdp', 'FORWARD'],
  ['tc', 'PREROUTING'],
  ['tc', 'INPUT'],
  ['tc', 'FORWARD'],
  ['tc', 'OUTPUT'],
  ['tc', 'POSTROUTING'],
  ['netfilter', 'PREROUTING'],
  ['netfilter', 'INPUT'],
  ['netfilter', 'FORWARD'],
  ['netfilter', 'OUTPUT'],
  ['netfilter', 'POSTROUTING'],
  ['cgroup', 'INPUT'],
  ['cgroup', 'OUTPUT'],
  ['socket', 'INPUT'],
];

/** The status of every chain that the dump says something about, at every hook that could take it. */
export function translationStatus(
  ruleset: Ruleset,
  options: Omit<CompileOptions, 'hook' | 'chain'> = {},
): readonly ChainStatus[] {
  return CANDIDATES.filter(([, chain]) => hasChain(ruleset, chain, options.table)).flatMap(([hook, chain]) => {
    const result = analyse(ruleset, { ...options, hook, chain });
    return result.ok ? [statusOf(result.analysis)] : [];
  });
}

/** Whether the dump says anything about the chain. */
export function hasChain(ruleset: Ruleset, chain: BuiltinChain, asked: TableName | undefined): boolean {
  const tables = asked === undefined ? USUAL[chain] : [asked];
  const routing = chain === 'PREROUTING' || chain === 'POSTROUTING';
  return tables.some((name) => {
    const table = findTable(ruleset, name);
    const found = table && findChain(table, chain);
    return found !== undefined && (!routing || found.rules.length > 0);
  });
}

/** Tables of a chain that are meant where none is named. */
const USUAL: Readonly<Record<BuiltinChain, readonly TableName[]>> = {
  PREROUTING: ['raw', 'mangle'],
  INPUT: ['filter'],
  FORWARD: ['filter'],
  OUTPUT: ['filter'],
  POSTROUTING: ['mangle'],
};

export function statusOf(analysis: Analysis): ChainStatus {
  const rules = analysis.rules.map(({ rule, undecided }): RuleStatus => ({
    line: rule.rule.range.line,
    chain: rule.chain,
    number: rule.number,
    rule: rule.rule.source,
    status: undecided.length === 0 ? 'exact' : 'deferred',
    reasons: undecided.map((why) => `${why.reason} (${why.advice})`),
  }));
  const { hook, table, chain, mode, fragments, reassembled, vlan, assumptions, warnings } = analysis;
  const exact = rules.every((rule) => rule.status === 'exact');
  return { hook, table, chain, exact, mode, rules, fragments, reassembled, vlan, assumptions, warnings };
}

/** What an object of this chain takes for granted, where that depends on the rules and the options. */
export function assumptionsOf({
  hook,
  exact,
  mode,
  rules,
  reassembled,
  fragments,
  vlan,
  assumptions,
}: ChainStatus): string[] {
  if (rules.length === 0 || (!exact && mode === 'exact')) return [];
  const notes = [...assumptions];
  if (fragments === 'drop') notes.push('fragments are dropped');
  if (fragments === 'pass') notes.push('fragments are passed unjudged');
  if (fragments === 'judge' && reassembled && isWireHook(hook)) {
    notes.push('fragments are judged one by one, which may be stricter than the whole datagram, never laxer');
  }
  if (vlan !== 'judge') {
    notes.push(
      `packets of other VLANs than 0 are ${vlan === 'drop' ? 'dropped' : 'passed'}: their device is not known`,
    );
  }
  return notes;
}

/** Warnings whose words are not an assumption's already. */
export function unsaid({ warnings, assumptions }: ChainStatus): readonly Diagnostic[] {
  return warnings.filter(({ message }) => !assumptions.includes(message));
}
