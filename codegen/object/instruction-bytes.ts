import type { Instruction } from '../bytecode/instruction.js';
import { slots } from '../bytecode/instruction.js';
import { ByteReader, ByteWriter } from './bytes.js';

export function encode(instructions: readonly Instruction[]): Uint8Array {
  const out = new ByteWriter();
  for (const i of instructions) {
    const imm = BigInt.asUintN(64, BigInt(i.imm));
    out
      .u8(i.opcode)
      .u8((i.src << 4) | i.dst)
      .u16(i.offset & 0xffff)
      .u32(Number(imm & 0xffffffffn));
    if (slots(i) === 2) out.u32(0, Number(imm >> 32n));
  }
  return out.finish();
}

export function decode(bytes: Uint8Array): readonly Instruction[] {
  const at = new ByteReader(bytes, 'code');
  const out: Instruction[] = [];
  while (at.left > 0) {
    const opcode = at.u8();
    const regs = at.u8();
    const offset = (at.u16() << 16) >> 16;
    const low = at.u32();
    const base = { opcode, dst: regs & 15, src: regs >>> 4, offset };
    if (opcode === 0x18) {
      at.u32();
      out.push({ ...base, imm: BigInt(low) | (BigInt(at.u32()) << 32n) });
    } else out.push({ ...base, imm: low | 0 });
  }
  return out;
}
