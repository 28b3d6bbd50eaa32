import type { BpfMap } from './maps/create.js';
import { FRAMES, Memory, STACK_BYTES } from './memory.js';
import { Fault } from './fault.js';
import { signed, unsigned, Wide } from './wide.js';

/** Registers r0 to r10; constants of the program stand behind them. */
export const REGISTERS = 11;
/** Left in a register that a call has used up, so that using it as a pointer faults. */
const POISON = 0x5bad_5bad;
const SAVED = [6, 7, 8, 9] as const;

/** One instruction: does it, and returns the index of the one to do next, or {@link STOP}. */
export type Step = () => number;
export const STOP = -1;

/** What a step works on: 64-bit registers as two halves, the frames of local calls, and memory. */
export class Machine {
  /** Registers, then constants: low and high halves. */
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  readonly wide = new Wide();
  private frame = 0;
  private readonly saved = new Int32Array(FRAMES * SAVED.length * 2);
  private readonly returns = new Int32Array(FRAMES);
  /** Maps by the high half of the address that `lddw` gives. */
  private readonly maps = new Map<number, BpfMap>();

  constructor(
    readonly memory: Memory,
    constants: readonly bigint[],
  ) {
    this.lo = new Int32Array(REGISTERS + constants.length);
    this.hi = new Int32Array(REGISTERS + constants.length);
    constants.forEach((value, index) => this.set(REGISTERS + index, value));
  }

  set(register: number, value: bigint): void {
    this.lo[register] = Number(BigInt.asIntN(32, value));
    this.hi[register] = Number(BigInt.asIntN(32, value >> 32n));
  }

  unsigned(register: number): bigint {
    return unsigned(this.lo[register], this.hi[register]);
  }

  signed(register: number): bigint {
    return signed(this.lo[register], this.hi[register]);
  }

  addMap(map: BpfMap): number {
    const high = this.memory.mapHandle(`map ${map.spec.name}`);
    this.maps.set(high, map);
    return high;
  }

  /** The map that a register points to. */
  mapIn(register: number): BpfMap {
    const map = this.lo[register] === 0 ? this.maps.get(this.hi[register]) : undefined;
    if (map === undefined) throw new Fault('bad-argument', `r${register} is no map`);
    return map;
  }

  /** Prepares a run: an empty stack, r1 as given, all other registers unset. */
  start(r1Low: number, r1High: number): void {
    this.frame = 0;
    for (let register = 0; register < REGISTERS; register++) this.poison(register);
    this.lo[1] = r1Low;
    this.hi[1] = r1High;
    this.pointToFrame();
  }

  private pointToFrame(): void {
    this.lo[10] = STACK_BYTES;
    this.hi[10] = this.memory.enterFrame(this.frame);
  }

  private poison(register: number): void {
    this.lo[register] = POISON;
    this.hi[register] = POISON;
  }

  /** Clears what a call does not keep: r1 to r5. */
  poisonArguments(): void {
    this.lo.fill(POISON, 1, 6);
    this.hi.fill(POISON, 1, 6);
  }

  /** Sets r0 to a signed number. */
  answer(value: number): void {
    this.lo[0] = value | 0;
    this.hi[0] = value < 0 ? -1 : 0;
  }

  /** Enters a local function that returns to `back`. */
  call(back: number): void {
    const { frame, lo, hi, saved } = this;
    if (frame + 1 >= FRAMES) throw new Fault('too-many-frames', `call from frame ${frame + 1} of ${FRAMES}`);
    const at = frame * SAVED.length * 2;
    for (let i = 0; i < SAVED.length; i++) {
      const register = SAVED[i];
      saved[at + 2 * i] = lo[register];
      saved[at + 2 * i + 1] = hi[register];
      this.poison(register);
    }
    this.returns[frame] = back;
    this.frame++;
    this.pointToFrame();
  }

  /** Leaves a function; where to go on, or {@link STOP}. */
  leave(): number {
    if (this.frame === 0) return STOP;
    const frame = --this.frame;
    const { lo, hi, saved } = this;
    const at = frame * SAVED.length * 2;
    for (let i = 0; i < SAVED.length; i++) {
      const register = SAVED[i];
      lo[register] = saved[at + 2 * i];
      hi[register] = saved[at + 2 * i + 1];
    }
    this.poisonArguments();
    lo[10] = STACK_BYTES;
    hi[10] = this.memory.frameAddress(frame);
    return this.returns[frame];
  }
}
