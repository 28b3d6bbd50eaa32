import type { Instruction } from '../bytecode/instruction.js';
import {
  alu64,
  exit,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import type { FunctionSpec, ParamSpec } from '../object/spec.js';
import type { Analysis } from './analysis.js';
import { ChainCompiler, type ChainFunction } from './chains.js';
import { Code } from './code.js';
import { emitCount } from './counters.js';
import { emitDeviceNames } from './devices.js';
import { FLOW_L3, FLOW_RULE, layoutFlow, type FlowLayout } from './flow.js';
import { bucketOf, emitLimit } from './limit.js';
import { emitLog } from './log.js';
import { emitLink, emitStart, loadData, SK_BUFF, storeFlow, type EntryContext } from './packet/entry.js';
import { emitIpv4, IPV4_OPTIONS_SUM, ipv4OptionsSumFunction } from './packet/ipv4.js';
import { IPV6_HEADERS, ipv6HeadersFunction } from './packet/ipv6-headers.js';
import { emitIpv6 } from './packet/ipv6.js';
import { isIngress } from './view.js';
import { FIB_PARAMS_BYTES } from './packet/route.js';
import { emitTransport, TCP_OPTIONS, tcpOptionsFunction } from './packet/transport.js';
import { emitReject } from './reject/index.js';
import { meaningOf } from './analysis.js';
import { REJECT_TYPES, VERDICT } from './verdict.js';
import type { RejectType } from '../../grammar/model/ruleset.js';

/** What XDP and tc programs return (include/uapi/linux/bpf.h, include/uapi/linux/pkt_cls.h). */
export const RESULT = {
  xdp: { accept: 2, drop: 1 },
  tc: { accept: 0, drop: 2 },
} as const;

export interface Program {
  readonly layout: FlowLayout;
  readonly entry: {
    readonly name: string;
    readonly params: readonly ParamSpec[];
    readonly code: readonly Instruction[];
  };
  readonly functions: readonly Omit<FunctionSpec, 'linkage'>[];
  /** Buckets of the map `limits`. */
  readonly limits: number;
  readonly logs: boolean;
  /** Types of answers that the program can give. */
  readonly answers: readonly RejectType[];
}

/** Generates the instructions of all functions; labels still symbolic. `policyKey`: the policy's key in `counters`. */
export function generate(analysis: Analysis, policyKey: number, hz: number): Program {
  const { view, mode } = analysis;
  const layout = layoutFlow(analysis.used, view.family);
  const text = `${analysis.table} ${analysis.chain}`;
  let limits = 0;
  let logs = false;
  const compiler = new ChainCompiler(analysis.reachable, {
    family: view.family,
    mode,
    reject: analysis.reject,
    layout,
    meaning: meaningOf(analysis),
    line: ({ rule, chain }) => ({
      text: ruleText(chain, rule.source),
      line: rule.range.line,
      column: rule.range.column,
    }),
    memory: (code, test, _rule, _flow, ifTrue, ifFalse) => {
      if (test.name !== 'limit') throw new Error(`test ${test.name} of ${text} came to the code generator`);
      emitLimit(code, limits++, bucketOf(test, hz), ifTrue, ifFalse);
    },
    log: (code, rule, flow) => {
      logs = true;
      emitLog(code, rule.id, flow, layout);
    },
  });
  const functions = compiler.compile();
  const answers = answersOf(analysis);
  const entry = emitEntry(analysis, layout, compiler, policyKey, answers);
  const rename = (code: Code): readonly Instruction[] =>
    code
      .finish()
      .map((instruction) =>
        instruction.reference?.kind === 'function'
          ? { ...instruction, reference: { kind: 'function', name: compiler.functionFor(instruction.reference.name) } }
          : instruction,
      );
  const flow: ParamSpec = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: layout.bytes } };
  const ctx: ParamSpec = {
    name: 'ctx',
    type: { kind: 'context', struct: view.hook === 'xdp' ? 'xdp_md' : '__sk_buff' },
  };
  const chainFunctions = functions.map((f: ChainFunction) => ({
    name: f.name,
    params: [flow, intParam('maybe'), intParam('part')],
    instructions: rename(f.code),
  }));
  return {
    layout,
    limits,
    logs,
    answers,
    entry: { name: `ipt2bpf_${analysis.chain.toLowerCase()}`, params: [ctx], code: rename(entry) },
    functions: [...chainFunctions, ...readingFunctions(analysis, layout, ctx, flow)],
  };
}

const intParam = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });

/** Functions that read parts of the packet for the entry. */
function readingFunctions(
  analysis: Analysis,
  layout: FlowLayout,
  ctx: ParamSpec,
  flow: ParamSpec,
): readonly Omit<FunctionSpec, 'linkage'>[] {
  const { hook, family } = analysis.view;
  const functions: Omit<FunctionSpec, 'linkage'>[] = [];
  const options = tcpOptionsFunction(layout);
  if (options !== undefined) {
    functions.push({ name: TCP_OPTIONS, params: [flow, intParam('length')], instructions: options.finish() });
  }
  if (family === 'v6') {
    const code = ipv6HeadersFunction(hook, layout);
    functions.push({ name: IPV6_HEADERS, params: [ctx, flow], instructions: code.finish() });
  } else if (isIngress(analysis.view)) {
    const code = ipv4OptionsSumFunction(hook);
    functions.push({ name: IPV4_OPTIONS_SUM, params: [ctx, flow, intParam('ihl')], instructions: code.finish() });
  }
  return functions;
}

function ruleText(chain: string, source: string): string {
  return source.startsWith('-') ? source : `-A ${chain} ${source}`;
}

function answersOf(analysis: Analysis): readonly RejectType[] {
  if (analysis.mode === 'early' || analysis.reject === 'drop') return [];
  const types = new Set<RejectType>();
  for (const { rule } of analysis.rules) {
    const effect = rule.rule.target.effect;
    if (effect.kind === 'reject') types.add(effect.type);
  }
  return REJECT_TYPES.filter((type) => types.has(type));
}

/** Below the counters' key. */
const SCRATCH = -8 - FIB_PARAMS_BYTES;

function emitEntry(
  analysis: Analysis,
  layout: FlowLayout,
  compiler: ChainCompiler,
  policyKey: number,
  answers: readonly RejectType[],
): Code {
  const code = new Code();
  const { view } = analysis;
  const context: EntryContext = {
    code,
    view,
    layout,
    used: analysis.used,
    fragments: analysis.fragments,
    vlan: analysis.vlan,
    flow: SCRATCH - layout.bytes,
    scratch: SCRATCH,
    pass: 'pass',
    drop: 'drop',
    unknown: analysis.mode === 'early' ? 'pass' : 'drop',
  };
  const result = RESULT[view.hook];
  code.at({ text: `# table ${analysis.table}, chain ${analysis.chain}: reading the packet`, line: 1, column: 1 });
  emitStart(context);
  for (let offset = 0; offset < layout.bytes; offset += 8) code.emit(storeImm(8, R10, context.flow + offset, 0));
  emitLink(context);
  loadData(context, R2);
  code.emit(mov64(R1, reg(R7)), alu64('sub', R1, reg(R2)));
  storeFlow(context, FLOW_L3, R1);
  if (view.family === 'v4') emitIpv4(context);
  else emitIpv6(context);
  emitTransport(context);
  emitMetadata(context);

  code.emit(mov64(R9, reg(R10)), alu64('add', R9, context.flow));
  compiler.emitCall(code, analysis.chain, R9, 0);
  const policy = code.label('policy');
  const early = analysis.mode === 'early';
  if (early) code.emit(load(4, R7, R9, FLOW_RULE));
  if (analysis.reachable.alternative !== undefined) emitAlternative(code, analysis, compiler, policy);
  code.emit(jump64('jle', R0, VERDICT.RETURN, policy), jump64('jeq', R0, VERDICT.ACCEPT, 'accept'));
  if (answers.length > 0) {
    code.emit(jump64('jeq', R0, VERDICT.DROP, 'drop'));
    emitReject(context, answers);
  } else {
    if (early) emitCount(code, reg(R7), R9);
    code.emit(mov64(R0, result.drop), exit());
  }

  code.place(policy);
  if (analysis.mode === 'exact' || analysis.policy === 'DROP') emitCount(code, policyKey, R9);
  if (analysis.policy === 'DROP') {
    code.place('drop');
    code.emit(mov64(R0, result.drop), exit());
  }
  code.place('accept');
  emitMarkWrite(context, analysis);
  code.place('pass');
  code.emit(mov64(R0, result.accept), exit());
  if (analysis.policy !== 'DROP') {
    code.place('drop');
    code.emit(mov64(R0, result.drop), exit());
  }
  return code;
}

/**
 * Early mode, where a mapping may send the packet to the other chain: it is dropped only if that one would, too. r9 =
 * flow; r0 = verdict of the first chain, before and after; r7 is kept.
 */
function emitAlternative(code: Code, analysis: Analysis, compiler: ChainCompiler, policy: string): void {
  const { alternative } = analysis.reachable;
  if (alternative === undefined) return;
  code.emit(jump64('jeq', R0, VERDICT.ACCEPT, 'accept'));
  if (analysis.policy === 'ACCEPT') code.emit(jump64('jle', R0, VERDICT.RETURN, policy));
  code.emit(mov64(R8, reg(R0)));
  compiler.emitCall(code, alternative.name, R9, 0);
  code.emit(jump64('jeq', R0, VERDICT.ACCEPT, 'accept'));
  if (analysis.alternativePolicy !== 'DROP') code.emit(jump64('jle', R0, VERDICT.RETURN, 'accept'));
  code.emit(mov64(R0, reg(R8)));
}

/** What is no part of the packet: mark and device names. */
function emitMetadata(context: EntryContext): void {
  const { code, view, layout } = context;
  const mark = layout.offsets.get('mark');
  if (mark !== undefined && view.hook === 'tc') {
    code.emit(load(4, R1, R6, SK_BUFF.mark), store(4, R10, context.flow + mark, R1));
  }
  emitDeviceNames(context);
}

/** An accepted packet takes the mark along that the rules gave it. */
function emitMarkWrite(context: EntryContext, analysis: Analysis): void {
  const mark = context.layout.offsets.get('mark');
  const writes = analysis.rules.some(({ rule }) => rule.rule.target.effect.kind === 'mark');
  if (mark === undefined || !writes || context.view.hook !== 'tc') return;
  context.code.emit(load(4, R1, R10, context.flow + mark), store(4, R6, SK_BUFF.mark, R1));
}
