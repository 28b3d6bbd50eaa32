import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import { DEFAULT_RECENT_ENTRIES } from '../../grammar/model/memory.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { ObjectSpec } from '../object/spec.js';
import { writeObject } from '../object/write.js';
import { failure } from './analysis/failure.js';
import { type Analysis, analyseChains, refusals } from './analysis.js';
import { MAX_HEIGHT, TooLargeError } from './chain-limits.js';
import { commonOf, type Common } from './common.js';
import type { ChainPlan, OptimizerPlan } from './engine/index.js';
import type { CompileOptions, Manifest, Question } from './manifest.js';
import { MOST_ASKED } from './netfilter/ask.js';
import { AskPlan } from './netfilter/ask-plan.js';
import { generateRehearsal } from './netfilter/rehearsal.js';
import type { Built } from './output/built.js';
import { buildManifest } from './output/manifest.js';
import { buildSpec } from './output/spec.js';
import { generate } from './program.js';
import type { ReachableRule } from './reachable.js';
import { areUseful, visitPlans, type VisitPlans } from './visits/plans.js';

export type { CompileOptions, Manifest } from './manifest.js';
export type { ChainPlan, OptimizerPlan, StretchPlan } from './engine/index.js';
export { analyse } from './analysis.js';

const DEFAULT_HZ = 250;

/** An object, or why there is none: a diagnostic of code `not-exact` for each rule that the hook cannot decide. */
export type CompileResult =
  | {
      readonly ok: true;
      /** The ELF file. */
      readonly object: Uint8Array;
      readonly spec: ObjectSpec;
      readonly manifest: Manifest;
      /** How each chain is judged. */
      readonly plans: readonly ChainPlan[];
      /** What the optimizer has made of each program; nothing where it did not run. */
      readonly optimizer: readonly OptimizerPlan[];
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles one chain of a ruleset for a hook, at netfilter all chains of the table if none is named; refuses, with a
 * diagnostic a rule, what cannot be decided there.
 */
export function compile(ruleset: Ruleset, options: CompileOptions): CompileResult {
  const result = analyseChains(ruleset, options);
  if (!result.ok) return result;
  const { analyses } = result;
  const warnings = analyses.flatMap((analysis) => analysis.warnings);
  const errors = withoutRepeats(analyses.flatMap((analysis) => (analysis.mode === 'exact' ? refusals(analysis) : [])));
  if (errors.length > 0) return { ok: false, diagnostics: [...errors, ...warnings] };
  const asks = new AskPlan(analyses);
  if (asks.questions.length > MOST_ASKED) return tooManyQuestions(asks.questions);
  const divided = asks.divided(analyses);
  if (divided !== undefined) return dividedMemory(divided);
  const written = writeSomehow(analyses, options);
  return written === undefined ? tooLarge(analyses, options) : { ok: true, ...written, diagnostics: warnings };
}

/** The object: with chains that call one another; or, where that would be too large, with as many that are judged once as there is room for. */
function writeSomehow(analyses: readonly Analysis[], options: CompileOptions): Written | undefined {
  const { visitOnce } = options;
  const called = visitOnce === undefined ? write(analyses, options) : undefined;
  if (called !== undefined) return called;
  for (let least = visitOnce ?? 0; least <= MAX_HEIGHT; least++) {
    const visits = visitPlans(analyses, least);
    if (visits === undefined || !areUseful(visits))
      return visitOnce === undefined ? undefined : write(analyses, options);
    const written = write(analyses, options, visits);
    if (written !== undefined) return written;
  }
  return undefined;
}

type Written = Omit<Extract<CompileResult, { ok: true }>, 'ok' | 'diagnostics'>;

/** The object; undefined where it is more than the kernel takes. */
function write(analyses: readonly Analysis[], options: CompileOptions, visits?: VisitPlans): Written | undefined {
  const { hz = DEFAULT_HZ, recentEntries = DEFAULT_RECENT_ENTRIES, engine } = options;
  const shadow = options.shadow === true && options.hook === 'netfilter';
  const common = commonOf(analyses, hz, recentEntries, engine, shadow, options.optimize, visits);
  try {
    const programs = analyses.map((analysis) => generate(analysis, common));
    const rehearsals = analyses.flatMap((analysis) => generateRehearsal(analysis, common) ?? []);
    const built: Built = { analyses, programs, rehearsals, common };
    const manifest = buildManifest(built, options);
    const spec = buildSpec(built, manifest);
    const object = writeObject(spec);
    return { object, spec, manifest, plans: common.plans, optimizer: optimizerPlans(common) };
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    return undefined;
  }
}

function tooLarge(analyses: readonly Analysis[], { engine, mode }: CompileOptions): CompileResult {
  const names = analyses.map(({ chain }) => chain).join(', ');
  const why = whyTooLarge(visitPlans(analyses, 0));
  const linear = engine === 'linear' && mode !== 'early';
  const hint = linear ? 'try --engine auto, which looks long chains up in a table' : undefined;
  return failure('too-large', `chain ${names} is larger than one eBPF program can be${why}`, hint);
}

/** Why chains that nest too deep for calls are not judged once. */
function whyTooLarge(visits: VisitPlans | undefined): string {
  const plans = [...(visits?.values() ?? [])];
  const unlike = plans.find(({ height }) => height > MAX_HEIGHT)?.unlike;
  if (unlike !== undefined) {
    return `; chains that lead to rule ${unlike.number} of chain ${unlike.chain} cannot be judged once for all jumps to them, as that rule may do something else each time`;
  }
  const slots = Math.max(0, ...plans.map((plan) => plan.slots));
  return slots > FEW_SLOTS
    ? `; it leads to too many chains at a time: ${slots}, whose visits are counted on the stack`
    : '';
}

/** As many have room on the stack of any program. */
const FEW_SLOTS = 16;

function optimizerPlans({ optimized }: Common): readonly OptimizerPlan[] {
  return [...optimized].map(([program, { simplified, removed, inlined }]) => ({
    program,
    simplified,
    removed: [...removed].map(([{ chain, number }, why]) => ({ chain, number, why })),
    inlined: [...inlined],
  }));
}

function tooManyQuestions(questions: readonly Question[]): CompileResult {
  const message = `iptables would have to be asked ${questions.length} questions in front of the programs, more than ${MOST_ASKED}`;
  const sets = questions.some(({ words }) => words[1] === 'set');
  const hint = sets
    ? 'give the IP sets with --ipset, so that the object answers itself'
    : `keep to ${MOST_ASKED} rules that iptables is asked for, or keep iptables for these chains`;
  return failure('not-exact', message, hint);
}

function dividedMemory({ chain, number, rule }: ReachableRule): CompileResult {
  const message = `rule ${number} of chain ${chain} cannot be decided exactly at netfilter: its memory would be with iptables for one chain and with the object for another one`;
  const hint = 'count connections in a chain that no other built-in chain comes to';
  return { ok: false, diagnostics: [{ ...rule.range, code: 'not-exact', severity: 'error', message, hint }] };
}

/** A rule that several chains come to is refused once for each reason. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ line, message }) => {
    const key = `${line} ${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
