// Writes an object only if it decides as the rules say.
// node compile-verified.mjs DUMP OBJECT — exit code 0: written, 1: refused or unequal, 2: the dump has an error.
import { readFileSync, writeFileSync } from 'node:fs';
import { compile, formatDiagnostic, generatePackets, parseDump, verify } from 'ipt2bpf';

const [file, target] = process.argv.slice(2);
process.exitCode = await main();

/** @returns {Promise<number>} */
async function main() {
  const { ruleset, diagnostics } = parseDump(readFileSync(file, 'utf8'), { file });
  tell(diagnostics);
  if (diagnostics.some(({ severity }) => severity === 'error')) return 2;

  const place = /** @type {const} */ ({ hook: 'xdp', chain: 'INPUT' });
  const compiled = compile(ruleset, place);
  tell(compiled.diagnostics);
  if (!compiled.ok) return 1;

  // Packets that aim at the rules; with engines kernel and iptables, as root, the kernel and real iptables judge, too.
  const packets = generatePackets(ruleset, { table: 'filter', chain: 'INPUT', count: 1000, seed: 1 });
  const verified = await verify(ruleset, packets, { ...place, engines: ['interpreter'] });
  if (!verified.ok || !verified.equal) {
    console.log(`${file}: the object decides otherwise than the rules`);
    return 1;
  }
  writeFileSync(target, compiled.object);
  console.log(`${target}: ${compiled.manifest.programs.length} program, equal on ${packets.length} packets`);
  return 0;
}

/** @param {readonly import('ipt2bpf').Diagnostic[]} diagnostics */
function tell(diagnostics) {
  for (const diagnostic of diagnostics) console.log(formatDiagnostic(diagnostic));
}
