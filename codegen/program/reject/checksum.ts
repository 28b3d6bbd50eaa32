import {
  alu64,
  goto,
  jump32,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R4,
  R5,
  R8,
  reg,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { loadData, type EntryContext } from '../packet/entry.js';

/** Bytes that one checksum covers at most: more than any frame but those of offloads, which vouch for theirs. */
export const MAX_SUMMED = 10_240;
/** MAX_SUMMED rounded up to all ones: bounds a length without telling the verifier that it equals another one. */
const LENGTH_MASK = 0x3fff;
const CHUNK = 64;

/**
 * Internet checksum (RFC 1071) of r5 bytes from r2 bytes behind the start of the frame, r8 = end of the packet: r0 =
 * their folded sum, not inverted, of 16-bit words as they lie in memory (an odd last byte is padded with zero behind
 * it). Goes to `short` where they are not all there or more than {@link MAX_SUMMED}. Clobbers r1–r5.
 *
 * The loop and the rest behind it have pointers of their own, made from offsets that the verifier does not know: what
 * the loop's tests tell it of one does not keep the ways out of the loop apart.
 */
export function emitSum(context: EntryContext, short: string): void {
  const { code } = context;
  const loop = code.label('sum');
  const tail = code.label('tail');
  code.emit(jump64('jgt', R5, MAX_SUMMED, short));
  code.emit(mov64(R3, reg(R5)), alu64('and', R3, LENGTH_MASK), mov64(R4, 0));
  loadData(context, R0);
  code.emit(alu64('add', R0, reg(R2)));
  code.place(loop);
  code.emit(jump64('jlt', R3, CHUNK, tail));
  code.emit(mov64(R1, reg(R0)), alu64('add', R1, CHUNK), jump64('jgt', R1, reg(R8), short));
  emitWords(code, R0, CHUNK);
  code.emit(alu64('add', R0, CHUNK), alu64('sub', R3, CHUNK), goto(loop));

  code.place(tail);
  code.emit(alu64('sub', R5, reg(R3)), alu64('and', R5, LENGTH_MASK), alu64('add', R2, reg(R5)));
  loadData(context, R0);
  code.emit(alu64('add', R0, reg(R2)));
  for (const bytes of [32, 16, 8, 4, 2, 1] as const) {
    const next = code.label('rest');
    code.emit(mov64(R1, reg(R3)), alu64('and', R1, bytes), jump64('jeq', R1, 0, next));
    code.emit(mov64(R1, reg(R0)), alu64('add', R1, bytes), jump64('jgt', R1, reg(R8), short));
    if (bytes >= 4) emitWords(code, R0, bytes);
    else code.emit(load(bytes === 2 ? 2 : 1, R1, R0, 0), alu64('add', R4, reg(R1)));
    code.emit(alu64('add', R0, bytes));
    code.place(next);
  }
  code.emit(mov64(R0, reg(R4)));
  emitFold(code, R0);
}

/** r4 += the 32-bit words of the `bytes` bytes at `src`. Clobbers r1. */
function emitWords(code: Code, src: number, bytes: number): void {
  for (let offset = 0; offset < bytes; offset += 4) emitAddWord(code, R4, src, offset);
}

/** sum += the 32-bit word at src + offset. Clobbers r1. */
export function emitAddWord(code: Code, sum: number, src: number, offset: number): void {
  code.emit(load(4, R1, src, offset), alu64('add', sum, reg(R1)));
}

/** Folds a 64-bit sum of 32-bit words to 16 bits: 0 only if it was 0. Clobbers r1. */
export function emitFold(code: Code, sum: number): void {
  // 32 bits of carries make 17 bits more of sum at most: after the first step 33 bits, then 18, 17, 16.
  code.emit(mov64(R1, reg(sum)), alu64('rsh', R1, 32), alu64('lsh', sum, 32), alu64('rsh', sum, 32));
  code.emit(alu64('add', sum, reg(R1)));
  for (let fold = 0; fold < 3; fold++) {
    code.emit(mov64(R1, reg(sum)), alu64('rsh', R1, 16), alu64('and', sum, 0xffff), alu64('add', sum, reg(R1)));
  }
}

/** Goes to `equal` where a folded sum is zero in one's complement: what a right checksum field makes it. */
export function emitJumpIfZero(code: Code, sum: number, equal: string): void {
  code.emit(jump32('jeq', sum, 0, equal), jump32('jeq', sum, 0xffff, equal));
}
