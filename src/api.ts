import { compile as compileChain, type CompileResult } from '../codegen/program/index.js';
import type { CompileOptions } from '../codegen/program/manifest.js';
import { printDump } from '../grammar/index.js';
import type { Diagnostic } from '../grammar/model/diagnostic.js';
import type { Packet } from '../grammar/model/packet.js';
import type { Ruleset } from '../grammar/model/ruleset.js';
import type { ChainChanges, PacketDiffOptions } from './diff/packets.js';
import type { RulesDiff } from './diff/rules.js';
import type { VerifyOptions, VerifyResult } from './verify/verify.js';

/**
 * Compiles one chain of a ruleset for a hook, at netfilter all chains of the table if none is named. What the hook
 * cannot decide exactly is refused, with a diagnostic for each rule; the object is an ELF file for any BPF loader.
 */
export function compile(ruleset: Ruleset, options: CompileOptions): CompileResult {
  const result = compileChain(ruleset, options);
  return { ...result, diagnostics: inFile(result.diagnostics, ruleset.file) };
}

/**
 * Compiles a chain and compares the reference with the object in the interpreter and in the kernel, and with real
 * iptables, packet by packet. Engines that cannot run on this machine are reported as skipped, with the reason.
 */
export async function verify(
  ruleset: Ruleset,
  packets: readonly Packet[],
  options: VerifyOptions,
): Promise<VerifyResult> {
  const machines = await import('./verify/verify.js');
  const result = await machines.verify(ruleset, options.source ?? printDump(ruleset), packets, options);
  return result.ok ? result : { ok: false, diagnostics: inFile(result.diagnostics, ruleset.file) };
}

/** Compares two rulesets rule by rule, by their canonical texts; counters are no difference. */
export async function diff(before: Ruleset, after: Ruleset): Promise<RulesDiff> {
  const { diffDumps } = await import('./diff/rules.js');
  return diffDumps({ ruleset: before, file: before.file ?? 'a' }, { ruleset: after, file: after.file ?? 'b' });
}

/**
 * The packets that two rulesets of one family judge otherwise, for each built-in chain that either says something about:
 * all of them, as rectangles, with the rules that decide before and after, and an example that the reference has judged.
 * Other than {@link diff}, it tells nothing of changes that no packet notices.
 *
 * @throws TooWideError where a chain asks more than can be followed; BrokenTableError if the kernel would not load a table
 */
export async function changedPackets(
  before: Ruleset,
  after: Ruleset,
  options: PacketDiffOptions = {},
): Promise<readonly ChainChanges[]> {
  const { chainsToCompare, diffPackets } = await import('./diff/packets.js');
  const chains: ChainChanges[] = [];
  for (const place of chainsToCompare(before, after)) {
    const changes = await diffPackets(before, after, place, options);
    if (changes.changes.length > 0) chains.push(changes);
  }
  return chains;
}

function inFile(diagnostics: readonly Diagnostic[], file: string | undefined): readonly Diagnostic[] {
  return file === undefined ? diagnostics : diagnostics.map((diagnostic) => ({ file, ...diagnostic }));
}
