import type { PayloadTest } from '../../../grammar/model/payload.js';
import {
  alu32,
  alu64,
  goto,
  jump32,
  lddw,
  load,
  mov32,
  mov64,
  R1,
  R10,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { BUFFER, ENDS, type PayloadCode } from './payload-code.js';
import { BELOW_SEEN, type SeenHeader } from './seen-header.js';

type U32Test = Extract<PayloadTest, { kind: 'u32' }>;

const BASE = BELOW_SEEN - 8;

/** u32_match_it (net/netfilter/xt_u32.c): r9 = value, the slot BASE = what `@` has added up. */
export function emitU32(payload: PayloadCode, seen: SeenHeader, { locations }: U32Test): void {
  const { code } = payload;
  seen.prepare();
  for (const { start, steps, ranges } of locations) {
    const fits = code.label('fits');
    const moves = steps.some(({ op }) => op === 'at');
    if (moves) code.emit(mov64(R1, 0), store(8, R10, BASE, R1));
    code.emit(lddw(R8, BigInt(start)));
    readWord(payload, seen, start);
    for (const { op, number } of steps) {
      switch (op) {
        case 'and':
          code.emit(alu32('and', R9, number | 0));
          break;
        case 'shl':
          code.emit(alu32('lsh', R9, number & 31));
          break;
        case 'shr':
          code.emit(alu32('rsh', R9, number & 31));
          break;
        case 'at':
          // 64 bits hold every sum; one beyond 32 bits is an offset that no packet has.
          code.emit(load(8, R8, R10, BASE), alu64('add', R8, reg(R9)), store(8, R10, BASE, R8));
          code.emit(lddw(R1, BigInt(number)), alu64('add', R8, reg(R1)));
          readWord(payload, seen, undefined);
          break;
      }
    }
    for (const { lo, hi } of ranges) {
      if (lo > hi) continue;
      code.emit(mov32(R1, reg(R9)), alu32('sub', R1, lo | 0), jump32('jle', R1, (hi - lo) | 0, fits));
    }
    code.emit(goto(ENDS.no));
    code.place(fits);
  }
  code.emit(goto(ENDS.yes));
}

/** r9 = the word at r8; `known`: the offset, where it is a constant. */
function readWord(payload: PayloadCode, seen: SeenHeader, known: number | undefined): void {
  const { code } = payload;
  payload.read(reg(R8), 4, ENDS.no);
  seen.correct(known ?? reg(R8), 4);
  code.emit(load(4, R9, R10, BUFFER), toBigEndian(R9, 32));
}
