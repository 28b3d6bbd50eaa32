import { R0, R1, R10, R6, R9, alu64, exit, goto, jump64, mov64, reg, storeImm } from '../../bytecode/instruction.js';
import type { Analysis } from '../analysis.js';
import { ChainCompiler } from '../chains.js';
import { Code } from '../code.js';
import { type Common, factAt, factsOf, functionPrefix } from '../common.js';
import { emitCount } from '../counters.js';
import { answersAt } from '../known-tests.js';
import { logFunctionName } from '../log.js';
import { emitTrace, emitTraced } from '../trace.js';
import { emitAnswers } from './ask.js';
import { emitConnectionState } from './conntrack.js';
import type { NetfilterContext } from './context.js';
import { NETFILTER_SCRATCH_BYTES, bufferOf, emitNetfilterPacket, emitNetfilterStart } from './entry.js';
import { emitNotes } from './left-targets.js';
import { emitForget } from './notes.js';
import { emitOwner } from './owner.js';
import { emitRouteType } from './route-type.js';
import { emitShadow } from './shadow.js';
import { emitOwnFamily, emitReassembled } from './socket.js';
import { isSocketHook } from '../place.js';
import { readsBytes } from '../reads-bytes.js';
import { emitResult, RESULT } from '../results.js';
import { emitReady } from '../sets/ready.js';
import { seesPieces } from '../surroundings.js';
import { VERDICT } from '../verdict.js';
import { statesOf } from '../wire-state.js';

/** The entry function behind the IP stack, at a netfilter hook or a socket: the packet is there, whole and routed. */
export function emitNetfilterEntry(analysis: Analysis, common: Common, compiler: ChainCompiler): Code {
  const { layout, counters, sets, notes, shadow } = common;
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
  if (facts.has('asked')) emitAnswers(code, answersAt(layout, facts, flow), context.drop);
  emitNetfilterPacket(context);
  const states = statesOf(analysis);
  if (states.size > 0) emitConnectionState(code, flow, bufferOf(context), states.has('SNAT') || states.has('DNAT'));
  if (facts.has('owner')) emitOwner(code, view.hook, flow + factAt(layout, 'owner'), bufferOf(context));
  if (facts.has('traced')) emitTraced(code, flow + factAt(layout, 'traced'));
  if (facts.has('route-type')) emitRouteType(code, flow + factAt(layout, 'route-type'), bufferOf(context));
  if (sets.size > 0) emitReady(code, context.drop);
  code.emit(mov64(R9, reg(R10)), alu64('add', R9, flow));
  compiler.emitCall(code, analysis.chain, R9, 0);
  const decided = code.label('decided');
  code.emit(jump64('jgt', R0, VERDICT.RETURN, decided));
  emitCount(code, { key: counters.policyOf(analysis.chain), counters: counters.count }, R9);
  if (common.traces !== undefined) {
    const trace = { at: factAt(layout, 'traced'), log: logFunctionName(functionPrefix(analysis, common)) };
    const context = mov64(R1, reg(R6));
    emitTrace(code, trace, counters.policyOf(analysis.chain), { flow: R9, context });
  }
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
  if (notes.isEmpty) emitResult(code, result);
  else code.emit(jump64('jeq', R0, VERDICT.ACCEPT, 'accept'));
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
