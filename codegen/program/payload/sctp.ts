import type { PayloadTest } from '../../../grammar/model/payload.js';
import {
  alu32,
  alu64,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  mov32,
  mov64,
  R1,
  R10,
  R2,
  R3,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { BUFFER, ENDS, OWN, type PayloadCode } from './payload-code.js';

type ChunkTest = Extract<PayloadTest, { kind: 'sctp-chunks' }>;

const SCTP_HEADER = 12;
/** More chunks than fit a frame of 1500 bytes. */
const MAX_CHUNKS = 400;
/** Chunk types for which one register has room. */
const WORD_TYPES = 64;
/** A bit for each of the 256 types. */
const BITMAP_BYTES = 32;
const BITMAP = OWN - BITMAP_BYTES;

/**
 * match_packet (net/netfilter/xt_sctp.c): r8 = offset of the chunk, r9 = bits of the types that are still missing (match
 * all).
 */
export function emitSctpChunks(payload: PayloadCode, test: ChunkTest): void {
  const { code } = payload;
  const [yes, no] = test.inverted ? [ENDS.no, ENDS.yes] : [ENDS.yes, ENDS.no];
  const hotdrop = test.inverted ? ENDS.dropping : ENDS.hotdrop;
  const next = code.label('next');
  const many = test.match === 'all' && test.types.length > WORD_TYPES;
  payload.transport(R8);
  code.emit(alu64('add', R8, SCTP_HEADER));
  if (many) fillBitmap(payload);
  else if (test.match === 'all') {
    payload.hide(R9);
    code.emit(lddw(R1, (1n << BigInt(test.types.length)) - 1n), alu64('xor', R9, reg(R1)));
  }
  const loop = payload.loop(MAX_CHUNKS);
  payload.forget(R8);
  payload.read(reg(R8), 4, hotdrop);
  code.emit(load(2, R1, R10, BUFFER + 2), jump32('jeq', R1, 0, hotdrop), toBigEndian(R1, 16));
  code.emit(alu64('add', R1, 3), alu64('and', R1, ~3), alu64('add', R8, reg(R1)));
  code.emit(load(1, R1, R10, BUFFER), load(1, R2, R10, BUFFER + 1));
  if (many) {
    clearBit(payload);
  } else if (test.types.length === 256) {
    // Flags are asked of named types alone.
    if (test.match === 'any') code.emit(goto(yes));
  } else {
    emitTypes(payload, test, next, yes, no);
    if (test.match === 'only') code.emit(goto(no));
  }
  code.place(next);
  payload.length(R1);
  code.emit(jump64('jlt', R8, reg(R1), loop));
  if (many) {
    code.emit(load(8, R9, R10, BITMAP));
    for (let at = 8; at < BITMAP_BYTES; at += 8) code.emit(load(8, R1, R10, BITMAP + at), alu64('or', R9, reg(R1)));
  }
  if (test.match === 'all') code.emit(jump64('jeq', R9, 0, yes));
  code.emit(goto(test.match === 'only' ? yes : no));
}

/** r1 = type, r2 = flags of the chunk. Falls through for a type that is not listed. */
function emitTypes({ code }: PayloadCode, test: ChunkTest, next: string, yes: string, no: string): void {
  test.types.forEach((type, index) => {
    const other = code.label('other');
    code.emit(jump32('jne', R1, type, other));
    const flags = test.flags.find((asked) => asked.type === type);
    if (flags !== undefined) {
      code.emit(mov32(R3, reg(R2)), alu32('and', R3, flags.mask));
      code.emit(jump32('jne', R3, flags.set, test.match === 'only' ? no : next));
    }
    if (test.match === 'any') code.emit(goto(yes));
    if (test.match === 'all') code.emit(lddw(R3, ~(1n << BigInt(index))), alu64('and', R9, reg(R3)));
    code.emit(goto(next));
    code.place(other);
  });
}

function fillBitmap(payload: PayloadCode): void {
  const { code } = payload;
  payload.hide(R9);
  code.emit(alu64('xor', R9, -1));
  for (let at = 0; at < BITMAP_BYTES; at += 8) code.emit(store(8, R10, BITMAP + at, R9));
}

/** Clears the bit of the type in r1. */
function clearBit({ code }: PayloadCode): void {
  code.emit(mov32(R3, reg(R1)), alu32('and', R3, 7), mov32(R2, 1), alu32('lsh', R2, reg(R3)), alu32('xor', R2, -1));
  code.emit(alu32('rsh', R1, 3), mov64(R3, reg(R10)), alu64('add', R3, BITMAP), alu64('add', R3, reg(R1)));
  code.emit(load(1, R1, R3, 0), alu32('and', R1, reg(R2)), store(1, R3, 0, R1));
}
