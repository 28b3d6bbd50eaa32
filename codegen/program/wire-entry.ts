import type { RejectType } from '../../grammar/model/ruleset.js';
import {
  R0,
  R1,
  R10,
  R6,
  R7,
  R8,
  R9,
  alu64,
  exit,
  jump64,
  load,
  mov64,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import type { Analysis } from './analysis.js';
import { ChainCompiler } from './chains.js';
import { Code } from './code.js';
import type { Common } from './common.js';
import { emitCount } from './counters.js';
import { emitDevices } from './devices.js';
import { FLOW_RULE } from './flow.js';
import { emitLookup, lookupOf } from './lookup.js';
import { type EntryContext, SK_BUFF, emitLink, emitStart } from './packet/entry.js';
import { emitIpv4 } from './packet/ipv4.js';
import { emitIpv6 } from './packet/ipv6.js';
import { FIB_PARAMS_BYTES } from './packet/route.js';
import { emitTransport } from './packet/transport.js';
import { readsBytes } from './reads-bytes.js';
import { emitReject } from './reject/index.js';
import { emitResult, RESULT } from './results.js';
import { emitReady } from './sets/ready.js';
import { VERDICT } from './verdict.js';
import type { WireView } from './view.js';
import { emitOwnState } from './wire-state.js';

/** Below the counters' key. */
export const SCRATCH = -8 - FIB_PARAMS_BYTES;

/** The entry function at a device: reads the frame, passes what never comes to the chain, and calls the chain. */
export function emitWireEntry(
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
  code.emit(jump64('jle', R0, VERDICT.RETURN, policy));
  if (answers.length > 0) {
    code.emit(jump64('jeq', R0, VERDICT.ACCEPT, 'accept'), jump64('jeq', R0, VERDICT.DROP, 'drop'));
    emitReject(context, answers);
  } else if (early || writesMark(context, analysis)) {
    code.emit(jump64('jeq', R0, VERDICT.ACCEPT, 'accept'));
    if (early) emitCount(code, { key: reg(R7), counters: counters.count }, R9);
    code.emit(mov64(R0, result.drop), exit());
  } else {
    emitResult(code, result);
  }

  code.place(policy);
  if (analysis.mode === 'exact' || analysis.policy === 'DROP') {
    emitCount(code, { key: policyKey, counters: counters.count }, R9);
  }
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
  emitDevices(context);
}

function writesMark({ layout, view }: EntryContext, { rules }: Analysis): boolean {
  if (layout.offsets.get('mark') === undefined || view.hook !== 'tc') return false;
  return rules.some(({ rule }) => rule.rule.target.effect.kind === 'mark');
}

/** An accepted packet takes the mark along that the rules gave it. */
function emitMarkWrite(context: EntryContext, analysis: Analysis): void {
  const mark = context.layout.offsets.get('mark');
  if (mark === undefined || !writesMark(context, analysis)) return;
  context.code.emit(load(4, R1, R10, context.flow + mark), store(4, R6, SK_BUFF.mark, R1));
}
