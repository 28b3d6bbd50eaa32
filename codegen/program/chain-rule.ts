import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Condition, Opaque } from '../../grammar/model/condition.js';
import { type PayloadTest, mayDrop, mayDropMatching } from '../../grammar/model/payload.js';
import {
  R0,
  R1,
  R10,
  R2,
  R6,
  R8,
  R9,
  alu32,
  callFunction,
  exit,
  goto,
  jump64,
  load,
  mov32,
  mov64,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import type { ChainSettings } from './chain-settings.js';
import { emitChange } from './changes/emit.js';
import { Code } from './code.js';
import { emitCondition } from './conditions.js';
import { emitCount } from './counters.js';
import { emitEarlyRule } from './early-rule.js';
import { EXITS } from './exits.js';
import { PAYLOAD } from './payload/answer.js';
import type { ReachableRule } from './reachable.js';
import { emitTrace } from './trace.js';
import { rejectVerdict, VERDICT } from './verdict.js';

/** Inside a chain whose rules stand in the function that jumps to it. */
export interface Inlined {
  /** Where the inlined chain ends. */
  readonly end: string;
}

/** Stack of a chain function below the counters' key: the context, and whether the packet is dropped behind its rule. */
export const CONTEXT_SLOT = -16;
const DROPPING_SLOT = -24;

/**
 * Runs another chain and falls through where it came to its end. `maybe` (early mode): the lowest bit of r7 inside,
 * restored afterwards.
 */
export type Jump = (code: Code, chain: string, maybe: number | { readonly reg: number } | undefined) => void;

/** Emits rules: their tests, and what they do with a packet that matches. r6 = flow. */
export class RuleEmitter {
  constructor(
    private readonly settings: ChainSettings,
    private readonly jump: Jump,
  ) {}

  emit(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    code.at(this.settings.line(rule));
    if (this.settings.mode === 'early') this.emitEarlyRule(code, rule, inlined);
    else this.emitExactRule(code, rule, inlined);
    code.at(undefined);
  }

  private emitTest(code: Code, condition: Condition, rule: ReachableRule, yes: string, no: string, hot: string): void {
    const { family, layout } = this.settings;
    let ordinal = 0;
    const opaque = (test: Opaque, ifTrue: string, ifFalse: string): void =>
      this.settings.opaque(code, test, { rule, ordinal: ordinal++, hotdrop: hot }, ifTrue, ifFalse);
    const payload = (test: PayloadTest, ifTrue: string, ifFalse: string): void =>
      this.emitPayload(code, test, ifTrue, ifFalse, hot);
    emitCondition({ code, family, layout, flow: R6, hotdrop: hot, opaque, payload }, condition, yes, no, 'true');
    code.place(yes);
  }

  private emitPayload(code: Code, test: PayloadTest, ifTrue: string, ifFalse: string, hot: string): void {
    const { payload, mode } = this.settings;
    if (payload === undefined) throw new Error(`payload test ${test.kind} came unannounced`);
    code.emit(load(8, R1, R10, CONTEXT_SLOT), mov64(R2, reg(R6)), callFunction(payload.nameOf(test)));
    code.emit(jump64('jeq', R0, PAYLOAD.YES, ifTrue), jump64('jeq', R0, PAYLOAD.NO, ifFalse));
    const unknown = mode === 'early' ? EXITS.pass : EXITS.hotdrop;
    if (!mayDrop(test)) {
      code.emit(goto(unknown));
      return;
    }
    code.emit(jump64('jeq', R0, PAYLOAD.UNKNOWN, unknown));
    if (mode === 'exact' && mayDropMatching(test)) {
      code.emit(jump64('jne', R0, PAYLOAD.DROPPING, hot), storeImm(8, R10, DROPPING_SLOT, 1), goto(ifTrue));
      return;
    }
    code.emit(goto(hot));
  }

  private emitEarlyRule(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    emitEarlyRule({
      code,
      rule,
      possibleStates: this.settings.possibleStates ?? false,
      ...this.settings.meaning(rule),
      reject: this.settings.reject,
      end: inlined?.end,
      test: (condition, yes, no, hotdrop) => this.emitTest(code, condition, rule, yes, no, hotdrop),
      jump: (chain, maybe) => this.jump(code, chain, maybe),
    });
  }

  private emitExactRule(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    const yes = code.label('match');
    const no = code.label('next');
    const { condition } = this.settings.meaning(rule);
    const effect = rule.rule.target.effect;
    const late = mayDropBehind(condition);
    const failed = late ? code.label('failed') : no;
    if (late) code.emit(storeImm(8, R10, DROPPING_SLOT, 0));
    this.emitTest(code, condition, rule, yes, failed, EXITS.hotdrop);
    if (late) this.emitDroppedMatch(code, rule);
    const leave = (verdict: number): void =>
      code.emit(mov32(R8, this.settings.key(rule)), mov32(R9, verdict), goto(EXITS.countAndLeave));
    switch (effect.kind) {
      case 'accept':
        leave(VERDICT.ACCEPT);
        break;
      case 'drop':
        leave(VERDICT.DROP);
        break;
      case 'reject':
        leave(rejectVerdict(effect.type, this.settings.reject));
        break;
      case 'return':
        if (inlined === undefined) {
          leave(VERDICT.RETURN);
        } else {
          this.count(code, this.settings.key(rule));
          code.emit(goto(inlined.end));
        }
        break;
      case 'continue':
      case 'log':
      case 'mark':
      case 'jump':
        this.count(code, this.settings.key(rule));
        this.emitAftermath(code, rule, inlined);
        break;
      case 'opaque':
        this.emitLeft(code, rule, leave);
        break;
    }
    if (late) {
      code.emit(goto(no));
      code.place(failed);
      code.emit(load(8, R1, R10, DROPPING_SLOT), jump64('jne', R1, 0, EXITS.hotdrop));
    }
    code.place(no);
  }

  /** Counts a rule, and writes the event of a traced packet. */
  count(code: Code, key: number | { readonly reg: number }): void {
    if (this.settings.silent === true) return;
    const { counters, layout } = this.settings;
    emitCount(code, { key, counters, times: layout.visits?.times }, R6);
    this.trace(code, key);
  }

  /** Writes the event of a traced packet, where there are such. */
  trace(code: Code, id: number | { readonly reg: number }): void {
    const { trace } = this.settings;
    if (trace !== undefined) emitTrace(code, trace, id, { flow: R6, context: load(8, R1, R10, CONTEXT_SLOT) });
  }

  /** What a rule does that matches, has been counted, and does not decide by itself. */
  emitAftermath(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    const { effect } = rule.rule.target;
    if (effect.kind === 'log') this.emitLog(code, rule);
    if (effect.kind === 'mark') this.emitMark(code, effect.clear, effect.flip);
    if (effect.kind !== 'jump') return;
    this.jump(code, effect.chain, undefined);
    if (!effect.goto) return;
    if (inlined === undefined) code.emit(mov64(R0, VERDICT.RETURN), exit());
    else code.emit(goto(inlined.end));
  }

  /**
   * A rule that matches a packet which it drops (`mayDropMatching`): it is counted, its target runs, and the packet is
   * dropped behind it. Falls through for other packets; REJECT answers and drops of its own accord.
   */
  private emitDroppedMatch(code: Code, rule: ReachableRule): void {
    const effect = rule.rule.target.effect;
    if (effect.kind === 'reject') return;
    const whole = code.label('whole');
    code.emit(load(8, R1, R10, DROPPING_SLOT), jump64('jeq', R1, 0, whole));
    if (effect.kind === 'log') this.emitLog(code, rule);
    code.emit(mov32(R8, this.settings.key(rule)), mov32(R9, VERDICT.DROP), goto(EXITS.countAndLeave));
    code.place(whole);
  }

  private emitLeft(code: Code, rule: ReachableRule, leave: (verdict: number) => void): void {
    const { effect } = rule.rule.target;
    if (effect.kind === 'opaque' && effect.change !== undefined && this.settings.changes === true) {
      this.count(code, this.settings.key(rule));
      const context = load(8, R1, R10, CONTEXT_SLOT);
      emitChange(code, effect.change, { layout: this.settings.layout, context, drop: EXITS.hotdrop });
      return;
    }
    const { left } = this.settings;
    if (left === undefined) throw new Error(`target ${rule.rule.target.name} came to the code generator`);
    const verdict = left(code, rule);
    if (verdict !== undefined) leave(verdict);
  }

  private emitMark(code: Code, clear: number, flip: number): void {
    const offset = this.settings.layout.offsets.get('mark');
    if (offset === undefined) throw new Error('mark is not in the flow');
    code.emit(load(4, R1, R6, offset));
    if (clear !== 0) code.emit(alu32('and', R1, ~clear | 0));
    if (flip !== 0) code.emit(alu32('xor', R1, flip | 0));
    code.emit(store(4, R6, offset, R1));
  }

  private emitLog(code: Code, rule: ReachableRule): void {
    code.emit(load(8, R1, R10, CONTEXT_SLOT));
    this.settings.log(code, rule);
  }
}

function mayDropBehind(condition: Condition): boolean {
  let found = false;
  visitCondition(condition, { payload: (test) => (found ||= mayDropMatching(test)) });
  return found;
}
