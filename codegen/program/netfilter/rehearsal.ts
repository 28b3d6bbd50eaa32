/** Goes through a chain in front of its program, up to the next test that iptables must be asked where it stands. */
import {
  alu64,
  callKfunc,
  exit,
  goto,
  jump32,
  load,
  mov64,
  R0,
  R1,
  R10,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { assemble } from '../../bytecode/assemble.js';
import type { EntrySpec, ParamSpec } from '../../object/spec.js';
import type { Analysis } from '../analysis.js';
import { ChainCompiler } from '../chains.js';
import { Code } from '../code.js';
import { CAST_KFUNC } from '../device-name.js';
import { EXITS } from '../exits.js';
import { answersAt, emitKnownTest } from '../known-tests.js';
import type { View } from '../place.js';
import { type Common, factAt, factsOf } from '../common.js';
import { intParam, payloadsOf, readingFunctions } from '../functions.js';
import { readsBytes } from '../reads-bytes.js';
import { SET_STACK } from '../sets/index.js';
import { emitReady } from '../sets/ready.js';
import { rehearsalName } from './ask-plan.js';
import { ANSWER, copyAnswers, emitAskedTest, emitPlaceTest, findAnswers, NEXT, PLACES } from './ask.js';
import { emitConnectionState } from './conntrack.js';
import type { NetfilterContext } from './context.js';
import { emitBridged } from './device.js';
import { bufferOf, emitNetfilterPacket, NETFILTER_SCRATCH_BYTES } from './entry.js';
import { emitOwner } from './owner.js';
import { emitUnparsed } from './parsed.js';
import type { PlacePlan } from './places.js';
import { emitRouteType } from './route-type.js';
import type { FunctionCode } from '../function-code.js';

/** A socket filter that a rule of iptables asks, and its functions. */
export interface RehearsalProgram {
  readonly entry: EntrySpec;
  readonly functions: readonly FunctionCode[];
}

/** Undefined where there is nothing to ask. Labels are still symbolic in the functions alone. */
export function generateRehearsal(analysis: Analysis, common: Common): RehearsalProgram | undefined {
  const { places } = analysis;
  if (places === undefined) return undefined;
  const { layout } = common;
  const prefix = `${analysis.chain.toLowerCase()}_rehearse_`;
  // The packet is read as a program at a control group reads it: from its IP header on.
  const view: View = { ...analysis.view, hook: 'cgroup' };
  const asking = places.rehearsed.rules.map((rule) => ({ rule, meaning: places.meaning(rule), undecided: [] }));
  const seen = { ...analysis, view, asking };
  const payloads = payloadsOf(seen, common, prefix);
  const compiler = compilerOf(analysis, common, places, { prefix, payloads: payloads?.settings });
  const chains = compiler.compile();
  const entry = emitEntry(seen, analysis, common, compiler);
  const flow: ParamSpec = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: layout.bytes } };
  const ctx: ParamSpec = { name: 'ctx', type: { kind: 'context', struct: '__sk_buff' } };
  const own = [flow, intParam('maybe'), intParam('part'), ...(payloads === undefined ? [] : [ctx])];
  const functions = [
    ...chains.map(({ name, code }) => ({ name, params: own, instructions: code.finish() })),
    ...readingFunctions(seen, layout, ctx, flow),
    ...(payloads === undefined ? [] : payloads.functions.specs(layout, ctx, flow)),
    ...common.sets.specs(view.family, layout, flow),
  ];
  // Functions of the same names belong to the program of the chain, which reads its packet in another way.
  const named = (name: string): string => (name.startsWith(prefix) ? name : prefix + name);
  const renamed = (code: ReturnType<Code['finish']>): ReturnType<Code['finish']> =>
    code.map((instruction) => {
      const { reference } = instruction;
      if (reference?.kind !== 'function') return instruction;
      return { ...instruction, reference: { kind: 'function', name: named(compiler.functionFor(reference.name)) } };
    });
  const name = rehearsalName(analysis.chain);
  return {
    entry: {
      name,
      section: 'socket',
      linkage: 'global',
      params: [ctx],
      instructions: assemble(name, renamed(entry.finish())),
    },
    functions: functions.map((one) => ({ ...one, name: named(one.name), instructions: renamed(one.instructions) })),
  };
}

interface RehearsalCode {
  readonly prefix: string;
  readonly payloads: NonNullable<ReturnType<typeof payloadsOf>>['settings'] | undefined;
}

function compilerOf(
  analysis: Analysis,
  common: Common,
  places: PlacePlan,
  { prefix, payloads }: RehearsalCode,
): ChainCompiler {
  const { layout, asks, sets } = common;
  const { family } = analysis.view;
  const stack = -ENTRY_SCRATCH + layout.bytes + (sets.most === 0 ? 0 : SET_STACK);
  return new ChainCompiler(places.rehearsed, {
    ...(payloads === undefined ? {} : { payload: payloads }),
    tests: { depth: sets.most === 0 ? 0 : 1, stack, functions: sets.most },
    silent: true,
    planned: () => undefined,
    family,
    mode: 'exact',
    reject: 'drop',
    layout,
    prefix,
    key: () => 0,
    counters: common.counters.count,
    meaning: (rule) => places.meaning(rule),
    line: ({ chain, rule }) => ({
      text: rule.source.startsWith('-') ? rule.source : `-A ${chain} ${rule.source}`,
      line: rule.range.line,
      column: rule.range.column,
    }),
    opaque: (code, test, { rule, ordinal, hotdrop }, ifTrue, ifFalse) => {
      const bit = asks.placeOf(rule, ordinal);
      if (bit === undefined) return emitKnownTest(code, test, analysis, common, ifTrue, ifFalse);
      const unasked = code.label('unasked');
      const at = factAt(layout, 'places');
      emitPlaceTest(code, R6, at, bit, unasked);
      emitAskedTest(code, R6, { at: factAt(layout, 'asked'), bit }, ifTrue, ifFalse);
      code.place(unasked);
      // Such a packet the test drops at once, which is for the program to do: behind the rules that count it.
      if (test.name === 'connlimit') {
        code.emit(load(4, R1, R6, at + PLACES.unparsed), jump32('jne', R1, 0, hotdrop));
      }
      code.emit(storeImm(4, R6, at + PLACES.next, bit + 1), goto(EXITS.hotdrop));
    },
    log: () => {
      throw new Error('a rehearsal writes no events');
    },
  });
}

/** Below the key of the answers. */
const ENTRY_SCRATCH = -32 - NETFILTER_SCRATCH_BYTES;

function emitEntry(seen: Analysis, analysis: Analysis, common: Common, compiler: ChainCompiler): Code {
  const code = new Code();
  const { layout, sets } = common;
  const scratch = ENTRY_SCRATCH;
  const flow = scratch - layout.bytes;
  const facts = factsOf([analysis]);
  const found = 'found';
  const context: NetfilterContext = {
    ...{ code, view: seen.view, layout, used: analysis.used, flow, scratch },
    readsBytes: readsBytes(seen),
    routed: true,
    pass: found,
    drop: found,
  };
  const gone = code.label('gone');
  code.at({ text: `# chain ${analysis.chain}: which test iptables is to be asked next`, line: 1, column: 1 });
  code.emit(mov64(R6, reg(R1)), callKfunc(CAST_KFUNC.name), mov64(R7, reg(R0)));
  for (let offset = 0; offset < layout.bytes; offset += 8) code.emit(storeImm(8, R10, flow + offset, 0));
  findAnswers(code, gone);
  code.emit(load(4, R1, R0, ANSWER.next), jump32('jne', R1, NEXT.unknown, gone));
  copyAnswers(code, answersAt(layout, facts, flow));
  if (analysis.chain === 'FORWARD' && analysis.used.has('iif')) emitBridged(code, bufferOf(context), found);
  emitNetfilterPacket(context);
  emitConnectionState(code, flow, bufferOf(context), true);
  if (facts.has('owner')) emitOwner(code, seen.view.hook, flow + factAt(layout, 'owner'), bufferOf(context));
  if (facts.has('route-type')) emitRouteType(code, flow + factAt(layout, 'route-type'), bufferOf(context));
  if (sets.size > 0) emitReady(code, found);
  code.emit(mov64(R9, reg(R10)), alu64('add', R9, flow));
  emitUnparsed(context, factAt(layout, 'places') + PLACES.unparsed);
  compiler.emitCall(code, analysis.chain, R9, 0);
  code.place(found);
  code.emit(load(4, R8, R10, flow + factAt(layout, 'places') + PLACES.next));
  findAnswers(code, gone);
  code.emit(store(4, R0, ANSWER.next, R8));
  code.place(gone);
  code.emit(mov64(R0, 0), exit());
  return code;
}
