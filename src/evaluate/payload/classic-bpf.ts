import type { ClassicInstruction, PayloadTest } from '../../../grammar/model/payload.js';
import { fromBoolean, type PayloadAnswer } from './answer.js';
import type { PayloadPacket } from './packet.js';

type ClassicTest = Extract<PayloadTest, { kind: 'classic-bpf' }>;

/** Instruction classes, sizes, modes and operations (include/uapi/linux/bpf_common.h). */
const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const;
const MODE = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, LEN: 0x80, MSH: 0xa0 } as const;
/** SKF_NET_OFF and SKF_AD_OFF + SKF_AD_PROTOCOL (include/uapi/linux/filter.h), with their sign. */
const NETWORK = -0x100000;
const PROTOCOL = -0x1000;
const SIZE_BYTES: Readonly<Record<number, number>> = { 0x00: 4, 0x08: 2, 0x10: 1 };
const ETHERTYPES = { v4: 0x0800, v6: 0x86dd } as const;
const SOURCE_X = 0x08;
const RETURN_A = 0x10;
const MISC_TXA = 0x80;

/** The program over the packet, whose first byte is that of the IP header; a load beyond its end returns 0. */
export function classicBpf({ program }: ClassicTest, { bytes, family }: PayloadPacket): PayloadAnswer {
  let a = 0;
  let x = 0;
  const memory = new Uint32Array(16);
  const load = (given: number, size: number): number | undefined => {
    // Negative offsets from SKF_NET_OFF on count from the network header, too.
    const offset = given < 0 && given >= NETWORK ? given - NETWORK : given;
    if (offset < 0 || offset + size > bytes.length) return undefined;
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + bytes[offset + i];
    return value;
  };
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at];
    const operand = (code & SOURCE_X) === 0 ? k : x;
    switch (code & 7) {
      case CLASS.LD:
      case CLASS.LDX: {
        const isProtocol = (code & 0xe0) === MODE.ABS && (k | 0) === PROTOCOL;
        const value = isProtocol ? ETHERTYPES[family] : loaded(program[at], x, memory, bytes.length, load);
        if (value === undefined) return 'no';
        if ((code & 7) === CLASS.LD) a = value;
        else x = value;
        break;
      }
      case CLASS.ST:
        memory[k] = a;
        break;
      case CLASS.STX:
        memory[k] = x;
        break;
      case CLASS.ALU: {
        const value = calculate(code & 0xf0, a, operand);
        if (value === undefined) return 'no';
        a = value;
        break;
      }
      case CLASS.JMP:
        if ((code & 0xf0) === 0) at += k;
        else at += compares(code & 0xf0, a, operand) ? jt : jf;
        break;
      case CLASS.RET:
        return fromBoolean(((code & 0x18) === RETURN_A ? a : k) !== 0);
      default:
        if ((code & 0xf8) === MISC_TXA) a = x;
        else x = a;
    }
  }
  return 'no';
}

/** The value of a load; undefined where the packet ends before. */
function loaded(
  { code, k }: ClassicInstruction,
  x: number,
  memory: Uint32Array,
  length: number,
  load: (offset: number, size: number) => number | undefined,
): number | undefined {
  const size = SIZE_BYTES[code & 0x18];
  switch (code & 0xe0) {
    case MODE.IMM:
      return k >>> 0;
    case MODE.LEN:
      return length;
    case MODE.MEM:
      return memory[k];
    case MODE.ABS:
      return load(k | 0, size);
    case MODE.IND:
      return load((x + k) | 0, size);
    case MODE.MSH: {
      const byte = load(k, 1);
      return byte === undefined ? undefined : (byte & 0x0f) * 4;
    }
    default:
      return undefined;
  }
}

/** undefined where it divides by 0. */
function calculate(operation: number, a: number, operand: number): number | undefined {
  const b = operand >>> 0;
  switch (operation) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      return b === 0 ? undefined : Math.floor(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return (a << (b & 31)) >>> 0;
    case 0x70:
      return a >>> (b & 31);
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return b === 0 ? undefined : a % b;
    default:
      return (a ^ b) >>> 0;
  }
}

function compares(operation: number, a: number, operand: number): boolean {
  const b = operand >>> 0;
  switch (operation) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}
