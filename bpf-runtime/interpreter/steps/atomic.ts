import { ATOMIC_OP } from '../../../codegen/bytecode/instruction.js';
import { Fault } from '../fault.js';
import type { Machine, Step } from '../machine.js';
import type { Operands } from './operands.js';

const KNOWN: ReadonlySet<number> = new Set([
  ...[ATOMIC_OP.add, ATOMIC_OP.or, ATOMIC_OP.and, ATOMIC_OP.xor].flatMap((op) => [op, op | ATOMIC_OP.fetch]),
  ATOMIC_OP.xchg,
  ATOMIC_OP.cmpxchg,
]);

/**
 * Read-modify-write at `dst + offset` (RFC 9669 section 5.3). With `fetch` and `xchg` the old value goes to `src`, with
 * `cmpxchg` to r0; 32-bit values are zero-extended.
 */
export function atomicStep(machine: Machine, size: 4 | 8, operands: Operands): Step | undefined {
  if (!KNOWN.has(operands.imm)) return undefined;
  return size === 4 ? atomic32Step(machine, operands) : atomic64Step(machine, operands);
}

/** The view to work on; both reading and writing are checked. Its offset is left in `memory.at`. */
function find({ lo, hi, memory }: Machine, { dst, offset }: Operands, size: number): DataView {
  const place = (lo[dst] >>> 0) + offset;
  memory.toLoad(hi[dst], place, size);
  const region = memory.toStore(hi[dst], place, size);
  if (region.fields !== undefined) throw new Fault('bad-argument', `atomic operation on ${region.name}`);
  return region.view;
}

function combine(operation: number, old: number, value: number): number {
  switch (operation & ~ATOMIC_OP.fetch) {
    case ATOMIC_OP.or:
      return old | value;
    case ATOMIC_OP.and:
      return old & value;
    case ATOMIC_OP.xor:
      return old ^ value;
    default:
      return (old + value) | 0;
  }
}

function atomic32Step(machine: Machine, operands: Operands): Step {
  const { lo, hi, memory } = machine;
  const { src, imm, next } = operands;
  const fetches = (imm & ATOMIC_OP.fetch) !== 0;
  const to = imm === ATOMIC_OP.cmpxchg ? 0 : src;
  return () => {
    const view = find(machine, operands, 4);
    const { at } = memory;
    const old = view.getInt32(at, true);
    let value = lo[src];
    if (imm === ATOMIC_OP.cmpxchg) value = old === lo[0] ? value : old;
    else if (imm !== ATOMIC_OP.xchg) value = combine(imm, old, value);
    view.setInt32(at, value, true);
    if (fetches) {
      lo[to] = old;
      hi[to] = 0;
    }
    return next;
  };
}

function atomic64Step(machine: Machine, operands: Operands): Step {
  const { lo, hi, memory } = machine;
  const { src, imm, next } = operands;
  const fetches = (imm & ATOMIC_OP.fetch) !== 0;
  const to = imm === ATOMIC_OP.cmpxchg ? 0 : src;
  const adds = (imm & ~ATOMIC_OP.fetch) === ATOMIC_OP.add;
  return () => {
    const view = find(machine, operands, 8);
    const { at } = memory;
    const oldLow = view.getInt32(at, true);
    const oldHigh = view.getInt32(at + 4, true);
    let low = lo[src];
    let high = hi[src];
    if (imm === ATOMIC_OP.cmpxchg) {
      if (oldLow !== lo[0] || oldHigh !== hi[0]) {
        low = oldLow;
        high = oldHigh;
      }
    } else if (imm !== ATOMIC_OP.xchg) {
      low = combine(imm, oldLow, low);
      const carry = adds && low >>> 0 < oldLow >>> 0 ? 1 : 0;
      high = combine(imm, oldHigh, high) + carry;
    }
    view.setInt32(at, low, true);
    view.setInt32(at + 4, high, true);
    if (fetches) {
      lo[to] = oldLow;
      hi[to] = oldHigh;
    }
    return next;
  };
}
