import {
  R0,
  R1,
  R10,
  R2,
  R4,
  R6,
  R8,
  alu64,
  exit,
  jump32,
  jump64,
  load,
  mov64,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { CONTEXT_SLOT } from '../chain-rule.js';
import { Code } from '../code.js';
import { EXITS } from '../exits.js';
import type { VisitOffsets } from '../flow.js';
import { VERDICT } from '../verdict.js';
import type { VisitedChain } from './plan.js';

/** End of the name of {@link visitsFunction}. */
export const VISITS = 'visits';

/** Byte of the flow and bit in it where it is kept that a chain decides. */
function bitOf({ deciding }: VisitOffsets, decider: number): { readonly at: number; readonly bit: number } {
  return { at: deciding + (decider >> 3), bit: 1 << (decider & 7) };
}

const countOf = ({ counts }: VisitOffsets, { slot }: VisitedChain): number => counts + 8 * slot;

/**
 * A jump to a chain that is judged once: its visits become more; leaves the function where it decides, and falls through where it comes to its end.
 * r6 = flow.
 */
export function emitVisit(code: Code, chain: VisitedChain, offsets: VisitOffsets): void {
  const count = countOf(offsets, chain);
  code.emit(load(8, R1, R6, offsets.times), load(8, R2, R6, count), alu64('add', R2, reg(R1)), store(8, R6, count, R2));
  if (chain.decider === undefined) return;
  const { at, bit } = bitOf(offsets, chain.decider);
  code.emit(load(1, R1, R6, at), mov64(R0, VERDICT.ELSEWHERE), jump32('jset', R1, bit, EXITS.leave));
}

export interface VisitsCode {
  /** Each behind all that jump to it. */
  readonly order: readonly VisitedChain[];
  readonly offsets: VisitOffsets;
  /** The chain that packets come to first. */
  readonly entry: string;
  /** Whether chain functions get the context. */
  readonly keepsContext: boolean;
  /** Calls all parts of a chain in turn; r6 = flow, r0 = the verdict code. Keeps r6 to r9. */
  emitCall(code: Code, chain: string): void;
}

/**
 * `(flow, maybe, part, ctx) → verdict code`: which chains decide, from the leaves up, where nothing is counted; then the first chain, whose visit is
 * one; then the others, each with the number of its visits. One of them decides by itself, if the first chain does not come to its end.
 */
export function visitsFunction({ order, offsets, entry, keepsContext, emitCall }: VisitsCode): Code {
  const code = new Code();
  const fell = code.label('fell');
  code.emit(mov64(R0, VERDICT.NEXT), jump64('jne', R1, 0, fell), exit());
  code.place(fell);
  code.emit(mov64(R6, reg(R1)));
  if (keepsContext) code.emit(store(8, R10, CONTEXT_SLOT, R4));
  code.emit(storeImm(8, R6, offsets.times, 0));
  for (const { name, decider } of [...order].reverse()) {
    if (decider === undefined) continue;
    const { at, bit } = bitOf(offsets, decider);
    const next = code.label('next');
    emitCall(code, name);
    code.emit(jump64('jle', R0, VERDICT.RETURN, next));
    code.emit(load(1, R1, R6, at), alu64('or', R1, bit), store(1, R6, at, R1));
    code.place(next);
  }
  code.emit(storeImm(8, R6, offsets.times, 1));
  emitCall(code, entry);
  // r8 = the verdict. Where a chain decides, one of those below does so by itself; if none did, the packet would be dropped.
  const here = code.label('here');
  code.emit(mov64(R8, reg(R0)), jump64('jne', R0, VERDICT.ELSEWHERE, here), mov64(R8, VERDICT.DROP));
  code.place(here);
  for (const chain of order) emitVisited(code, chain, offsets, emitCall);
  code.emit(mov64(R0, reg(R8)), exit());
  return code;
}

/** Runs a chain as often as it was visited, at once. */
function emitVisited(
  code: Code,
  chain: VisitedChain,
  offsets: VisitOffsets,
  emitCall: (code: Code, chain: string) => void,
): void {
  const next = code.label('next');
  const count = countOf(offsets, chain);
  code.emit(load(8, R1, R6, count), jump64('jeq', R1, 0, next));
  code.emit(store(8, R6, offsets.times, R1), storeImm(8, R6, count, 0));
  emitCall(code, chain.name);
  if (chain.decider !== undefined) {
    code.emit(jump64('jle', R0, VERDICT.RETURN, next), jump64('jeq', R0, VERDICT.ELSEWHERE, next));
    code.emit(mov64(R8, reg(R0)));
  }
  code.place(next);
}
