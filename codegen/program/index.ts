import { createHash } from 'node:crypto';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { assemble } from '../bytecode/assemble.js';
import type { MapSpec, ObjectSpec } from '../object/spec.js';
import { writeObject } from '../object/write.js';
import { analyse, refusals, type Analysis } from './analysis.js';
import { TooLargeError } from './chains.js';
import { countersMap } from './counters.js';
import { CAST_KFUNC, DEVICE_STRUCTS } from './device-name.js';
import { limitsMap } from './limit.js';
import { eventsMap } from './log.js';
import type { CompileOptions, CounterEntry, Manifest } from './manifest.js';
import { generate, type Program } from './program.js';
import { rejectNeeds } from './reject/index.js';
import { COMPILER } from './version.js';

export type { CompileOptions, Manifest } from './manifest.js';
export { analyse } from './analysis.js';

const DEFAULT_HZ = 250;

export type CompileResult =
  | {
      readonly ok: true;
      /** The ELF file. */
      readonly object: Uint8Array;
      readonly spec: ObjectSpec;
      readonly manifest: Manifest;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Compiles one chain of a ruleset for a hook; refuses, with a diagnostic a rule, what cannot be decided there. */
export function compile(ruleset: Ruleset, options: CompileOptions): CompileResult {
  const result = analyse(ruleset, options);
  if (!result.ok) return result;
  const { analysis } = result;
  if (analysis.mode === 'exact') {
    const errors = refusals(analysis);
    if (errors.length > 0) return { ok: false, diagnostics: [...errors, ...analysis.warnings] };
  }
  const hz = options.hz ?? DEFAULT_HZ;
  const policyKey = analysis.reachable.rules.length;
  try {
    const program = generate(analysis, policyKey, hz);
    const manifest = buildManifest(analysis, options, program, hz);
    const spec = buildSpec(analysis, program, manifest);
    return { ok: true, object: writeObject(spec), spec, manifest, diagnostics: analysis.warnings };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    const message = `chain ${analysis.chain} is larger than one eBPF program can be`;
    const diagnostic: Diagnostic = { line: 1, column: 1, length: 1, code: 'too-large', severity: 'error', message };
    return { ok: false, diagnostics: [diagnostic] };
  }
}

function usesDevices(analysis: Analysis): boolean {
  return analysis.used.has('iif') || analysis.used.has('oif');
}

function buildSpec(analysis: Analysis, program: Program, manifest: Manifest): ObjectSpec {
  const maps: MapSpec[] = [countersMap(manifest.counters.length)];
  if (program.limits > 0) maps.push(limitsMap(program.limits));
  if (program.logs) maps.push(eventsMap);
  const { entry } = program;
  const devices = usesDevices(analysis);
  return {
    license: 'GPL',
    program: {
      section: analysis.hook,
      entries: [
        {
          name: entry.name,
          linkage: 'global',
          params: entry.params,
          instructions: assemble(entry.name, entry.code),
        },
      ],
      functions: program.functions.map((f) => ({
        name: f.name,
        linkage: 'global',
        params: f.params,
        instructions: assemble(f.name, f.instructions),
      })),
    },
    maps,
    kernelStructs: devices ? DEVICE_STRUCTS : [],
    kfuncs: devices ? [CAST_KFUNC] : [],
    manifest: JSON.stringify(manifest),
    sourceFile: manifest.sourceFile,
  };
}

function buildManifest(analysis: Analysis, options: CompileOptions, program: Program, hz: number): Manifest {
  const source = options.source ?? '';
  const counters: CounterEntry[] = analysis.reachable.rules.map(({ chain, number, rule }) => ({
    kind: 'rule',
    chain,
    number,
    line: rule.range.line,
    text: ['-A', chain, ...rule.headWords, ...rule.matches.flatMap((match) => match.words), ...rule.target.words].join(
      ' ',
    ),
  }));
  counters.push({ kind: 'policy', chain: analysis.chain, policy: analysis.policy });
  const deferred = analysis.rules.flatMap(({ rule, undecided }) =>
    undecided.map((why) => ({
      chain: rule.chain,
      number: rule.number,
      line: rule.rule.range.line,
      reason: why.reason,
    })),
  );
  const fields = Object.fromEntries(program.layout.offsets);
  return {
    format: 1,
    compiler: COMPILER,
    family: analysis.ruleset.family,
    table: analysis.table,
    chain: analysis.chain,
    hook: analysis.hook,
    mode: analysis.mode,
    fragments: analysis.fragments,
    reject: analysis.reject,
    vlan: analysis.vlan,
    sourceFile: options.sourceFile ?? analysis.ruleset.file ?? 'rules',
    sourceHash: createHash('sha256').update(source).digest('hex'),
    source,
    counters,
    assumptions: [...analysis.assumptions, ...hookAssumptions(analysis, program, hz)],
    deferred,
    ...(program.logs ? { event: { bytes: program.layout.bytes, fields } } : {}),
    needs: needs(analysis, program),
  };
}

function hookAssumptions(analysis: Analysis, program: Program, hz: number): readonly string[] {
  const notes = ['the device is an Ethernet device, and its frames are addressed to it (no bridge port)'];
  const { family, chain } = analysis.view;
  if (family === 'v6' && (chain === 'INPUT' || chain === 'FORWARD')) {
    notes.push("packets to link-local addresses are for this host (INPUT); other hosts' are not forwarded");
  }
  if (program.limits > 0) notes.push(`CONFIG_HZ of the running kernel is ${hz}`);
  if (analysis.fragments === 'judge' && analysis.reassembled) {
    notes.push(
      'fragments are judged one by one, where iptables judges the datagram: this may be stricter, never laxer',
    );
  } else if (analysis.fragments !== 'judge') {
    notes.push(`fragments are ${analysis.fragments === 'drop' ? 'dropped' : 'passed unjudged'}`);
  }
  if (analysis.vlan !== 'judge') {
    notes.push(
      `IP packets of other VLANs than 0 are ${analysis.vlan === 'drop' ? 'dropped' : 'passed'}: their device is not known`,
    );
  }
  return notes;
}

function needs(analysis: Analysis, program: Program): Manifest['needs'] {
  const features = ['global functions with memory arguments', 'BTF'];
  let kernel = '5.15';
  if (program.limits > 0) features.push('64-bit atomic compare and exchange', 'helper bpf_jiffies64');
  if (program.logs) features.push('ring buffer');
  if (usesDevices(analysis)) {
    kernel = '6.2';
    features.push('kfunc bpf_cast_to_kern_ctx', 'helper bpf_probe_read_kernel');
  }
  const answers = rejectNeeds(analysis.view, program.answers);
  if (answers !== undefined) {
    kernel = newer(kernel, answers.kernel);
    features.push(answers.feature);
  }
  return { kernel, features };
}

function newer(a: string, b: string): string {
  const rank = (version: string): number => {
    const [major, minor] = version.split('.').map(Number);
    return major * 1000 + minor;
  };
  return rank(a) >= rank(b) ? a : b;
}
