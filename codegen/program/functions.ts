import { opaqueTests, visitCondition } from '../../grammar/model/condition-parts.js';
import { type Opaque, remembers } from '../../grammar/model/condition.js';
import type { PacketChange } from '../../grammar/model/change.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { FunctionSpec, ParamSpec } from '../object/spec.js';
import type { Analysis } from './analysis.js';
import type { ChainSettings, PayloadSettings } from './chain-settings.js';
import { changeFunctions, changeNeeds } from './changes/emit.js';
import { type Common, functionPrefix } from './common.js';
import type { FlowLayout } from './flow.js';
import { LOG_STACK, logFunction, logFunctionName } from './log.js';
import { NETFILTER_SCRATCH_BYTES } from './netfilter/entry.js';
import { netfilterIpv6HeadersFunction } from './netfilter/ipv6-headers.js';
import { changesSegments } from './netfilter/left-targets.js';
import { SEGMENT_SIZE, segmentSizeFunction } from './netfilter/segment-size.js';
import { IPV4_OPTIONS_SUM, ipv4OptionsSumFunction, writesOptions } from './packet/ipv4.js';
import { IPV6_HEADERS, ipv6HeadersFunction } from './packet/ipv6-headers.js';
import { TCP_OPTIONS, tcpOptionsFunction } from './packet/transport.js';
import { PayloadFunctions } from './payload/index.js';
import { REWRITTEN_OPTIONS, rewrittenOptionsFunction } from './payload/rewritten-options.js';
import { readsBytes } from './reads-bytes.js';
import { SET_STACK } from './sets/index.js';
import { isIngress, isWireView, type View } from './view.js';
import { SCRATCH } from './wire-entry.js';

/** The functions of tests that walk over the packet, and what chain functions have to know of them. */
export interface Payloads {
  readonly functions: PayloadFunctions;
  readonly settings: PayloadSettings;
}

/** All functions of a program beside its entry and its chains; `ctx` and `flow` are the parameters that most of them take. */
export function functionsBeside(
  analysis: Analysis,
  common: Common,
  payloads: Payloads | undefined,
  { ctx, flow }: { readonly ctx: ParamSpec; readonly flow: ParamSpec },
): readonly Omit<FunctionSpec, 'linkage'>[] {
  const { view } = analysis;
  const { layout } = common;
  return [
    ...readingFunctions(analysis, layout, ctx, flow),
    ...(payloads === undefined ? [] : payloads.functions.specs(layout, ctx, flow)),
    ...common.memory.functions(testsWithMemory(analysis, common), layout, flow),
    ...common.sets.specs(view.family, layout, flow),
    ...(logsPackets(analysis) ? [logSpec(analysis, common, ctx, flow)] : []),
    ...changeFunctions(changesOf(analysis), layout, view.family, ctx, flow),
    ...(changesSegments(analysis)
      ? [{ name: SEGMENT_SIZE, params: [flow], instructions: segmentSizeFunction(layout).finish() }]
      : []),
  ];
}

/** What rules change of packets where they stand. */
export function changesOf({ mode, rules, view }: Pick<Analysis, 'mode' | 'rules' | 'view'>): readonly PacketChange[] {
  if (mode !== 'exact' || view.hook !== 'tc') return [];
  return rules.flatMap(({ rule: { rule } }) => {
    const { effect } = rule.target;
    return effect.kind === 'opaque' && effect.change !== undefined ? [effect.change] : [];
  });
}

/** Whether rules write events. */
export function logsPackets({ mode, rules, traced }: Pick<Analysis, 'mode' | 'rules' | 'traced'>): boolean {
  return traced || (mode === 'exact' && rules.some(({ rule }) => rule.rule.target.effect.kind === 'log'));
}

function logSpec(analysis: Analysis, common: Common, ctx: ParamSpec, flow: ParamSpec): Omit<FunctionSpec, 'linkage'> {
  const code = logFunction(analysis.view.hook, common.layout, isIngress(analysis.view));
  const params = [ctx, flow, intParam('rule'), intParam('most')];
  return { name: logFunctionName(functionPrefix(analysis, common)), params, instructions: code.finish() };
}

/** The functions of the tests that walk over the packet, where there are such tests. */
export function payloadsOf(
  analysis: Pick<Analysis, 'view' | 'asking'>,
  { layout }: Pick<Common, 'layout'>,
  prefix: string,
): Payloads | undefined {
  const functions = new PayloadFunctions(analysis.view, prefix);
  for (const { meaning } of analysis.asking) {
    visitCondition(meaning.condition, { payload: (test) => void functions.nameOf(test) });
  }
  if (functions.size === 0) return undefined;
  const entry = -SCRATCH + layout.bytes;
  const settings = {
    depth: functions.depth,
    stack: entry + functions.stack,
    functions: functions.size,
    nameOf: (test: PayloadTest) => functions.nameOf(test),
  };
  return { functions, settings };
}

/** What the functions of tests with memory take, where there are such tests. */
export function testsOf(analysis: Analysis, common: Common): Pick<ChainSettings, 'tests'> {
  const { memory, sets, layout } = common;
  const entry = -SCRATCH + layout.bytes;
  const own = memory.below(testsWithMemory(analysis, common), entry);
  const { depth, stack, functions } = changeNeeds(changesOf(analysis));
  const more = [changesSegments(analysis), logsPackets(analysis)].filter(Boolean).length + functions;
  if (sets.most + more === 0) return own === undefined ? {} : { tests: own };
  const stacks = [own?.stack ?? 0, sets.most > 0 ? entry + SET_STACK : 0, entry + Math.max(LOG_STACK, stack)];
  return { tests: { depth, stack: Math.max(...stacks), functions: (own?.functions ?? 0) + sets.most + more } };
}

/** Where long chains are looked up in diagrams. */
export function diagramsOf(
  { mode, view }: Analysis,
  { tables, layout, engine }: Common,
): Pick<ChainSettings, 'diagrams'> {
  if (tables === undefined || mode === 'early') return {};
  return { diagrams: { tables, entryStack: entryStack(view, layout), choose: engine === 'auto' } };
}

/** Which chains are judged once for all jumps to them, where some are. */
export function visitsOf({ chain, view }: Analysis, { visits, layout }: Common): Pick<ChainSettings, 'visits'> {
  const plan = visits?.get(chain);
  return plan === undefined ? {} : { visits: { plan, entryStack: entryStack(view, layout) } };
}

/** Bytes of stack of the entry function. */
function entryStack(view: View, layout: FlowLayout): number {
  return (isWireView(view) ? -SCRATCH : 8 + NETFILTER_SCRATCH_BYTES) + layout.bytes;
}

/** Those that iptables is not asked for. */
function testsWithMemory({ mode, asking }: Analysis, { asks }: Common): readonly Opaque[] {
  if (mode !== 'exact') return [];
  return asking.flatMap(({ rule, meaning }) =>
    opaqueTests(meaning.condition).filter((test, i) => remembers(test) && asks.placeOf(rule, i) === undefined),
  );
}

export const intParam = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });

/** Functions that read parts of the packet for the entry. */
export function readingFunctions(
  analysis: Pick<Analysis, 'view' | 'asking'>,
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
