import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import {
  alu64,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R1,
  R10,
  R2,
  R3,
  reg,
  store,
  alu32,
} from '../../bytecode/instruction.js';
import type { Hook } from '../manifest.js';
import { BUFFER, ENDS, OWN, type PayloadCode } from './payload-code.js';

/** 4 bytes: those bytes of the IP header that a chain sees otherwise than the wire does. */
const SEEN = OWN - 8;
/** Below what this file uses of the stack. */
export const BELOW_SEEN = SEEN;

/** Where the packet's bytes are not those that the chain sees: forwarded on the wire, TTL and checksum are the old ones. */
export class SeenHeader {
  /** Offsets in the IP header of the bytes in question. */
  private readonly offsets: readonly number[];

  constructor(
    private readonly payload: PayloadCode,
    hook: Hook,
    chain: BuiltinChain,
    private readonly family: Family,
  ) {
    this.offsets = chain !== 'FORWARD' || hook === 'netfilter' ? [] : family === 'v4' ? [8, 10, 11] : [7];
  }

  /** The last of the bytes in question; −1 where there are none. */
  get last(): number {
    return Math.max(-1, ...this.offsets);
  }

  /** Works them out as ip_decrease_ttl does (include/net/ip.h). Clobbers r0–r5. */
  prepare(): void {
    if (this.offsets.length === 0) return;
    const { payload } = this;
    const { code } = payload;
    payload.read(this.base, 4, ENDS.no);
    code.emit(load(1, R1, R10, BUFFER), load(1, R2, R10, BUFFER + 1), load(2, R3, R10, BUFFER + 2));
    if (this.family === 'v6') {
      code.emit(load(1, R1, R10, BUFFER + 0), alu32('sub', R1, 1), store(1, R10, SEEN, R1));
      return;
    }
    const whole = code.label('sum');
    code.emit(alu32('sub', R1, 1), store(1, R10, SEEN, R1), store(1, R10, SEEN + 1, R2));
    // The sum as it lies in memory, so that no byte order matters.
    code.emit(alu32('add', R3, 1), jump32('jlt', R3, 0xffff, whole), alu32('add', R3, 1));
    code.place(whole);
    code.emit(store(2, R10, SEEN + 2, R3));
  }

  private get base(): number {
    return this.family === 'v4' ? 8 : 7;
  }

  /** Corrects what was read to `to` from offset `from` on: a number, or a register (not r1–r3). Clobbers r1–r3. */
  correct(from: number | { readonly reg: number }, bytes: number, to: number = BUFFER): void {
    const { code } = this.payload;
    for (const offset of this.offsets) {
      const seen = SEEN + offset - this.base;
      if (typeof from === 'number') {
        const at = offset - from;
        if (at >= 0 && at < bytes) code.emit(load(1, R1, R10, seen), store(1, R10, to + at, R1));
        continue;
      }
      const outside = code.label('outside');
      code.emit(mov32(R1, offset), alu64('sub', R1, from), jump64('jgt', R1, bytes - 1, outside));
      code.emit(load(1, R3, R10, seen), mov64(R2, reg(R10)), alu64('add', R2, to), alu64('add', R2, reg(R1)));
      code.emit(store(1, R2, 0, R3));
      code.place(outside);
    }
  }
}
