// Audits dumps in CI: what cannot be read, and packets that must meet their fate.
// node audit.mjs DUMP… — exit code 0: all well, 1: a packet meets another fate, 2: a dump has an error.
import { readFileSync } from 'node:fs';
import { evaluate, formatDiagnostic, parseDump, parsePacketText, surroundingsOracle } from 'ipt2bpf';

/** What this house wants, whatever else its rules say. */
const WANTED = [
  { packet: 'tcp 203.0.113.7:50000 > 192.0.2.1:23 SYN in eth0', verdict: 'drop' },
  { packet: 'tcp 203.0.113.7:50000 > 192.0.2.1:443 SYN in eth0', verdict: 'accept' },
];

/**
 * The verdict in a word, and what decided.
 *
 * @param {import('ipt2bpf').Ruleset} ruleset
 * @param {string} text
 */
function judge(ruleset, text) {
  const read = parsePacketText(text);
  if (!read.ok) throw new Error(read.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n'));
  const { packet, family, surroundings } = read.text;
  // A packet that begins a connection, unless its words say otherwise.
  const oracle = surroundingsOracle({ ctstate: ['NEW'], ...surroundings }, packet, family);
  const evaluation = evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet, oracle });
  if (evaluation.kind === 'unknown') return { verdict: 'unknown', by: JSON.stringify(evaluation.unknown) };
  const { verdict, decision } = evaluation;
  const by =
    decision.by === 'policy'
      ? `the policy of ${decision.chain}`
      : `rule ${decision.rule.number} of ${decision.rule.chain}`;
  return { verdict: typeof verdict === 'string' ? verdict : 'drop', by };
}

let worst = 0;
for (const file of process.argv.slice(2)) {
  const { ruleset, diagnostics } = parseDump(readFileSync(file, 'utf8'), { file });
  for (const diagnostic of diagnostics) console.log(formatDiagnostic(diagnostic));
  if (diagnostics.some(({ severity }) => severity === 'error')) {
    worst = 2;
    continue;
  }
  for (const wanted of WANTED) {
    const { verdict, by } = judge(ruleset, wanted.packet);
    const fits = verdict === wanted.verdict;
    console.log(`${file}: ${fits ? 'ok' : 'NOT AS WANTED'}: ${wanted.packet}: ${verdict} by ${by}`);
    if (!fits) worst = Math.max(worst, 1);
  }
}
process.exitCode = worst;
