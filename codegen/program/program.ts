import type { Instruction } from '../bytecode/instruction.js';
import {
  alu64,
  exit,
  goto,
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
import { remembers, type Opaque } from '../../grammar/model/condition.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import { DEFAULT_RECENT_ENTRIES } from '../../grammar/model/memory.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { ContextStruct, FunctionSpec, ParamSpec } from '../object/spec.js';
import type { Analysis } from './analysis.js';
import { ChainCompiler, type ChainFunction, type ChainSettings, type PayloadSettings } from './chains.js';
import { Code } from './code.js';
import { emitCount } from './counters.js';
import { emitDeviceNames } from './devices.js';
import { EngineTables, type ChainPlan } from './engine/index.js';
import { FLOW_L3, FLOW_RULE, layoutFlow, type Fact, type FlowLayout } from './flow.js';
import { CounterKeys } from './keys.js';
import { emitLookup, lookupOf } from './lookup.js';
import { CHANGE_FUNCTION, CHANGE_STACK, changeFunction } from './changes.js';
import { emitLog, LOG_STACK, logFunction, logFunctionName } from './log.js';
import { MemoryTests } from './memory-tests.js';
import { emitCpu, emitRandom, emitTime } from './moment.js';
import type { Engine, Hook } from './manifest.js';
import { AskPlan } from './netfilter/ask-plan.js';
import { emitAnswers, emitAskedTest } from './netfilter/ask.js';
import { emitForget } from './netfilter/notes.js';
import { changesSegments, emitLeftTarget, emitNotes } from './netfilter/left-targets.js';
import { NotePlan, rejectedWith } from './netfilter/note-plan.js';
import { SEGMENT_SIZE, segmentSizeFunction } from './netfilter/segment-size.js';
import { emitConnectionState, emitStateTest } from './netfilter/conntrack.js';
import { emitNetfilterPacket, bufferOf, emitNetfilterStart, NETFILTER_SCRATCH_BYTES } from './netfilter/entry.js';
import type { NetfilterContext } from './netfilter/context.js';
import { emitOwner, emitOwnerTest } from './netfilter/owner.js';
import { emitShadow } from './netfilter/shadow.js';
import { emitRouteType, emitRouteTypeTest } from './netfilter/route-type.js';
import { netfilterIpv6HeadersFunction } from './netfilter/ipv6-headers.js';
import { emitOwnFamily, emitReassembled } from './netfilter/socket.js';
import { isSocketHook } from './place.js';
import { seesPieces } from './surroundings.js';
import { emitLink, emitStart, loadData, SK_BUFF, storeFlow, type EntryContext } from './packet/entry.js';
import { emitIpv4, IPV4_OPTIONS_SUM, ipv4OptionsSumFunction, writesOptions } from './packet/ipv4.js';
import { IPV6_HEADERS, ipv6HeadersFunction } from './packet/ipv6-headers.js';
import { emitIpv6 } from './packet/ipv6.js';
import { readsAnything } from './payload/fields.js';
import { PayloadFunctions } from './payload/index.js';
import { REWRITTEN_OPTIONS, rewrittenOptionsFunction } from './payload/rewritten-options.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import { askedWords, isIngress, isWireView, type WireView } from './view.js';
import { FIB_PARAMS_BYTES } from './packet/route.js';
import { emitTransport, TCP_OPTIONS, tcpOptionsFunction } from './packet/transport.js';
import { emitReject } from './reject/index.js';
import { meaningOf } from './analysis.js';
import { SET_STACK, SetFunctions } from './sets/index.js';
import { emitReady } from './sets/ready.js';
import { VERDICT } from './verdict.js';
import { emitOwnState, statesOf } from './wire-state.js';
import type { RejectType } from '../../grammar/model/ruleset.js';

/** What programs return (include/uapi/linux/bpf.h, include/uapi/linux/pkt_cls.h, include/uapi/linux/netfilter.h). */
export const RESULT = {
  xdp: { accept: 2, drop: 1 },
  // TC_ACT_UNSPEC, TCX_NEXT: what is there behind it may still drop the packet (TC_ACT_OK ends a tcx chain and clsact).
  tc: { accept: -1, drop: 2 },
  netfilter: { accept: 1, drop: 0 },
  cgroup: { accept: 1, drop: 0 },
  // Bytes to keep: all, or none.
  socket: { accept: -1, drop: 0 },
} as const;

export interface Program {
  readonly entry: {
    readonly name: string;
    readonly params: readonly ParamSpec[];
    readonly code: readonly Instruction[];
  };
  readonly functions: readonly Omit<FunctionSpec, 'linkage'>[];
  readonly logs: boolean;
  /** Types of answers that the program can give. */
  readonly answers: readonly RejectType[];
}

/** What the programs of one object have in common. */
export interface Common {
  readonly layout: FlowLayout;
  readonly counters: CounterKeys;
  readonly memory: MemoryTests;
  readonly sets: SetFunctions;
  /** What is left to iptables (netfilter). */
  readonly notes: NotePlan;
  /** What iptables is asked in front of the programs (netfilter). */
  readonly asks: AskPlan;
  /** Where long chains are looked up in diagrams. */
  readonly tables?: EngineTables;
  readonly engine: Engine;
  /** How the chains are judged, as they are compiled. */
  readonly plans: ChainPlan[];
  /** Whether the programs compare with iptables, and decide nothing. */
  readonly shadow: boolean;
  /** Whether the names of functions must tell the programs apart. */
  readonly several: boolean;
}

/** What one object of these chains has in common. */
export function commonOf(
  analyses: readonly Analysis[],
  hz: number,
  recentEntries = DEFAULT_RECENT_ENTRIES,
  engine: Engine = 'linear',
  shadow = false,
): Common {
  const [{ view, ruleset }] = analyses;
  const used = new Set(analyses.flatMap((analysis) => [...analysis.used]));
  return {
    layout: layoutFlow(used, view.family, factsOf(analyses)),
    counters: new CounterKeys(analyses),
    memory: new MemoryTests(ruleset, hz, recentEntries),
    sets: setFunctionsOf(analyses),
    notes: new NotePlan(analyses, shadow),
    asks: new AskPlan(analyses),
    ...(engine === 'linear' ? {} : { tables: new EngineTables() }),
    engine,
    plans: [],
    shadow,
    several: analyses.length > 1,
  };
}

/** The sets that rules ask for. */
function setFunctionsOf(analyses: readonly Analysis[]): SetFunctions {
  const sets = new SetFunctions();
  for (const { asking, view } of analyses) {
    for (const { meaning } of asking) {
      visitCondition(meaning.condition, {
        opaque: (test) => {
          if (askedWords(test, view) !== undefined) return;
          if (test.name === 'set' && !meaning.undecided) sets.announce(test.test);
        },
      });
    }
  }
  return sets;
}

/** What some rule asks the hook beside the packet. */
function factsOf(analyses: readonly Analysis[]): ReadonlySet<Fact> {
  const facts = new Set<Fact>();
  if (analyses.some(({ left }) => (left?.goingOn.length ?? 0) > 0)) facts.add('targets');
  for (const analysis of analyses) if (new AskPlan([analysis]).questions.length > 0) facts.add('asked');
  for (const { meaning } of analyses.flatMap(({ view, asking }) => (isWireView(view) ? [] : asking))) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (test.name === 'owner') facts.add('owner');
        if (test.name === 'addrtype') facts.add('route-type');
      },
    });
  }
  if (analyses.some(logsOwners)) facts.add('owner');
  return facts;
}

/** include/uapi/linux/netfilter/nf_log.h */
const NF_LOG_UID = 8;

/** Whether log lines name the owner of the socket, where it is known. */
function logsOwners({ view, rules }: Pick<Analysis, 'view' | 'rules'>): boolean {
  if (isWireView(view)) return false;
  return rules.some(({ rule: { rule } }) => {
    const { effect } = rule.target;
    return effect.kind === 'log' && (effect.flags & NF_LOG_UID) !== 0;
  });
}

function factAt({ facts }: FlowLayout, fact: Fact): number {
  const offset = facts.get(fact);
  if (offset === undefined) throw new Error(`${fact} is tested but not in the flow`);
  return offset;
}

export function entryName(chain: BuiltinChain): string {
  return `ipt2bpf_${chain.toLowerCase()}`;
}

/** Generates the instructions of all functions of one program; labels still symbolic. */
export function generate(analysis: Analysis, common: Common): Program {
  const { view, mode } = analysis;
  const { layout, counters } = common;
  const logs = logsPackets(analysis);
  const payloads = payloadsOf(analysis, common);
  const compiler = new ChainCompiler(analysis.reachable, {
    ...(payloads === undefined ? {} : { payload: payloads.settings }),
    ...testsOf(analysis, common),
    ...diagramsOf(analysis, common),
    planned: (chain, stretches) => common.plans.push({ program: analysis.chain, chain, stretches }),
    family: view.family,
    mode,
    reject: analysis.reject,
    possibleStates: lookupOf(analysis) !== undefined,
    layout,
    prefix: functionPrefix(analysis, common),
    key: (rule) => counters.of(rule),
    meaning: meaningOf(analysis),
    line: ({ rule, chain }) => ({
      text: ruleText(chain, rule.source),
      line: rule.range.line,
      column: rule.range.column,
    }),
    opaque: (code, test, { rule, ordinal, hotdrop }, ifTrue, ifFalse) => {
      const place = { rule, ordinal, flow: R6, layout, forwarded: analysis.chain === 'FORWARD' };
      if (common.memory.emit(code, test, { ...place, ifTrue, ifFalse, hotdrop })) return;
      const bit = common.asks.bitOf(test, view);
      if (bit !== undefined) return emitAskedTest(code, R6, { at: factAt(layout, 'asked'), bit }, ifTrue, ifFalse);
      if (test.name === 'ctstate') emitStateTest(code, R6, test.states, ifTrue, ifFalse);
      else if (test.name === 'owner') emitOwnerTest(code, R6, factAt(layout, 'owner'), test, ifTrue, ifFalse);
      else if (test.name === 'addrtype')
        emitRouteTypeTest(code, R6, factAt(layout, 'route-type'), test.types, ifTrue, ifFalse);
      else if (test.name === 'cpu') emitCpu(code, test.cpu, ...turned(test.inverted, ifTrue, ifFalse));
      else if (test.name === 'random') emitRandom(code, test.share, ...turned(test.inverted, ifTrue, ifFalse));
      else if (test.name === 'set') common.sets.emit(code, test.test, ifTrue, ifFalse);
      else if (test.name === 'time') emitTime(code, test.test, analysis.time, ifTrue, ifFalse);
      else throw new Error(`test ${test.name} of ${analysis.chain} came to the code generator`);
    },
    context: logs || changesPackets(analysis),
    log: (code, rule) => {
      const { effect } = rule.rule.target;
      if (effect.kind !== 'log') throw new Error(`rule ${rule.number} of ${rule.chain} logs nothing`);
      emitLog(code, counters.of(rule), effect, logFunctionName(functionPrefix(analysis, common)));
    },
    left: (code, rule) => emitLeftTarget(code, rule, analysis, common),
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
  const chainFunctions = functions.map((f: ChainFunction) => ({
    name: f.name,
    params: [
      flow,
      intParam('maybe'),
      intParam('part'),
      ...(payloads === undefined && !logs && !changesPackets(analysis) ? [] : [ctx]),
    ],
    instructions: rename(f.code),
  }));
  return {
    logs,
    answers,
    entry: { name: entryName(analysis.chain), params: [ctx], code: rename(entry) },
    functions: [
      ...chainFunctions,
      ...readingFunctions(analysis, layout, ctx, flow),
      ...(payloads === undefined ? [] : payloads.functions.specs(layout, ctx, flow)),
      ...common.memory.functions(testsWithMemory(analysis), layout, flow),
      ...common.sets.specs(view.family, layout, flow),
      ...(logs ? [logSpec(analysis, common, ctx, flow)] : []),
      ...(changesPackets(analysis) ? [changeSpec(layout, view.family, ctx, flow)] : []),
      ...(changesSegments(analysis)
        ? [{ name: SEGMENT_SIZE, params: [flow], instructions: segmentSizeFunction(layout).finish() }]
        : []),
    ],
  };
}

/** Whether rules change packets. */
function changesPackets({ mode, rules }: Pick<Analysis, 'mode' | 'rules'>): boolean {
  return (
    mode === 'exact' &&
    rules.some(({ rule: { rule } }) => {
      const { effect } = rule.target;
      return effect.kind === 'opaque' && effect.change !== undefined;
    })
  );
}

function changeSpec(
  layout: FlowLayout,
  family: Family,
  ctx: ParamSpec,
  flow: ParamSpec,
): Omit<FunctionSpec, 'linkage'> {
  const params = [ctx, flow, intParam('value'), intParam('which')];
  return { name: CHANGE_FUNCTION, params, instructions: changeFunction(layout, family).finish() };
}

/** Whether rules write events. */
function logsPackets({ mode, rules }: Pick<Analysis, 'mode' | 'rules'>): boolean {
  return mode === 'exact' && rules.some(({ rule }) => rule.rule.target.effect.kind === 'log');
}

function logSpec(analysis: Analysis, common: Common, ctx: ParamSpec, flow: ParamSpec): Omit<FunctionSpec, 'linkage'> {
  const code = logFunction(analysis.view.hook, common.layout, isIngress(analysis.view));
  const params = [ctx, flow, intParam('rule'), intParam('most')];
  return { name: logFunctionName(functionPrefix(analysis, common)), params, instructions: code.finish() };
}

/** Whether some test may read any byte of the packet. */
export function readsBytes({ asking }: Pick<Analysis, 'asking'>): boolean {
  let found = false;
  for (const { meaning } of asking) {
    visitCondition(meaning.condition, { payload: (test) => (found ||= readsAnything(test)) });
  }
  return found;
}

/** The labels of a test that may be inverted. */
function turned(inverted: boolean, ifTrue: string, ifFalse: string): [string, string] {
  return inverted ? [ifFalse, ifTrue] : [ifTrue, ifFalse];
}

/** The functions of the tests that walk over the packet, where there are such tests. */
function payloadsOf(
  analysis: Analysis,
  common: Common,
): { readonly functions: PayloadFunctions; readonly settings: PayloadSettings } | undefined {
  const functions = new PayloadFunctions(analysis.view, functionPrefix(analysis, common));
  for (const { meaning } of analysis.asking) {
    visitCondition(meaning.condition, { payload: (test) => void functions.nameOf(test) });
  }
  if (functions.size === 0) return undefined;
  const entry = -SCRATCH + common.layout.bytes;
  const settings = {
    depth: functions.depth,
    stack: entry + functions.stack,
    functions: functions.size,
    nameOf: (test: PayloadTest) => functions.nameOf(test),
  };
  return { functions, settings };
}

/** What the functions of tests with memory take, where there are such tests. */
function testsOf(analysis: Analysis, { memory, sets, layout }: Common): Pick<ChainSettings, 'tests'> {
  const entry = -SCRATCH + layout.bytes;
  const own = memory.below(testsWithMemory(analysis), entry);
  const more = [changesSegments(analysis), logsPackets(analysis), changesPackets(analysis)].filter(Boolean).length;
  if (sets.most + more === 0) return own === undefined ? {} : { tests: own };
  const stacks = [own?.stack ?? 0, sets.most > 0 ? entry + SET_STACK : 0, entry + Math.max(LOG_STACK, CHANGE_STACK)];
  return { tests: { depth: 1, stack: Math.max(...stacks), functions: (own?.functions ?? 0) + sets.most + more } };
}

function diagramsOf({ mode, view }: Analysis, { tables, layout, engine }: Common): Pick<ChainSettings, 'diagrams'> {
  if (tables === undefined || mode === 'early') return {};
  const scratch = isWireView(view) ? -SCRATCH : 8 + NETFILTER_SCRATCH_BYTES;
  return { diagrams: { tables, entryStack: scratch + layout.bytes, choose: engine === 'auto' } };
}

function testsWithMemory({ mode, asking }: Analysis): readonly Opaque[] {
  const tests: Opaque[] = [];
  for (const { meaning } of mode === 'exact' ? asking : []) {
    visitCondition(meaning.condition, {
      opaque: (test) => {
        if (remembers(test)) tests.push(test);
      },
    });
  }
  return tests;
}

function functionPrefix(analysis: Analysis, common: Common): string {
  return common.several ? `${analysis.chain.toLowerCase()}_` : '';
}

const CONTEXT: Readonly<Record<Hook, ContextStruct>> = {
  xdp: 'xdp_md',
  tc: '__sk_buff',
  netfilter: 'bpf_nf_ctx',
  cgroup: '__sk_buff',
  socket: '__sk_buff',
};

const intParam = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });

/** Functions that read parts of the packet for the entry. */
function readingFunctions(
  analysis: Analysis,
  layout: FlowLayout,
  ctx: ParamSpec,
  flow: ParamSpec,
): readonly Omit<FunctionSpec, 'linkage'>[] {
  const { view } = analysis;
  const { family } = view;
  const functions: Omit<FunctionSpec, 'linkage'>[] = [];
  const options = tcpOptionsFunction(layout);
  if (options !== undefined) {
    functions.push({ name: TCP_OPTIONS, params: [flow, intParam('length')], instructions: options.finish() });
  }
  if (!isWireView(view)) {
    if (family === 'v4') return functions;
    const code = netfilterIpv6HeadersFunction(view.hook, layout);
    functions.push({ name: IPV6_HEADERS, params: [ctx, flow, intParam('next')], instructions: code.finish() });
  } else if (family === 'v6') {
    const code = ipv6HeadersFunction(view.hook, layout);
    functions.push({ name: IPV6_HEADERS, params: [ctx, flow], instructions: code.finish() });
  } else if (isIngress(view)) {
    const code = ipv4OptionsSumFunction(view.hook);
    functions.push({ name: IPV4_OPTIONS_SUM, params: [ctx, flow, intParam('ihl')], instructions: code.finish() });
    if (readsBytes(analysis) && writesOptions(view.chain)) {
      const options = rewrittenOptionsFunction(view.hook).finish();
      functions.push({ name: REWRITTEN_OPTIONS, params: [ctx, flow, intParam('ihl')], instructions: options });
    }
  }
  return functions;
}

function ruleText(chain: string, source: string): string {
  return source.startsWith('-') ? source : `-A ${chain} ${source}`;
}

/** Below the counters' key. */
const SCRATCH = -8 - FIB_PARAMS_BYTES;

function emitWireEntry(
  analysis: Analysis,
  view: WireView,
  { layout, counters, sets }: Common,
  compiler: ChainCompiler,
  answers: readonly RejectType[],
): Code {
  const code = new Code();
  const policyKey = counters.policyOf(analysis.chain);
  const context: EntryContext = {
    code,
    view,
    layout,
    used: analysis.used,
    fragments: analysis.fragments,
    vlan: analysis.vlan,
    readsBytes: readsBytes(analysis),
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
  emitOwnState(context, analysis);
  const lookup = lookupOf(analysis);
  if (lookup !== undefined) emitLookup(context, lookup);

  if (sets.size > 0) emitReady(code, context.unknown);
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

/** The entry function behind the IP stack, at a netfilter hook or a socket: the packet is there, whole and routed. */
function emitNetfilterEntry(
  analysis: Analysis,
  { layout, counters, sets, notes, shadow }: Common,
  compiler: ChainCompiler,
): Code {
  const code = new Code();
  const scratch = -8 - NETFILTER_SCRATCH_BYTES;
  const flow = scratch - layout.bytes;
  const { view, used } = analysis;
  const places = { pass: 'pass', drop: 'drop' };
  const context: NetfilterContext = {
    code,
    view,
    layout,
    used,
    flow,
    scratch,
    readsBytes: readsBytes(analysis),
    ...places,
  };
  const result = RESULT[view.hook];
  code.at({ text: `# table ${analysis.table}, chain ${analysis.chain}: reading the packet`, line: 1, column: 1 });
  emitNetfilterStart(context);
  if (isSocketHook(view.hook)) emitUnjudged(context, analysis);
  for (let offset = 0; offset < layout.bytes; offset += 8) code.emit(storeImm(8, R10, flow + offset, 0));
  if (!notes.isEmpty) emitForget(code);
  const facts = factsOf([analysis]);
  if (facts.has('asked')) emitAnswers(code, flow + factAt(layout, 'asked'), context.drop);
  emitNetfilterPacket(context);
  const states = statesOf(analysis);
  if (states.size > 0) emitConnectionState(code, flow, bufferOf(context), states.has('SNAT') || states.has('DNAT'));
  if (facts.has('owner')) emitOwner(code, view.hook, flow + factAt(layout, 'owner'), bufferOf(context));
  if (facts.has('route-type')) emitRouteType(code, flow + factAt(layout, 'route-type'), bufferOf(context));
  if (sets.size > 0) emitReady(code, context.drop);
  code.emit(mov64(R9, reg(R10)), alu64('add', R9, flow));
  compiler.emitCall(code, analysis.chain, R9, 0);
  const decided = code.label('decided');
  code.emit(jump64('jgt', R0, VERDICT.RETURN, decided));
  emitCount(code, counters.policyOf(analysis.chain), R9);
  code.emit(mov64(R0, analysis.policy === 'DROP' ? VERDICT.DROP : VERDICT.ACCEPT));
  code.place(decided);
  if (!notes.isEmpty) emitNotes(code, analysis, layout);
  if (shadow) {
    const compared = code.label('compared');
    code.emit(goto(compared));
    code.place('drop');
    code.emit(mov64(R0, VERDICT.DROP));
    code.place(compared);
    emitShadow(code, analysis.chain, scratch);
    code.place('accept');
    code.emit(mov64(R0, result.accept), exit());
    return code;
  }
  code.emit(jump64('jeq', R0, VERDICT.ACCEPT, 'accept'));
  code.place('drop');
  code.emit(mov64(R0, result.drop), exit());
  code.place('pass');
  code.place('accept');
  code.emit(mov64(R0, result.accept), exit());
  return code;
}

/** Packets at a socket that the chain does not judge: of the other IP version, and those that it saw in pieces. */
function emitUnjudged(context: NetfilterContext, { view, fragments, ruleset }: Analysis): void {
  emitOwnFamily(context);
  if (fragments === 'judge' || !seesPieces(ruleset, view)) return;
  emitReassembled(context.code, fragments === 'drop' ? context.drop : context.pass);
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
