import { lint } from '../lint/lint.js';
import { findingText, LINT_TEXTS, lintScan } from '../lint/print.js';
import { sarifLog } from '../report/sarif.js';
import { paintDiagnostic } from '../terminal/paint.js';
import { loadRules, type DumpOptions } from './dump.js';
import { checkWritable, writeWhole } from './files.js';
import { EXIT, sayJson, show, tell, visible, type ExitCode } from './output.js';

interface Options extends DumpOptions {
  readonly json?: boolean;
  /** File for the findings as SARIF. */
  readonly sarif?: string;
}

/** Names the rules that no packet needs. Exit 0: there are none. */
export async function run(path: string, options: Options): Promise<ExitCode> {
  if (options.sarif !== undefined) checkWritable(options.sarif, [path]);
  const { ruleset, file } = loadRules(path, options);
  const { findings, gaps } = lint(ruleset);
  if (options.sarif !== undefined) {
    const log = sarifLog(
      findings.map((finding) => lintScan(finding, file)),
      LINT_TEXTS,
    );
    writeWhole(options.sarif, `${JSON.stringify(log, null, 2)}\n`);
  }
  if (options.json === true) sayJson({ file, family: ruleset.family, findings, gaps });
  else for (const finding of findings) show(findingText(finding, file), paintDiagnostic);
  for (const { table, chain, reason } of gaps)
    tell(visible(`ipt2bpf: ${file}: table ${table}, chain ${chain}: ${reason}`));
  return findings.length === 0 ? EXIT.same : EXIT.different;
}
