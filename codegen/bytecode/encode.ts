import { CLASS, SIZE, slots, type Instruction } from './instruction.js';

export const SLOT_BYTES = 8;

const LDDW = CLASS.LD | SIZE[8];

/** Why bytes are no instructions. */
export class DecodeError extends Error {
  constructor(
    readonly code: 'truncated',
    /** Bytes from the start. */
    readonly offset: number,
    detail: string,
  ) {
    super(`byte ${offset}: ${detail}`);
    this.name = 'DecodeError';
  }
}

/**
 * Instructions as the kernel reads them: slots of 8 bytes, little endian (RFC 9669 section 3). References are not
 * written: what an instruction holds until they are resolved is its immediate and offset.
 */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const total = instructions.reduce((sum, instruction) => sum + slots(instruction), 0);
  const bytes = new Uint8Array(total * SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { opcode, dst, src, offset, imm } of instructions) {
    view.setUint8(at, opcode);
    view.setUint8(at + 1, (src << 4) | dst);
    view.setInt16(at + 2, offset, true);
    if (opcode === LDDW) {
      const value = BigInt.asUintN(64, BigInt(imm));
      view.setUint32(at + 4, Number(value & 0xffff_ffffn), true);
      view.setUint32(at + 12, Number(value >> 32n), true);
      at += SLOT_BYTES;
    } else {
      view.setInt32(at + 4, Number(imm), true);
    }
    at += SLOT_BYTES;
  }
  return bytes;
}

/** The inverse of {@link encode}, without references and labels. Throws {@link DecodeError}. */
export function decode(bytes: Uint8Array): readonly Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Instruction[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + SLOT_BYTES > bytes.length) throw new DecodeError('truncated', at, 'an instruction has 8 bytes');
    const opcode = view.getUint8(at);
    const registers = view.getUint8(at + 1);
    const instruction = { opcode, dst: registers & 15, src: registers >>> 4, offset: view.getInt16(at + 2, true) };
    if (opcode === LDDW) {
      if (at + 2 * SLOT_BYTES > bytes.length) throw new DecodeError('truncated', at, 'lddw has 16 bytes');
      const low = view.getUint32(at + 4, true);
      const high = view.getUint32(at + 12, true);
      out.push({ ...instruction, imm: (BigInt(high) << 32n) | BigInt(low) });
      at += SLOT_BYTES;
    } else {
      out.push({ ...instruction, imm: view.getInt32(at + 4, true) });
    }
    at += SLOT_BYTES;
  }
  return out;
}
