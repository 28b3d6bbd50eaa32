import {
  alu32,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R6,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import type { Analysis } from '../analysis.js';
import { CONTEXT_SLOT } from '../chain-rule.js';
import type { Code } from '../code.js';
import { emitCount } from '../counters.js';
import { EXITS } from '../exits.js';
import type { FlowLayout } from '../flow.js';
import type { CounterKeys } from '../keys.js';
import type { ReachableRule } from '../reachable.js';
import { emitTrace, type TraceSettings } from '../trace.js';
import { VERDICT } from '../verdict.js';
import { changedMark, lasting, type NotePlan } from './note-plan.js';
import { emitNote, NOTE, NOTE_SLOT } from './notes.js';
import { loadSkb } from './packet.js';
import { emitBrokenSegment, emitSegmentLength } from './segment-size.js';

/** What the code for targets needs of its object. */
export interface LeftContext {
  readonly layout: FlowLayout;
  readonly counters: CounterKeys;
  readonly notes: NotePlan;
  readonly trace?: TraceSettings;
}

function targetsAt({ facts }: FlowLayout): number {
  const offset = facts.get('targets');
  if (offset === undefined) throw new Error('targets are not in the flow');
  return offset;
}

export function changesSegments({ left }: Analysis): boolean {
  return left?.goingOn.some(({ segmentSize }) => segmentSize) ?? false;
}

/** A target that iptables performs: remembered in the flow, or the verdict that ends the way (r6 = flow). */
export function emitLeftTarget(
  code: Code,
  rule: ReachableRule,
  { left, chain }: Analysis,
  { layout, counters, notes, trace }: LeftContext,
): number | undefined {
  const ending = left?.endings.get(rule.id);
  if (ending !== undefined) return notes.codeOf(ending);
  const bit = left?.bits.get(rule.id);
  if (left === undefined || bit === undefined) throw new Error(`a target of ${chain} came to the code generator`);
  const at = targetsAt(layout);
  const { segmentSize } = left.goingOn[bit];
  if (segmentSize) {
    const broken = code.label('broken');
    const whole = code.label('whole');
    emitBrokenSegment(code, R6, layout, broken);
    code.emit(goto(whole));
    code.place(broken);
    code.emit(mov32(R8, counters.of(rule)), mov32(R9, VERDICT.DROP), goto(EXITS.countAndLeave));
    code.place(whole);
  }
  emitCount(code, { key: counters.of(rule), counters: counters.count }, R6);
  if (trace !== undefined) {
    emitTrace(code, trace, counters.of(rule), { flow: R6, context: load(8, R1, R10, CONTEXT_SLOT) });
  }
  if (segmentSize) {
    const once = code.label('once');
    const before = left.goingOn.reduce((bits, one, i) => (one.segmentSize ? bits | (1 << i) : bits), 0);
    code.emit(load(4, R1, R6, at), alu32('and', R1, before), jump32('jne', R1, 0, once));
    emitSegmentLength(code, R6);
    code.place(once);
  }
  code.emit(load(4, R1, R6, at), alu32('or', R1, 1 << bit), store(4, R6, at, R1));
  return undefined;
}

/**
 * Notes the packet where iptables has something to do for it, and goes to `accept`, or to `drop` where there is no
 * room; falls through where there is nothing. r0 = verdict code, r7 = the packet, r9 = flow.
 */
export function emitNotes(code: Code, analysis: Analysis, layout: FlowLayout): void {
  const { left } = analysis;
  const nothing = code.label('nothing');
  const something = code.label('something');
  const note = (member: keyof typeof NOTE): number => NOTE_SLOT + NOTE[member];
  code.emit(storeImm(8, R10, note('code'), 0), storeImm(4, R10, note('targets'), 0), mov64(R8, reg(R0)));
  const bits = left === undefined ? 0 : lasting(left);
  if (bits === 0) code.emit(jump64('jeq', R8, VERDICT.DROP, nothing));
  if (changedMark(analysis) !== 0) {
    const mark = layout.offsets.get('mark');
    if (mark === undefined) throw new Error('mark is not in the flow');
    loadSkb(code, R1, 'mark');
    code.emit(load(4, R2, R9, mark), alu32('xor', R2, reg(R1)), store(4, R10, note('mark'), R2));
  }
  if (left !== undefined && left.goingOn.length > 0) {
    code.emit(load(4, R1, R9, targetsAt(layout)), store(4, R10, note('targets'), R1));
  }
  if (bits !== 0) {
    code.emit(jump64('jne', R8, VERDICT.DROP, something), load(4, R1, R10, note('targets')));
    code.emit(alu32('and', R1, bits), jump32('jeq', R1, 0, nothing), goto('note'));
    code.place(something);
  }
  code.emit(jump64('jne', R8, VERDICT.ACCEPT, 'note'));
  code.emit(load(4, R1, R10, note('mark')), load(4, R2, R10, note('targets')), alu32('or', R1, reg(R2)));
  code.emit(jump32('jeq', R1, 0, nothing));
  code.place('note');
  code.emit(store(4, R10, note('code'), R8));
  emitNote(code, 'drop');
  code.emit(goto('accept'));
  code.place(nothing);
  code.emit(mov64(R0, reg(R8)));
}
