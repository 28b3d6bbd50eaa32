import type { Condition, CtState } from '../../grammar/model/condition.js';
import { mayDrop } from '../../grammar/model/payload.js';
import { alu64, exit, goto, jump64, mov32, mov64, R0, R7, R8, R9, reg } from '../bytecode/instruction.js';
import type { Code } from './code.js';
import { EXITS } from './exits.js';
import { BASE_STATES } from './lookup.js';
import type { RejectPolicy } from './manifest.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { ReachableRule } from './reachable.js';
import { VERDICT } from './verdict.js';

/** A rule of an early object, and what its code needs of the chain it stands in. */
export interface EarlyRule {
  readonly code: Code;
  readonly rule: ReachableRule;
  /** As the view decides it; opaque tests that are left have no answer there. */
  readonly condition: Condition;
  /** Whether the view cannot decide some test of it. */
  readonly undecided: boolean;
  /** Whether the flow holds the states that the packet may have: then a test of the state may be certain. */
  readonly possibleStates: boolean;
  readonly reject: RejectPolicy;
  /** Where the chain ends if it is inlined; undefined where it is a function that returns. */
  readonly end: string | undefined;
  /** Code that falls through to `yes`, or goes to `no` or `hotdrop`. */
  test(condition: Condition, yes: string, no: string, hotdrop: string): void;
  /** Runs another chain with `maybe` in the lowest bit of r7 and falls through where it came to its end; r7 is kept. */
  jump(chain: string, maybe: number | { readonly reg: number }): void;
}

/**
 * Only a packet that iptables drops whatever the undecided tests say may be dropped. Control at a rule means that this
 * rule may be reached; the lowest bit of r7 is 0 where it is reached for certain. A possible ACCEPT passes the packet; a certain DROP
 * drops it where control is certain, and otherwise ends this possibility (as RETURN does: the caller goes on in any
 * case). Nothing is counted but the drop.
 */
export function emitEarlyRule(early: EarlyRule): void {
  const { code, rule, condition, undecided } = early;
  const effect = rule.rule.target.effect;
  if (effect.kind === 'continue' || effect.kind === 'log' || effect.kind === 'mark') {
    emitHotdrops(early);
    return;
  }
  const yes = code.label('match');
  const no = code.label('next');
  const dead = code.label('hotdrop');
  early.test(undecided ? assume(condition, true, early.possibleStates) : condition, yes, no, dead);
  switch (effect.kind) {
    case 'accept':
    case 'opaque':
      emitPass(code);
      break;
    case 'reject':
      // The answer is iptables' to give, unless asked to drop.
      if (early.reject === 'answer') emitPass(code);
      else emitDrop(early, no);
      break;
    case 'drop':
      emitDrop(early, no);
      break;
    case 'return':
      leaveChain(early);
      break;
    case 'jump':
      early.jump(effect.chain, undecided ? 1 : reg(R7));
      if (effect.goto) leaveChain(early);
      break;
  }
  if (hasHotdrop(condition)) {
    code.emit(goto(no));
    code.place(dead);
    emitHotdropEnd(early, no);
  }
  code.place(no);
}

/** A rule that decides nothing can still hotdrop. */
function emitHotdrops(early: EarlyRule): void {
  const { code, condition, undecided } = early;
  if (undecided || !hasHotdrop(condition)) return;
  const yes = code.label('match');
  const no = code.label('next');
  const dead = code.label('hotdrop');
  early.test(condition, yes, no, dead);
  code.emit(goto(no));
  code.place(dead);
  emitHotdropEnd(early, no);
  code.place(no);
}

function emitPass(code: Code): void {
  code.emit(mov64(R0, VERDICT.ACCEPT), exit());
}

/** Nothing more can happen in this chain. */
function endBranch({ code, end }: EarlyRule): void {
  if (end === undefined) code.emit(mov64(R0, VERDICT.RETURN), exit());
  else code.emit(goto(end));
}

/** A chain that may have been left goes on, no longer for certain. */
function leaveChain(early: EarlyRule): void {
  if (early.undecided) early.code.emit(alu64('or', R7, 1));
  else endBranch(early);
}

function emitHotdropEnd(early: EarlyRule, no: string): void {
  const { code, undecided } = early;
  if (undecided) {
    code.emit(goto(no));
    return;
  }
  const uncertain = code.label('uncertain');
  code.emit(jump64('jset', R7, 1, uncertain), goto(EXITS.hotdrop));
  code.place(uncertain);
  endBranch(early);
}

function emitDrop(early: EarlyRule, no: string): void {
  const { code, rule, undecided } = early;
  // A drop that only may happen leaves the rest of the chain to decide.
  if (undecided && early.possibleStates && asksState(early.condition)) {
    const sure = code.label('sure');
    early.test(assume(early.condition, false, true), sure, no, no);
    emitDrop({ ...early, undecided: false }, no);
    return;
  }
  if (undecided) {
    code.emit(goto(no));
    return;
  }
  const uncertain = code.label('uncertain');
  code.emit(jump64('jset', R7, 1, uncertain));
  code.emit(mov32(R8, rule.id), mov32(R9, VERDICT.DROP), goto(EXITS.countAndLeave));
  code.place(uncertain);
  endBranch(early);
}

function hasHotdrop(condition: Condition): boolean {
  switch (condition.kind) {
    case 'hotdrop':
      return true;
    case 'all':
    case 'any':
      return condition.of.some(hasHotdrop);
    case 'payload':
      return mayDrop(condition.test);
    case 'in':
    case 'not':
    case 'opaque':
      return false;
  }
}

function asksState(condition: Condition): boolean {
  let asks = false;
  visitCondition(condition, { opaque: ({ name }) => (asks ||= name === 'ctstate') });
  return asks;
}

/**
 * The condition with every opaque test answered in favour of the whole (`true`: it may hold) or against it (`false`: it
 * holds for certain). `states`: a test of the state asks whether the packet may have one of these.
 */
function assume(condition: Condition, outcome: boolean, states: boolean): Condition {
  switch (condition.kind) {
    case 'in':
    case 'payload':
      return condition;
    case 'opaque':
      if (states && condition.test.name === 'ctstate') return outcome ? condition : none(others(condition.test.states));
      return { kind: outcome ? 'all' : 'any', of: [] };
    case 'not':
      return { kind: 'not', of: assume(condition.of, !outcome, states) };
    case 'hotdrop':
      return condition;
    case 'all':
    case 'any':
      return { kind: condition.kind, of: condition.of.map((part) => assume(part, outcome, states)) };
  }
}

/** States that a packet has instead of these. */
const others = (states: readonly CtState[]): readonly CtState[] =>
  BASE_STATES.filter((state) => !states.includes(state));

const none = (states: readonly CtState[]): Condition => ({
  kind: 'not',
  of: { kind: 'opaque', test: { name: 'ctstate', states } },
});
