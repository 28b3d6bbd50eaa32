import type { RangeTest, ValueTest } from '../../../grammar/model/payload.js';
import { alu32, jump32, mov32, R2, reg } from '../../bytecode/instruction.js';
import type { Code } from '../code.js';

/** Goes to `no` unless the unsigned 32-bit number in a register (not r2) is in the range, or outside if inverted. Clobbers r2. */
export function requireRange(code: Code, register: number, { lo, hi, inverted }: RangeTest, no: string): void {
  const empty = lo > hi;
  const every = lo === 0 && hi === 0xffffffff;
  if (empty || every) {
    // No number is in the range, or all are.
    if (empty !== inverted) code.emit(jump32('jle', register, -1, no));
    return;
  }
  code.emit(mov32(R2, reg(register)), alu32('sub', R2, lo | 0));
  code.emit(jump32(inverted ? 'jle' : 'jgt', R2, (hi - lo) | 0, no));
}

/** Goes to `no` unless the register holds the number, or another one if inverted. */
export function requireValue(code: Code, register: number, test: ValueTest | undefined, no: string): void {
  if (test === undefined) return;
  code.emit(jump32(test.inverted ? 'jeq' : 'jne', register, test.value | 0, no));
}
