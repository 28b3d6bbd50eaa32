import { addFieldOffset, load, R0, R1, R10, R2, R6, store, toBigEndian } from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import { padWithNul } from '../device-name.js';
import { loadSkb } from './packet.js';
import { NF_CONTEXT } from './structs.js';

/**
 * The name of the device that the hook's state gives (`state->in` or `state->out`), NUL-padded, as two words at r10 +
 * `to`, first character most significant; zeros where there is none. r6 = context. Clobbers r0–r5.
 */
export function emitStateDevice(code: Code, which: 'in' | 'out', to: number): void {
  code.emit(load(8, R0, R6, NF_CONTEXT.state), addFieldOffset(R0, 'nf_hook_state', which), load(8, R0, R0, 0));
  emitName(code, to);
}

/** The same of the packet's own device, by which it came to a socket or leaves it. r7 = the packet. */
export function emitPacketDevice(code: Code, _which: 'in' | 'out', to: number): void {
  loadSkb(code, R0, 'dev');
  emitName(code, to);
}

/** r0 = the device. */
function emitName(code: Code, to: number): void {
  code.emit(addFieldOffset(R0, 'net_device', 'name'), load(8, R1, R0, 0), load(8, R2, R0, 8));
  code.emit(...padWithNul());
  code.emit(toBigEndian(R1, 64), store(8, R10, to, R1), toBigEndian(R2, 64), store(8, R10, to + 8, R2));
}
