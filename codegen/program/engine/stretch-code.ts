import {
  alu32,
  alu64,
  callFunction,
  goto,
  jump32,
  jump64,
  load,
  loadDataAddress,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R6,
  R8,
  R9,
  reg,
  storeImm,
} from '../../bytecode/instruction.js';
import { END } from '../../classify/index.js';
import type { Code } from '../code.js';
import { emitCount } from '../counters.js';
import { EXITS } from '../exits.js';
import { VERDICT } from '../verdict.js';
import { findRule, findRules, nextHit, placeOf, PLACES_BYTES, TABLE } from './lookup-shape.js';
import { emitIsSet, emitValue } from './lookup-walk.js';
import { ACTION_MASK, COUNTED, FINAL, OWN_CODE, type Block } from './segment.js';
import type { Looks, Top } from './tables.js';

/** Stack of a chain function with diagrams: the places lie below everything else that it keeps. */
export const PLACES = -96;
export const DIAGRAM_STACK = -PLACES;

export interface StretchCode {
  readonly code: Code;
  /** In order of their first rules. */
  readonly looks: Looks;
  readonly blocks: readonly Block[];
  /** How many the object has. */
  readonly counters: number;
  /** Offset in struct flow of how often a packet is counted, where that is not once. */
  readonly times?: number | undefined;
  /** Emits the code of a block, which falls through where the chain goes on behind the rule. */
  emitBlock(block: Block): void;
}

/**
 * Looks a packet up in all diagrams, then takes its hits in order of rule: the table does what only counts or decides;
 * for the rest there is a block of code a rule, in order of rule. As every block that is still to come lies further
 * down, the code has no loop: between the blocks it skips forward, by halves.
 */
export function emitStretch(stretch: StretchCode): void {
  const { code, blocks } = stretch;
  const { layout, looks, final } = stretch.looks;
  if (looks.length === 0) return;
  if (final) return emitFinal(stretch);
  // Place 0 is a list without hits; r9 = the least hit.
  for (let at = 0; at < PLACES_BYTES; at += 8) code.emit(storeImm(8, R10, PLACES + at, 0));
  code.emit(mov64(R9, END), alu64('lsh', R9, 32));
  looks.forEach(({ top, first }, group) => {
    const look = code.label('look');
    const skip = code.label('decided');
    if (group > 0) {
      const before = code.label('before');
      code.emit(mov64(R1, reg(R9)), alu64('rsh', R1, 32), jump64('jgt', R1, first, before));
      emitIsSet(code, R9, FINAL, skip);
      code.place(before);
    }
    emitTop(code, top, R3, look, skip);
    code.place(look);
    code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, PLACES + placeOf(group)));
    code.emit(mov64(R4, reg(R9)), callFunction(findRules(layout)), mov64(R9, reg(R0)));
    code.place(skip);
  });
  const end = code.label('end_of_lists');
  const deciding = code.label('deciding');
  const acting = code.label('acting');
  code.emit(mov64(R8, reg(R9)), alu64('rsh', R8, 32), jump64('jeq', R8, END, end));
  emitIsSet(code, R9, FINAL, deciding);
  emitNext(stretch, end);
  if (blocks.length > 0) code.emit(goto(acting));
  // The first hit of most packets decides: no other one is asked for.
  code.place(deciding);
  emitCounted(stretch);
  code.emit(mov32(R0, reg(R9)), alu32('and', R0, ACTION_MASK));
  emitAction(stretch);
  if (blocks.length > 0) {
    code.place(acting);
    emitBlocks(stretch, 0, blocks.length, end);
  }
  code.place(end);
}

/**
 * Where every hit ends the packet's way: the least of all diagrams is the only one. A diagram whose rules all come behind
 * the hit that is known is not looked into.
 */
function emitFinal(stretch: StretchCode): void {
  const {
    code,
    looks: { layout, looks },
  } = stretch;
  const end = code.label('end_of_lists');
  // r9 = the hit.
  code.emit(mov64(R9, END), alu64('lsh', R9, 32));
  looks.forEach(({ top, first }, group) => {
    const look = code.label('look');
    const skip = code.label('decided');
    if (group > 0) code.emit(mov64(R1, reg(R9)), alu64('rsh', R1, 32), jump64('jle', R1, first, skip));
    emitTop(code, top, R2, look, looks.length === 1 ? end : skip);
    code.place(look);
    code.emit(mov64(R1, reg(R6)), mov64(R3, reg(R9)), callFunction(findRule(layout)), mov64(R9, reg(R0)));
    code.place(skip);
  });
  code.emit(mov64(R8, reg(R9)), alu64('rsh', R8, 32), jump64('jeq', R8, END, end));
  emitCounted(stretch);
  code.emit(mov32(R0, reg(R9)), alu32('and', R0, ACTION_MASK), goto(EXITS.leave));
  code.place(end);
}

/** Counts the hit in r9, of the rule in r8, if it says so. */
function emitCounted({ code, counters, times }: StretchCode): void {
  const count = code.label('count');
  const uncounted = code.label('uncounted');
  code.emit(jump32('jset', R9, COUNTED | 0, count), goto(uncounted));
  code.place(count);
  emitCount(code, { key: { reg: R8, unknown: true }, counters, times }, R6);
  code.place(uncounted);
}

/** Leaves for `look` with the number of a root in a register, or for `nothing`. */
function emitTop(code: Code, top: Top, root: number, look: string, nothing: string): void {
  switch (top.kind) {
    case 'nothing':
      code.emit(goto(nothing));
      return;
    case 'root':
      code.emit(mov32(root, top.number | 0), goto(look));
      return;
    case 'index':
      emitValue(code, R0, top.access);
      if (top.shift > 0) code.emit(alu64('rsh', R0, top.shift));
      code.emit(alu64('lsh', R0, 2), loadDataAddress(root, TABLE), alu64('add', root, top.children));
      code.emit(alu64('add', root, reg(R0)), load(4, root, root, 0), goto(look));
      return;
    case 'branch': {
      const { access, cuts, children } = top;
      emitValue(code, R0, access);
      const among = (from: number, to: number): void => {
        if (from === to) return emitTop(code, children[from], root, look, nothing);
        const middle = (from + to + 1) >> 1;
        const upper = code.label('upper');
        code.emit(jump64('jge', R0, cuts[middle - 1], upper));
        among(from, middle - 1);
        code.place(upper);
        among(middle, to);
      };
      among(0, children.length - 1);
    }
  }
}

/** Goes to `end` where there are no more hits, leaves with a verdict, or falls through with the block's number in r9. */
function emitNext(stretch: StretchCode, end: string): void {
  const {
    code,
    looks: { layout, looks },
  } = stretch;
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, PLACES));
  code.emit(callFunction(nextHit(layout, looks.length)), jump64('jeq', R0, VERDICT.NEXT, end));
  emitAction(stretch);
}

/** Leaves with the verdict in r0, or falls through with the block's number in r9. */
function emitAction({ code, blocks }: StretchCode): void {
  if (blocks.length === 0) code.emit(goto(EXITS.leave));
  else code.emit(jump64('jlt', R0, OWN_CODE, EXITS.leave), mov64(R9, reg(R0)));
}

/** Code that is entered with a number in r9 that is not below `from`, and left with one that is not below `to`. */
function emitBlocks(stretch: StretchCode, from: number, to: number, end: string): void {
  const { code, blocks } = stretch;
  const behind = code.label('behind');
  code.emit(jump64('jge', R9, OWN_CODE + to, behind));
  if (to - from === 1) {
    stretch.emitBlock(blocks[from]);
    emitNext(stretch, end);
  } else {
    const middle = (from + to) >> 1;
    emitBlocks(stretch, from, middle, end);
    emitBlocks(stretch, middle, to, end);
  }
  code.place(behind);
}
