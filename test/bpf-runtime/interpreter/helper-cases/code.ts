import {
  alu64,
  callHelper,
  exit,
  HELPER,
  loadMap,
  mov64,
  R1,
  R10,
  R6,
  reg,
  storeImm,
  type Instruction,
} from '../../../../codegen/bytecode/instruction.js';
import type { MapSpec } from '../../../../codegen/object/spec.js';

/** A program with what it returns and leaves of the packet: for the interpreter and the kernel alike. */
export interface HelperCase {
  readonly name: string;
  readonly section: 'xdp' | 'tc';
  readonly code: readonly Instruction[];
  readonly maps?: readonly MapSpec[];
  readonly packet?: Uint8Array;
  readonly want: number;
  /** Packet afterwards; as before if absent. */
  readonly wantPacket?: Uint8Array;
}

/** 64 bytes: MAC addresses, EtherType of IPv4, then an IPv4 header and UDP with the bytes' places as data. */
export const FRAME = Uint8Array.from({ length: 64 }, (_, at) => at);
FRAME.set([0x08, 0x00, 0x45, 0, 0, 50], 12);
FRAME[23] = 17;

export const ENOMEM = -12;
export const EACCES = -13;
export const EFAULT = -14;
export const EEXIST = -17;
export const ENOENT = -2;
export const E2BIG = -7;
export const EINVAL = -22;
export const ENOSPC = -28;
export const ENOTSUPP = -524;

type Argument = number | { readonly reg: number } | { readonly stack: number } | { readonly map: string };

/** Calls a helper; r6 is the context. */
export function call(helper: keyof typeof HELPER, ...args: readonly Argument[]): readonly Instruction[] {
  const loads = args.flatMap((argument, index): readonly Instruction[] => {
    const register = index + 1;
    if (typeof argument === 'number') return [mov64(register, argument)];
    if ('stack' in argument) return [mov64(register, reg(R10)), alu64('add', register, argument.stack)];
    if ('map' in argument) return [loadMap(register, argument.map)];
    return [mov64(register, argument)];
  });
  return [...loads, callHelper(helper)];
}

export const context = { reg: R6 };
export const start = mov64(R6, reg(R1));

/** A program that returns what the helper answers. */
export function answer(helper: keyof typeof HELPER, ...args: readonly Argument[]): readonly Instruction[] {
  return [start, ...call(helper, ...args), exit()];
}

export const without = (start: number, end = FRAME.length): Uint8Array => FRAME.slice(start, end);

export function grown(head: number, tail: number): Uint8Array {
  const out = new Uint8Array(head + FRAME.length + tail);
  out.set(FRAME, head);
  return out;
}

export function changed(at: number, ...bytes: readonly number[]): Uint8Array {
  const out = FRAME.slice();
  out.set(bytes, at);
  return out;
}
export const setValue = (value: number): Instruction => storeImm(8, R10, -16, value);
