import { fieldLimit, fieldBits } from '../../grammar/model/fields.js';
import { alu32, goto, jump32, load, mov32, R1, R6, R8, R9, type AccessSize } from '../bytecode/instruction.js';
import type { FoldedList } from '../optimize/index.js';
import type { ChainSettings } from './chain-settings.js';
import type { Code } from './code.js';
import { emitCondition } from './conditions.js';
import { EXITS } from './exits.js';
import { storedBytes } from './flow.js';
import type { ReachableRule } from './reachable.js';
import { rejectVerdict, VERDICT } from './verdict.js';

export interface ListCode {
  readonly code: Code;
  readonly settings: ChainSettings;
  /** Counts the rule in r8, and leaves the chain at its end; undefined where RETURN leaves the function. */
  readonly leaveChain?: () => void;
}

/**
 * Finds the rule of a list by halves: the number is loaded once, and a list of n values takes log2(2n) comparisons. Falls
 * through where no rule matches.
 */
export function emitList({ code, settings, leaveChain }: ListCode, list: FoldedList<ReachableRule>): void {
  const { family, layout } = settings;
  const { field, segments } = list;
  const next = code.label('next');
  const yes = code.label('listed');
  const refused = (): never => {
    throw new Error('a list asks for fields alone');
  };
  const line = settings.line(list.rules[0]);
  code.at(line);
  const context = { code, family, layout, flow: R6, hotdrop: EXITS.hotdrop, opaque: refused };
  emitCondition(context, list.rest, yes, next, 'true');
  code.place(yes);
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is tested but not in the flow`);
  const bytes = storedBytes(field, family);
  code.emit(load(bytes as AccessSize, R1, R6, offset));
  const full = fieldLimit(field, family);
  if (list.mask !== undefined && list.mask !== full) code.emit(alu32('and', R1, signed(list.mask)));
  const tails = new Map<number, string>();
  const among = (from: number, to: number): void => {
    if (from === to) return leaf(segments[from].rule);
    const middle = (from + to + 1) >> 1;
    const border = signed(segments[middle].from);
    if (middle === to && segments[to].rule === undefined) {
      code.emit(jump32('jge', R1, border, next));
      return among(from, middle - 1);
    }
    if (from === middle - 1 && segments[from].rule === undefined) {
      code.emit(jump32('jlt', R1, border, next));
      return among(middle, to);
    }
    const upper = code.label('upper');
    code.emit(jump32('jge', R1, border, upper));
    among(from, middle - 1);
    code.place(upper);
    among(middle, to);
  };
  const leaf = (rule: ReachableRule | undefined): void => {
    if (rule === undefined) {
      code.emit(goto(next));
      return;
    }
    const verdict = verdictOf(rule, settings.reject);
    let tail = tails.get(verdict);
    if (tail === undefined) tails.set(verdict, (tail = code.label('verdict')));
    code.at(settings.line(rule));
    code.emit(mov32(R8, settings.key(rule)), goto(tail));
    code.at(line);
  };
  const inside = segments.findLastIndex(({ from }) => from < 1n << BigInt(fieldBits(field, family)));
  among(0, inside);
  code.at(undefined);
  for (const [verdict, tail] of tails) {
    code.place(tail);
    if (verdict === VERDICT.RETURN && leaveChain !== undefined) leaveChain();
    else code.emit(mov32(R9, verdict), goto(EXITS.countAndLeave));
  }
  code.place(next);
}

const signed = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** The verdict code of a rule that decides. */
function verdictOf({ rule: { target } }: ReachableRule, reject: 'answer' | 'drop'): number {
  const { effect } = target;
  switch (effect.kind) {
    case 'accept':
      return VERDICT.ACCEPT;
    case 'drop':
      return VERDICT.DROP;
    case 'return':
      return VERDICT.RETURN;
    case 'reject':
      return rejectVerdict(effect.type, reject);
    case 'continue':
    case 'jump':
    case 'log':
    case 'mark':
    case 'opaque':
      throw new Error(`a list of ${effect.kind} decides nothing`);
  }
}
