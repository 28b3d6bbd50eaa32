import { CLASS, CLASS_MASK } from '../../../codegen/bytecode/instruction.js';
import type { LinkedInstruction, PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Memory } from '../state.js';
import { unsupported } from '../unprovable.js';
import { constant, pointer, type Region } from '../value.js';
import { concrete, exactly, settled, type WalkValue } from './walk-value.js';

export interface Frame {
  readonly placed: PlacedFunction;
  /** Where its caller goes on, and what it keeps in r6 to r9. */
  readonly back: number;
  readonly kept: readonly (WalkValue | undefined)[];
}

/** A machine at an instruction: what it holds is either a number alone or a function of the packet. */
export interface Machine {
  at: number;
  readonly registers: (WalkValue | undefined)[];
  readonly memory: Memory;
  frames: readonly Frame[];
}

/** The read-only data of the object: the table. */
export const DATA: Region = { kind: 'map', name: '.rodata' };

export function fork({ at, registers, memory, frames }: Machine): Machine {
  return { at, registers: [...registers], memory: memory.fork(), frames };
}

export function returnTo({ registers }: Machine, result: WalkValue): void {
  registers[0] = result;
  registers.fill(undefined, 1, 6);
}

/** The instruction's number, which 64-bit instructions extend by its sign. */
export function ownNumber({ opcode, imm }: LinkedInstruction['instruction']): WalkValue {
  const number = Number(imm);
  if (number >= 0) return concrete(number);
  const kind = opcode & CLASS_MASK;
  return kind === CLASS.ALU64 || kind === CLASS.JMP ? negative(number) : concrete(number >>> 0);
}

export function wide({ imm, src, reference }: LinkedInstruction['instruction']): WalkValue {
  if (reference?.kind === 'map') return pointer(mapNamed(reference.name));
  if (reference?.kind === 'data') return pointer(DATA);
  if (src !== 0) throw unsupported('an address of an unknown kind');
  return settled(constant(BigInt(imm)));
}

const negatives = new Map<number, WalkValue>();

/** A number below 0 in 64 bits. */
function negative(number: number): WalkValue {
  let value = negatives.get(number);
  if (value === undefined) negatives.set(number, (value = exactly(BigInt.asUintN(64, BigInt(number)))));
  return value;
}

const maps = new Map<string, Region>();

function mapNamed(name: string): Region {
  let region = maps.get(name);
  if (region === undefined) maps.set(name, (region = { kind: 'map', name }));
  return region;
}
