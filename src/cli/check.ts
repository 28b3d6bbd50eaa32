import { analyse, type Analysis } from '../../codegen/program/analysis.js';
import type { Hook } from '../../codegen/program/manifest.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { findTable, findChain, type Ruleset } from '../../grammar/model/ruleset.js';
import type { TranslationOptions } from './compile.js';
import { loadDump, type DumpOptions } from './dump.js';
import { EXIT, say, sayJson, tell, tellDiagnostics, UserError, type ExitCode } from './output.js';

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
  readonly fragments: string;
  readonly vlan: string;
  readonly assumptions: readonly string[];
}

const CANDIDATES: readonly (readonly [Hook, BuiltinChain])[] = [
  ['xdp', 'PREROUTING'],
  ['xdp', 'INPUT'],
  ['xdp', 'FORWARD'],
  ['tc', 'PREROUTING'],
  ['tc', 'INPUT'],
  ['tc', 'FORWARD'],
  ['tc', 'OUTPUT'],
];

/** Says for each hook and chain what can be translated. Exit 0: everything exact; 1: something is not. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  const { ruleset, text, file } = loadDump(path, options);
  const { hook, chain, json, ...translation } = options;
  const asked = CANDIDATES.filter(([h, c]) => (hook ?? h) === h && (chain ?? c) === c);
  if (asked.length === 0) throw new UserError(`ipt2bpf: chain ${chain} cannot be compiled for ${hook}`);
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
  if (json) sayJson({ file, family: ruleset.family, chains: reports });
  else print(reports);
  if (reports.length === 0) tell(`ipt2bpf: ${file}: no chain to check`);
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
  const { hook, table, chain, fragments, vlan, assumptions } = analysis;
  return { hook, table, chain, exact: rules.every((r) => r.status === 'exact'), rules, fragments, vlan, assumptions };
}

function print(reports: readonly ChainStatus[]): void {
  for (const report of reports) {
    const deferred = report.rules.filter((rule) => rule.status === 'deferred');
    const head = `${report.hook} ${report.table} ${report.chain}`;
    const count = `${report.rules.length} ${report.rules.length === 1 ? 'rule' : 'rules'}`;
    say(report.exact ? `${head}: exact (${count})` : `${head}: ${deferred.length} of ${count} only with --mode early`);
    for (const rule of deferred) {
      say(`  line ${rule.line}: ${rule.rule}`);
      for (const reason of rule.reasons) say(`      ${reason}`);
    }
    for (const assumption of report.assumptions) say(`  assumes: ${assumption}`);
  }
}
