import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Code } from '../object-code.js';
import { unsupported } from '../unprovable.js';
import { pointer, type Region } from '../value.js';
import type { Frame, Machine } from './machine.js';

/** Functions that may have called one another: more than the kernel lets (MAX_CALL_FRAMES, include/linux/bpf_verifier.h), as some stand in others there. */
const MOST_FRAMES = 9;

/** The stacks of functions of a walk, by how deep they are called, and calls that are followed. */
export class Stacks {
  private readonly known = new Map<string, Region>();

  constructor(private readonly code: Code) {}

  of(frames: readonly Frame[], depth: number): Region {
    const bytes = this.code.frameBytesOf(frames[depth].placed);
    const name = `stack ${depth} of ${bytes}`;
    let stack = this.known.get(name);
    if (stack === undefined) this.known.set(name, (stack = { kind: 'stack', name, bytes }));
    return stack;
  }

  /** The machine is then where the function begins; what it finds in registers 6 to 9 when it comes back is kept as far as it is used. */
  enter(placed: PlacedFunction, machine: Machine): void {
    const { frames, registers } = machine;
    if (frames.length >= MOST_FRAMES) throw unsupported('calls deeper than the kernel allows');
    const caller = frames[frames.length - 1].placed;
    const live = this.code.liveOf(caller)[machine.at - caller.start];
    const kept = registers.slice(6, 10).map((value, i) => ((live & (1 << (6 + i))) === 0 ? undefined : value));
    machine.frames = [...frames, { placed, back: machine.at, kept }];
    registers[0] = undefined;
    registers.fill(undefined, 6, 10);
    registers[10] = pointer(this.of(machine.frames, frames.length));
    machine.at = placed.start;
  }

  /** The machine is then behind the call of the last function that was entered. */
  leave(machine: Machine): void {
    const { frames, registers, memory } = machine;
    const depth = frames.length - 1;
    const { back, kept } = frames[depth];
    memory.drop(this.of(frames, depth));
    registers.fill(undefined, 1, 10);
    kept.forEach((value, index) => (registers[6 + index] = value));
    registers[10] = pointer(this.of(frames, depth - 1));
    machine.frames = frames.slice(0, depth);
    machine.at = back;
  }
}
