// Tells which packets two dumps judge otherwise: all of them, as regions, each with an example.
// node changed-packets.mjs BEFORE AFTER — exit code 0: none, 1: some, 2: a dump has an error.
import { readFileSync } from 'node:fs';
import { changedPackets, formatDiagnostic, parseDump } from 'ipt2bpf';

const dumps = process.argv.slice(2).map((file) => parseDump(readFileSync(file, 'utf8'), { file }));
const errors = dumps.flatMap(({ diagnostics }) => diagnostics.filter(({ severity }) => severity === 'error'));
for (const error of errors) console.log(formatDiagnostic(error));
process.exitCode = errors.length > 0 ? 2 : await tell(dumps[0].ruleset, dumps[1].ruleset);

/**
 * @param {import('ipt2bpf').Ruleset} before
 * @param {import('ipt2bpf').Ruleset} after
 */
async function tell(before, after) {
  const chains = await changedPackets(before, after);
  for (const { table, chain, changes } of chains) {
    for (const change of changes) {
      console.log(`${table} ${chain}: ${change.before.verdict} -> ${change.after.verdict}`);
      for (const sides of change.rectangles) {
        console.log(`  ${sides.map(({ field, values }) => `${field} ${values.join(', ')}`).join('; ')}`);
      }
      console.log(`  was decided by: ${change.before.text}`);
      console.log(`  now decided by: ${change.after.text}`);
      console.log(`  for example:    ${change.example?.text ?? 'none found'}`);
    }
  }
  return chains.length > 0 ? 1 : 0;
}
