import {
  alu64,
  callHelper,
  load,
  mov64,
  R0,
  R1,
  R2,
  R7,
  R9,
  reg,
  store,
  storeImm,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { htons } from '../packet/entry.js';
import { emitAddWord, emitFold } from './checksum.js';
import type { Answer } from './frame.js';

/** net.ipv4.ip_default_ttl and the devices' hop_limit as they are unless somebody changes them. */
export const HOP_LIMIT = 64;
const IP_DF = 0x4000;

interface Header4 {
  readonly protocol: number;
  /** A number, or the register that has it (not r0, r1). */
  readonly tos: number | { readonly reg: number };
  readonly id: 0 | 'random';
  readonly dontFragment: boolean;
}

/** Writes an IPv4 header of 20 bytes at r7, but the addresses, for r2 bytes of payload (kept). Clobbers r0, r1. */
export function emitHeader4(answer: Answer, header: Header4): void {
  const { code } = answer;
  code.emit(storeImm(1, R7, 0, 0x45));
  code.emit(typeof header.tos === 'number' ? storeImm(1, R7, 1, header.tos) : store(1, R7, 1, header.tos.reg));
  code.emit(mov64(R1, reg(R2)), alu64('add', R1, 20), toBigEndian(R1, 16), store(2, R7, 2, R1));
  code.emit(storeImm(2, R7, 6, header.dontFragment ? htons(IP_DF) : 0));
  code.emit(storeImm(1, R7, 8, HOP_LIMIT), storeImm(1, R7, 9, header.protocol), storeImm(2, R7, 10, 0));
  if (header.id === 'random') {
    code.emit(mov64(R9, reg(R2)), callHelper('get_prandom_u32'), store(2, R7, 4, R0), mov64(R2, reg(R9)));
  } else {
    code.emit(storeImm(2, R7, 4, header.id));
  }
  code.emit(mov64(R0, 0));
  for (let offset = 0; offset < 20; offset += 4) emitAddWord(code, R0, R7, offset);
  emitFold(code, R0);
  code.emit(alu64('xor', R0, 0xffff), store(2, R7, 10, R0));
}

/** Writes an IPv6 header at r7, but the addresses, for r2 bytes of payload (kept). Clobbers r1. */
export function emitHeader6(answer: Answer, protocol: number): void {
  const { code } = answer;
  code.emit(storeImm(4, R7, 0, 0x60), mov64(R1, reg(R2)), toBigEndian(R1, 16), store(2, R7, 4, R1));
  code.emit(storeImm(1, R7, 6, protocol), storeImm(1, R7, 7, HOP_LIMIT));
}

/** Copies 4-byte words. Clobbers r1. */
export function emitCopy(
  answer: Answer,
  to: number,
  toOffset: number,
  from: number,
  offset: number,
  bytes: number,
): void {
  for (let word = 0; word < bytes; word += 4) {
    answer.code.emit(load(4, R1, from, offset + word), store(4, to, toOffset + word, R1));
  }
}
