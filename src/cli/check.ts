import { isWireHook } from '../../codegen/program/place.js';
import { analyse } from '../../codegen/program/analysis.js';
import type { Hook } from '../../codegen/program/manifest.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import { assumptionsOf, CANDIDATES, hasChain, statusOf, unsaid, type ChainStatus } from '../report/translation.js';
import { sarifLog, type Finding } from '../report/sarif.js';
import type { TranslationOptions } from './compile.js';
import { loadRules, type DumpOptions } from './dump.js';
import { checkWritable, writeWhole } from './files.js';
import { EXIT, sayJson, show, tellDiagnostics, userError, type ExitCode } from './output.js';

interface Options extends DumpOptions, Omit<TranslationOptions, 'hook' | 'chain'> {
  readonly hook?: Hook;
  readonly chain?: BuiltinChain;
  readonly json?: boolean;
  /** File for the findings as SARIF. */
  readonly sarif?: string;
}

/** Says for each hook and chain what can be translated. Exit 0: every rule; 1: some rules are not. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  if (options.sarif !== undefined) checkWritable(options.sarif, [path]);
  const { ruleset, text, file } = loadRules(path, options);
  const { hook, chain, json, sarif, ...translation } = options;
  const asked = CANDIDATES.filter(([h, c]) => (hook ?? h) === h && (chain ?? c) === c);
  if (asked.length === 0)
    throw userError('no-hook', `chain ${chain} cannot be compiled for ${hook}: it is about leaving packets`);
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
  if (reports.length === 0) throw userError('no-chain', `${file}: it has no chain that a hook could take`);
  if (sarif !== undefined) writeWhole(sarif, `${JSON.stringify(sarifOf(file, reports), null, 2)}\n`);
  if (json) sayJson({ file, family: ruleset.family, chains: reports });
  else print(reports);
  return reports.every((report) => report.exact) ? EXIT.same : EXIT.different;
}

const SARIF_TEXTS = {
  'not-exact': 'A rule cannot be decided exactly at the hook',
  deferred: 'A rule is left to iptables, which stays behind the object',
};

/** Rules that are not exact, and warnings, each at its place. */
function sarifOf(file: string, reports: readonly ChainStatus[]): unknown {
  const findings = reports.flatMap((report): readonly Finding[] => [
    ...report.rules.flatMap(({ line, rule, reasons }) =>
      reasons.map((reason): Finding => {
        const early = report.mode === 'early';
        const message = `${report.hook}, chain ${report.chain}: ${reason}`;
        const place = { file, line, column: 1, length: rule.length };
        return { ...place, message, code: early ? 'deferred' : 'not-exact', severity: early ? 'warning' : 'error' };
      }),
    ),
    ...report.warnings.map((warning) => ({ ...warning, file })),
  ]);
  return sarifLog(findings, SARIF_TEXTS);
}

function print(reports: readonly ChainStatus[]): void {
  for (const report of reports) {
    const deferred = report.rules.filter((rule) => rule.status === 'deferred');
    show(`${report.hook} ${report.table} ${report.chain}: ${summaryOf(report, deferred.length)}`);
    for (const rule of deferred) {
      show(`  line ${rule.line}: ${rule.rule}`);
      for (const reason of rule.reasons) show(`      ${reason}`);
    }
    for (const assumption of assumptionsOf(report)) show(`  assumes: ${assumption}`);
    for (const { code, message } of unsaid(report)) show(`  warning[${code}]: ${message}`);
  }
}

function summaryOf({ hook, mode, rules }: ChainStatus, deferred: number): string {
  const count = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`;
  if (mode === 'early') return `early, ${deferred} of ${count} deferred`;
  if (deferred === 0) return `exact (${count})`;
  return `${deferred} of ${count} ${!isWireHook(hook) ? 'not translated' : 'only with --mode early'}`;
}
