import {
  alu64,
  callFunction,
  goto,
  jump64,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R6,
  R9,
  reg,
  store,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { EXITS } from '../exits.js';
import { VERDICT } from '../verdict.js';
import { nextHit, PLACES_BYTES, WALK } from './functions.js';
import { OWN_CODE, type Block } from './segment.js';

/** Stack of a chain function with diagrams: the places lie below everything else that it keeps. */
export const PLACES = -64;
export const DIAGRAM_STACK = -PLACES;

export interface StretchCode {
  readonly code: Code;
  /** Numbers of the roots in the table. */
  readonly roots: readonly number[];
  readonly blocks: readonly Block[];
  /** Emits the code of a block, which falls through where the chain goes on behind the rule. */
  emitBlock(block: Block): void;
}

/**
 * Looks a packet up in all diagrams, then takes its hits in order of rule: the table does what only counts or decides;
 * for the rest there is a block of code a rule, in order of rule. As every block that is still to come lies further
 * down, the code has no loop: between the blocks it skips forward, by halves.
 */
export function emitStretch(stretch: StretchCode): void {
  const { code, roots, blocks } = stretch;
  if (roots.length === 0) return;
  roots.forEach((root, group) => {
    code.emit(mov64(R1, reg(R6)), mov32(R2, root | 0), callFunction(WALK));
    code.emit(store(4, R10, PLACES + 4 * group, R0));
  });
  // A function takes memory of one size.
  for (let group = roots.length; 4 * group < PLACES_BYTES; group++) code.emit(store(4, R10, PLACES + 4 * group, R0));
  const end = code.label('end_of_lists');
  emitNext(stretch, end);
  if (blocks.length > 0) emitBlocks(stretch, 0, blocks.length, end);
  code.place(end);
}

/** Goes to `end` where there are no more hits, leaves with a verdict, or falls through with the block's number in r9. */
function emitNext({ code, roots, blocks }: StretchCode, end: string): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, PLACES));
  code.emit(callFunction(nextHit(roots.length)), jump64('jeq', R0, VERDICT.NEXT, end));
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
