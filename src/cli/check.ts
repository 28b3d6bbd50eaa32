import { analyse, type Analysis } from '../../codegen/program/analysis.js';
import type { FragmentPolicy, Hook, Mode, VlanPolicy } from '../../codegen/program/manifest.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { findTable, findChain, type Ruleset } from '../../grammar/model/ruleset.js';
import type { TranslationOptions } from './compile.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import { loadRules, type DumpOptions } from './dump.js';
import { EXIT, say, sayJson, tellDiagnostics, UserError, visible, type ExitCode } from './output.js';

interface Options extends DumpOptions, Omit<TranslationOptions, 'hook' | 'chain'> {
  readonly hook?: Hook;
  readonly chain?: BuiltinChain;
  readonly json?: boolean;
}

interface RuleStatus {
  readonly line: number;
  readonly chain: string;
  readonly number: number;
  readonly rule: string;
  readonly status: 'exact' | 'deferred';
  readonly reasons: readonly string[];
}

interface ChainStatus {
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

const CANDIDATES: readonly (readonly [Hook, BuiltinChain])[] = [
  ['xdp', 'PREROUTING'],
  ['xdp', 'INPUT'],
  ['xdp', 'FORWARD'],
  ['tc', 'PREROUTING'],
  ['tc', 'INPUT'],
  ['tc', 'FORWARD'],
  ['tc', 'OUTPUT'],
  ['netfilter', 'INPUT'],
  ['netfilter', 'FORWARD'],
  ['netfilter', 'OUTPUT'],
];

/** Says for each hook and chain what can be translated. Exit 0: every rule; 1: some rules are not. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { ruleset, text, file } = loadRules(path, options);
  const { hook, chain, json, ...translation } = options;
  const asked = CANDIDATES.filter(([h, c]) => (hook ?? h) === h && (chain ?? c) === c);
  if (asked.length === 0)
    throw new UserError(`ipt2bpf: chain ${chain} cannot be compiled for ${hook}: it is about leaving packets`);
  const reports: ChainStatus[] = [];
  for (const [h, c] of asked) {
    if (chain === undefined && !hasChain(ruleset, c, options.table)) continue;
    const result = analyse(ruleset, { ...translation, hook: h, chain: c });
    if (result.ok) reports.push(statusOf(result.analysis));
    else if (chain !== undefined) {
      tellDiagnostics(result.diagnostics, file, text);
      return EXIT.trouble;
    }
  }
  if (reports.length === 0) throw new UserError(`ipt2bpf: ${file}: it has no chain that a hook could take`);
  if (json) sayJson({ file, family: ruleset.family, chains: reports });
  else print(reports);
  return reports.every((report) => report.exact) ? EXIT.same : EXIT.different;
}

/** Whether the dump says anything about the chain. */
function hasChain(ruleset: Ruleset, chain: BuiltinChain, asked: Options['table']): boolean {
  const tables =
    asked !== undefined ? [asked] : chain === 'PREROUTING' ? (['raw', 'mangle'] as const) : (['filter'] as const);
  return tables.some((name) => {
    const table = findTable(ruleset, name);
    const found = table && findChain(table, chain);
    return found !== undefined && (chain !== 'PREROUTING' || found.rules.length > 0);
  });
}

function statusOf(analysis: Analysis): ChainStatus {
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

function print(reports: readonly ChainStatus[]): void {
  for (const report of reports) {
    const deferred = report.rules.filter((rule) => rule.status === 'deferred');
    say(`${report.hook} ${report.table} ${report.chain}: ${summaryOf(report, deferred.length)}`);
    for (const rule of deferred) {
      say(visible(`  line ${rule.line}: ${rule.rule}`));
      for (const reason of rule.reasons) say(visible(`      ${reason}`));
    }
    for (const assumption of assumptionsOf(report)) say(visible(`  assumes: ${assumption}`));
    for (const { code, message } of unsaid(report)) say(visible(`  warning[${code}]: ${message}`));
  }
}

function summaryOf({ hook, mode, rules }: ChainStatus, deferred: number): string {
  const count = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`;
  if (mode === 'early') return `early, ${deferred} of ${count} deferred`;
  if (deferred === 0) return `exact (${count})`;
  return `${deferred} of ${count} ${hook === 'netfilter' ? 'not translated' : 'only with --mode early'}`;
}

/** What an object of this chain takes for granted, where that depends on the rules and the options. */
function assumptionsOf({ exact, mode, rules, reassembled, fragments, vlan, assumptions }: ChainStatus): string[] {
  if (rules.length === 0 || (!exact && mode === 'exact')) return [];
  const notes = [...assumptions];
  if (fragments === 'drop') notes.push('fragments are dropped');
  if (fragments === 'pass') notes.push('fragments are passed unjudged');
  if (fragments === 'judge' && reassembled) {
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
function unsaid({ warnings, assumptions }: ChainStatus): readonly Diagnostic[] {
  return warnings.filter(({ message }) => !assumptions.includes(message));
}
