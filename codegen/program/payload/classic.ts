import type { Family } from '../../../grammar/model/family.js';
import type { ClassicInstruction, PayloadTest } from '../../../grammar/model/payload.js';
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
  type AluOp,
  type JumpOp,
} from '../../bytecode/instruction.js';
import { BUFFER, ENDS, type PayloadCode } from './payload-code.js';
import { BELOW_SEEN, type SeenHeader } from './seen-header.js';

type ClassicTest = Extract<PayloadTest, { kind: 'classic-bpf' }>;

/** Fields of the code (include/uapi/linux/bpf_common.h). */
const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6 } as const;
const MODE = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, LEN: 0x80 } as const;
const SOURCE_X = 0x08;
const RETURN_A = 0x10;
const TXA = 0x80;
const ALU: Readonly<Record<number, AluOp>> = {
  0x00: 'add',
  0x10: 'sub',
  0x20: 'mul',
  0x30: 'div',
  0x40: 'or',
  0x50: 'and',
  0x60: 'lsh',
  0x70: 'rsh',
  0x80: 'neg',
  0x90: 'mod',
  0xa0: 'xor',
};
const JUMP: Readonly<Record<number, JumpOp>> = { 0x10: 'jeq', 0x20: 'jgt', 0x30: 'jge', 0x40: 'jset' };

/** Offsets that are no plain ones (include/uapi/linux/filter.h): facts, from the network header, from the link header. */
const ANCILLARY = 0xfffff000;
const NETWORK = 0xfff00000;
const LINK = 0xffe00000;
const ANCILLARY_PROTOCOL = ANCILLARY;
const WORDS = 16;
const MEMORY = BELOW_SEEN - 4 * WORDS;

const bytesOf = (code: number): 1 | 2 | 4 => ((code & 0x18) === 0 ? 4 : (code & 0x18) === 0x08 ? 2 : 1);
const modeOf = (code: number): number => code & 0xe0;

function isLoad({ code }: ClassicInstruction): boolean {
  return (code & 7) === CLASS.LD || (code & 7) === CLASS.LDX;
}

/** What a program reads that is not known of every packet; undefined where it reads the packet alone. */
export function unknownLoad(program: readonly ClassicInstruction[]): string | undefined {
  for (const instruction of program) {
    const { code, k } = instruction;
    if (!isLoad(instruction) || k < 0x80000000) continue;
    const mode = modeOf(code);
    if (mode === MODE.IMM || mode === MODE.MEM || mode === MODE.LEN) continue;
    if (mode === MODE.ABS && (k === ANCILLARY_PROTOCOL || (k >= NETWORK && k < ANCILLARY))) continue;
    // Relative to X any number may lead back into the packet.
    if (mode === MODE.IND) continue;
    return k >= ANCILLARY ? `a fact about the packet (offset ${k})` : `the link header (offset ${k})`;
  }
  return undefined;
}

/** The program as net/core/filter.c `bpf_convert_filter` has it: r8 = A, r9 = X, scratch words on the stack. */
export function emitClassic(payload: PayloadCode, seen: SeenHeader, family: Family, { program }: ClassicTest): void {
  const { code } = payload;
  seen.prepare();
  code.emit(mov32(R8, 0), mov32(R9, 0), mov64(R1, 0));
  for (let at = 0; at < 4 * WORDS; at += 8) code.emit(store(8, R10, MEMORY + at, R1));
  const labels = program.map(() => code.label('step'));
  program.forEach((instruction, at) => {
    code.place(labels[at]);
    emitStep({ payload, seen, family, labels, at }, instruction);
  });
}

interface Step {
  readonly payload: PayloadCode;
  readonly seen: SeenHeader;
  readonly family: Family;
  readonly labels: readonly string[];
  readonly at: number;
}

function emitStep(step: Step, instruction: ClassicInstruction): void {
  const { code } = step.payload;
  const { code: opcode, jt, jf, k } = instruction;
  const byX = (opcode & SOURCE_X) !== 0;
  switch (opcode & 7) {
    case CLASS.LD:
    case CLASS.LDX:
      emitLoad(step, instruction, (opcode & 7) === CLASS.LD ? R8 : R9);
      return;
    case CLASS.ST:
    case CLASS.STX:
      code.emit(store(4, R10, MEMORY + 4 * k, (opcode & 7) === CLASS.ST ? R8 : R9));
      return;
    case CLASS.ALU: {
      const op = ALU[opcode & 0xf0];
      // Division by 0 ends the program with 0.
      if (byX && (op === 'div' || op === 'mod')) code.emit(jump32('jeq', R9, 0, ENDS.no));
      code.emit(alu32(op, R8, byX ? reg(R9) : op === 'neg' ? 0 : k | 0));
      return;
    }
    case CLASS.JMP: {
      const target = (skip: number): string => step.labels[step.at + 1 + skip];
      if ((opcode & 0xf0) === 0) {
        code.emit(goto(target(k)));
        return;
      }
      code.emit(jump32(JUMP[opcode & 0xf0], R8, byX ? reg(R9) : k | 0, target(jt)), goto(target(jf)));
      return;
    }
    case CLASS.RET:
      if ((opcode & 0x18) === RETURN_A) code.emit(jump32('jne', R8, 0, ENDS.yes), goto(ENDS.no));
      else code.emit(goto(k === 0 ? ENDS.no : ENDS.yes));
      return;
    default:
      code.emit((opcode & 0xf8) === TXA ? mov32(R8, reg(R9)) : mov32(R9, reg(R8)));
  }
}

function emitLoad({ payload, seen, family }: Step, { code: opcode, k }: ClassicInstruction, dst: number): void {
  const { code } = payload;
  const bytes = bytesOf(opcode);
  switch (modeOf(opcode)) {
    case MODE.IMM:
      code.emit(mov32(dst, k | 0));
      return;
    case MODE.MEM:
      code.emit(load(4, dst, R10, MEMORY + 4 * k));
      return;
    case MODE.LEN:
      payload.length(dst);
      return;
    case MODE.ABS: {
      if (k === ANCILLARY_PROTOCOL) {
        code.emit(mov32(dst, family === 'v4' ? 0x0800 : 0x86dd));
        return;
      }
      readAt(payload, seen, k >= NETWORK ? k - NETWORK : k, bytes);
      take(payload, bytes, dst);
      return;
    }
    case MODE.IND: {
      // An offset of 32 bits with a sign: negative ones count from the network header, or from the link header.
      const plain = code.label('plain');
      const network = code.label('network');
      code.emit(mov32(R8, reg(R9)), alu32('add', R8, k | 0), jump32('jsge', R8, 0, plain));
      code.emit(jump32('jge', R8, NETWORK | 0, network), jump32('jge', R8, LINK | 0, ENDS.unknown), goto(ENDS.no));
      code.place(network);
      code.emit(lddw(R1, BigInt(NETWORK)), alu64('sub', R8, reg(R1)));
      code.place(plain);
      payload.read(reg(R8), bytes, ENDS.no);
      seen.correct(reg(R8), bytes);
      take(payload, bytes, dst);
      return;
    }
    default:
      // Four times the lower half of a byte: the length of an IPv4 header.
      readAt(payload, seen, k, 1);
      code.emit(load(1, dst, R10, BUFFER), alu32('and', dst, 15), alu32('lsh', dst, 2));
  }
}

function readAt(payload: PayloadCode, seen: SeenHeader, offset: number, bytes: number): void {
  const { code } = payload;
  if (offset >= 0x7fff0000) {
    code.emit(goto(ENDS.no));
    return;
  }
  payload.read(offset, bytes, ENDS.no);
  seen.correct(offset, bytes);
}

/** dst = the bytes in the buffer, in network order. */
function take({ code }: PayloadCode, bytes: 1 | 2 | 4, dst: number): void {
  code.emit(load(bytes, dst, R10, BUFFER));
  if (bytes > 1) code.emit(toBigEndian(dst, bytes === 2 ? 16 : 32));
}
