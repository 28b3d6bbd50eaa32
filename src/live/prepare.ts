import { analyseChains } from '../../codegen/program/analysis.js';
import { compile } from '../../codegen/program/index.js';
import type { CompileOptions } from '../../codegen/program/manifest.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { generatePackets } from '../verify/generate.js';
import type { Mismatch } from '../verify/job.js';
import { verify, type VerifyResult } from '../verify/verify.js';
import { verifyNetfilter } from '../verify/verify-netfilter.js';
import { checkObject, type CheckedObject } from './object.js';

/** Packets of a quick comparison with the reference: a second of time, not an hour. */
const QUICK_PACKETS = 1000;
const SEED = 1;

export interface PrepareOptions extends CompileOptions {
  readonly source: string;
  readonly sourceFile: string;
  /** What `ipset save` printed. */
  readonly ipset?: string;
  /** Default true. */
  readonly verify?: boolean;
  progress?(text: string): void;
}

export type Prepared =
  | {
      readonly kind: 'ready';
      readonly object: CheckedObject;
      readonly warnings: readonly Diagnostic[];
      readonly packets: number;
    }
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] }
  /** The program differs from the reference: a fault of this compiler. */
  | { readonly kind: 'unequal'; readonly mismatches: readonly Mismatch[] };

/** Compiles a ruleset and compares the program, in the interpreter, with the reference on some packets. */
export async function prepare(ruleset: Ruleset, options: PrepareOptions): Promise<Prepared> {
  options.progress?.('compiling');
  const compiled = compile(ruleset, options);
  if (!compiled.ok) return { kind: 'refused', diagnostics: compiled.diagnostics };
  const object = checkObject(compiled.object, options.sourceFile);
  const ready = { kind: 'ready', object, warnings: compiled.diagnostics } as const;
  if (options.verify === false) return { ...ready, packets: 0 };
  options.progress?.('comparing with the reference');
  const result = await compared(ruleset, options);
  if (!result.ok) return { kind: 'refused', diagnostics: result.diagnostics };
  const mismatches = result.engines.flatMap((engine) => engine.mismatches);
  if (mismatches.length > 0) return { kind: 'unequal', mismatches };
  return { ...ready, packets: result.engines.reduce((sum, engine) => sum + engine.packets, 0) };
}

async function compared(ruleset: Ruleset, options: PrepareOptions): Promise<VerifyResult> {
  // What only compares judges as what decides.
  const { source, chain, hook, progress: _progress, shadow: _shadow, ...rest } = options;
  const engines = ['interpreter'] as const;
  if (hook === 'netfilter') {
    return verifyNetfilter(ruleset, source, {
      ...rest,
      ...withChain(chain),
      engines,
      count: QUICK_PACKETS,
      seed: SEED,
    });
  }
  const judged = judgedChain(chain);
  const analysed = analyseChains(ruleset, options);
  if (!analysed.ok) return analysed;
  const { table } = analysed.analyses[0];
  const packets = generatePackets(ruleset, { table, chain: judged, count: QUICK_PACKETS, seed: SEED });
  return verify(ruleset, source, packets, { ...rest, hook, chain: judged, engines, minimise: 0 });
}

function withChain(chain: BuiltinChain | undefined): { readonly chain?: BuiltinChain } {
  return chain === undefined ? {} : { chain };
}

function judgedChain(chain: BuiltinChain | undefined): BuiltinChain {
  if (chain === undefined) throw new Error(`no chain of a device: ${chain}`);
  return chain;
}
