import type { AccessSize } from '../../../codegen/bytecode/instruction.js';
import type { Machine, Step } from '../machine.js';
import type { Region } from '../memory.js';
import type { Operands } from './operands.js';

/** Loads from `src + offset`, zero-extended (`MEM`) or sign-extended (`MEMSX`; 1, 2 or 4 bytes). */
export function loadStep(machine: Machine, size: AccessSize, signExtend: boolean, operands: Operands): Step {
  const { lo, hi, memory } = machine;
  const { dst: d, src: s, offset, next } = operands;
  const readLow = signExtend ? SIGNED[size] : UNSIGNED[size];
  const isWide = size === 8;
  return () => {
    const region = memory.toLoad(hi[s], (lo[s] >>> 0) + offset, size);
    const { at } = memory;
    if (region.fields !== undefined) {
      region.fields.load(at, size, signExtend);
      lo[d] = region.fields.low;
      hi[d] = region.fields.high;
      return next;
    }
    const low = readLow(region, at);
    hi[d] = isWide ? region.view.getInt32(at + 4, true) : signExtend ? low >> 31 : 0;
    lo[d] = low;
    return next;
  };
}

type ReadLow = (region: Region, at: number) => number;

const readWord: ReadLow = ({ view }, at) => view.getInt32(at, true);

const UNSIGNED: Record<AccessSize, ReadLow> = {
  1: ({ view }, at) => view.getUint8(at),
  2: ({ view }, at) => view.getUint16(at, true),
  4: readWord,
  8: readWord,
};

const SIGNED: Record<AccessSize, ReadLow> = {
  1: ({ view }, at) => view.getInt8(at),
  2: ({ view }, at) => view.getInt16(at, true),
  4: readWord,
  8: readWord,
};

/** Stores the low bytes of `src` (a register or the constant of an immediate) at `dst + offset`. */
export function storeStep(machine: Machine, size: AccessSize, operands: Operands): Step {
  const { lo, hi, memory } = machine;
  const { dst: d, src: s, offset, next } = operands;
  const write = WRITE[size];
  return () => {
    const region = memory.toStore(hi[d], (lo[d] >>> 0) + offset, size);
    const { at } = memory;
    if (region.fields === undefined) write(region, at, lo[s], hi[s]);
    else region.fields.store(at, size, lo[s], hi[s]);
    return next;
  };
}

type Write = (region: Region, at: number, low: number, high: number) => void;

const WRITE: Record<AccessSize, Write> = {
  1: ({ view }, at, low) => view.setInt8(at, low),
  2: ({ view }, at, low) => view.setInt16(at, low, true),
  4: ({ view }, at, low) => view.setInt32(at, low, true),
  8: ({ view }, at, low, high) => {
    view.setInt32(at, low, true);
    view.setInt32(at + 4, high, true);
  },
};
