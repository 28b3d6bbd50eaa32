import {
  alu64,
  callHelper,
  jump32,
  jump64,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  reg,
  storeImm,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { READY } from './layout.js';

/** Goes to `not` as long as the sets have not been filled. Clobbers r0–r5 and the stack slot at −4. */
export function emitReady(code: Code, not: string): void {
  code.emit(storeImm(4, R10, -4, 0), loadMap(R1, READY), mov64(R2, reg(R10)), alu64('add', R2, -4));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, not));
  code.emit(load(4, R1, R0, 0), jump32('jeq', R1, 0, not));
}
