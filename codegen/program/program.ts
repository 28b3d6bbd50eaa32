import type { RejectType } from '../../grammar/model/ruleset.js';
import { type Instruction, R6 } from '../bytecode/instruction.js';
import type { ContextStruct, ParamSpec } from '../object/spec.js';
import { optimize, type Optimized } from '../optimize/index.js';
import { type Analysis, meaningOf } from './analysis.js';
import { changingFields } from './changes/changing.js';
import { ChainCompiler, type ChainFunction } from './chains.js';
import { Code } from './code.js';
import { type Common, entryName, factAt, functionPrefix } from './common.js';
import {
  changesOf,
  diagramsOf,
  functionsBeside,
  intParam,
  logsPackets,
  payloadsOf,
  testsOf,
  visitsOf,
} from './functions.js';
import { emitLog, logFunctionName } from './log.js';
import { emitKnownTest } from './known-tests.js';
import { lookupOf } from './lookup.js';
import type { Hook } from './manifest.js';
import { emitAskedTest, emitPlaceTest } from './netfilter/ask.js';
import { emitLeftTarget } from './netfilter/left-targets.js';
import { rejectedWith } from './netfilter/note-plan.js';
import { emitNetfilterEntry } from './netfilter/program-entry.js';
import type { ReachableRule } from './reachable.js';
import type { TraceSettings } from './trace.js';
import { isWireView } from './view.js';
import { emitWireEntry } from './wire-entry.js';
import type { FunctionCode } from './function-code.js';

export interface Program {
  readonly entry: {
    readonly name: string;
    readonly params: readonly ParamSpec[];
    readonly code: readonly Instruction[];
  };
  readonly functions: readonly FunctionCode[];
  readonly logs: boolean;
  /** Types of answers that the program can give. */
  readonly answers: readonly RejectType[];
}

/** Generates the instructions of all functions of one program; labels still symbolic. */
export function generate(analysis: Analysis, common: Common): Program {
  const { view, mode } = analysis;
  const { layout, counters } = common;
  const logs = logsPackets(analysis);
  const payloads = payloadsOf(analysis, common, functionPrefix(analysis, common));
  const changes = changesOf(analysis);
  const trace = traceOf(analysis, common);
  const meaning = meaningOf(analysis);
  const optimized = optimizedOf(analysis, common);
  if (optimized !== undefined) common.optimized.set(analysis.chain, optimized);
  const compiler = new ChainCompiler(optimized ?? analysis.reachable, {
    ...(optimized === undefined
      ? {}
      : { optimized: { inlined: optimized.inlined, lists: common.engine !== 'linear' } }),
    ...(payloads === undefined ? {} : { payload: payloads.settings }),
    ...testsOf(analysis, common),
    ...diagramsOf(analysis, common),
    ...visitsOf(analysis, common),
    planned: (chain, stretches) => common.plans.push({ program: analysis.chain, chain, stretches }),
    family: view.family,
    mode,
    reject: analysis.reject,
    possibleStates: lookupOf(analysis) !== undefined,
    layout,
    prefix: functionPrefix(analysis, common),
    key: (rule) => counters.of(rule),
    counters: counters.count,
    meaning:
      optimized === undefined
        ? meaning
        : (rule) => ({ condition: optimized.condition(rule), undecided: meaning(rule).undecided }),
    line: ({ rule, chain }) => ({
      text: ruleText(chain, rule.source),
      line: rule.range.line,
      column: rule.range.column,
    }),
    opaque: (code, test, { rule, ordinal, hotdrop }, ifTrue, ifFalse) => {
      const placed = common.asks.placeOf(rule, ordinal);
      if (placed !== undefined) {
        emitPlaceTest(code, R6, factAt(layout, 'places'), placed, hotdrop);
        return emitAskedTest(code, R6, { at: factAt(layout, 'asked'), bit: placed }, ifTrue, ifFalse);
      }
      const place = { rule, ordinal, flow: R6, layout, forwarded: analysis.chain === 'FORWARD' };
      if (common.memory.emit(code, test, { ...place, ifTrue, ifFalse, hotdrop })) return;
      emitKnownTest(code, test, analysis, common, ifTrue, ifFalse);
    },
    context: logs || changes.length > 0,
    changes: changes.length > 0,
    ...(trace === undefined ? {} : { trace }),
    log: (code, rule) => {
      const { effect } = rule.rule.target;
      if (effect.kind !== 'log') throw new Error(`rule ${rule.number} of ${rule.chain} logs nothing`);
      emitLog(code, counters.of(rule), effect, logFunctionName(functionPrefix(analysis, common)));
    },
    left: (code, rule) =>
      emitLeftTarget(code, rule, analysis, { ...common, ...(trace === undefined ? {} : { trace }) }),
  });
  const functions = compiler.compile();
  const answers = rejectedWith(analysis);
  const entry = isWireView(view)
    ? emitWireEntry(analysis, view, common, compiler, answers)
    : emitNetfilterEntry(analysis, common, compiler);
  const rename = (code: Code): readonly Instruction[] =>
    code.finish().map((instruction) => {
      const { reference } = instruction;
      if (reference?.kind !== 'function') return instruction;
      return { ...instruction, reference: { kind: 'function', name: compiler.functionFor(reference.name) } };
    });
  const flow: ParamSpec = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: layout.bytes } };
  const ctx: ParamSpec = { name: 'ctx', type: { kind: 'context', struct: CONTEXT[view.hook] } };
  // Where much code follows, the verifier would follow it for each verdict of the chain by itself.
  const followed = answers.length > 0 || !common.notes.isEmpty || common.shadow || trace !== undefined;
  const endsAtOnce = mode === 'exact' && !followed;
  const chainFunctions = functions.map((f: ChainFunction): FunctionCode => ({
    name: f.name,
    ...(f.isFirst && endsAtOnce ? { inline: true } : {}),
    params: [
      flow,
      intParam('maybe'),
      intParam('part'),
      ...(payloads === undefined && !logs && changes.length === 0 ? [] : [ctx]),
    ],
    instructions: rename(f.code),
  }));
  return {
    logs,
    answers,
    entry: { name: entryName(analysis.chain), params: [ctx], code: rename(entry) },
    functions: [...chainFunctions, ...functionsBeside(analysis, common, payloads, { ctx, flow })],
  };
}

/** Chains of fewer rules are worth less than a call, and are not looked up in diagrams. */
const LONGEST_INLINED = 8;

/** Undefined in early mode, where control at a rule is not all that is known of a packet. */
function optimizedOf(analysis: Analysis, { optimizes, engine, visits }: Common): Optimized<ReachableRule> | undefined {
  if (!optimizes || analysis.mode === 'early') return undefined;
  const { reachable, view } = analysis;
  const meaning = meaningOf(analysis);
  return optimize(reachable, {
    family: view.family,
    changing: changingFields(reachable.rules, changesOf(analysis).length > 0),
    condition: (rule) => meaning(rule).condition,
    // What the engine `linear` makes is proved rule by rule, each of them in its own chain.
    longest: engine === 'linear' || visits !== undefined ? 0 : LONGEST_INLINED,
  });
}

/** How events of traced packets are written, where packets may be traced. */
function traceOf(analysis: Analysis, common: Common): TraceSettings | undefined {
  const { traces, layout } = common;
  if (traces === undefined) return undefined;
  const log = logFunctionName(functionPrefix(analysis, common));
  return { at: factAt(layout, 'traced'), log, endOf: (chain) => traces.endOf(chain) };
}

const CONTEXT: Readonly<Record<Hook, ContextStruct>> = {
  xdp: 'xdp_md',
  tc: '__sk_buff',
  netfilter: 'bpf_nf_ctx',
  cgroup: '__sk_buff',
  socket: '__sk_buff',
};

function ruleText(chain: string, source: string): string {
  return source.startsWith('-') ? source : `-A ${chain} ${source}`;
}
