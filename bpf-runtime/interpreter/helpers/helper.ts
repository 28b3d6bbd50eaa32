import type { Context } from '../context/context.js';
import { Fault } from '../fault.js';
import type { Machine } from '../machine.js';
import type { Packet } from '../packet.js';

/** A function of the kernel: takes its arguments from r1 to r5, leaves its answer in r0. */
export type Helper = () => void;

/** Time as the program sees it. */
export interface Clock {
  /** Nanoseconds since boot. */
  readonly nanoseconds: bigint;
  /** Nanoseconds of CLOCK_TAI since 1970; the machine's own time of day if left out. */
  readonly tai?: bigint;
  /** Ticks of jiffies a second; CONFIG_HZ. Default 250. */
  readonly hz?: number;
}

/** bpf_fib_lookup: reads and writes the 64 bytes of struct bpf_fib_lookup, and answers with BPF_FIB_LKUP_RET_* or −errno. */
export type FibLookup = (params: Uint8Array, flags: number) => number;

/** Where a program sent its packet, or a clone of it. */
export interface Redirect {
  readonly ifindex: number;
  /** BPF_F_INGRESS is 1. */
  readonly flags: number;
}

/** What helpers work on. Fields that change are those of the running packet. */
export interface Environment {
  readonly machine: Machine;
  readonly packet: Packet;
  readonly context: Context | undefined;
  /** High half of the context's address. */
  contextHigh: number;
  readonly clock: () => Clock;
  readonly random: () => number;
  readonly fib: FibLookup | undefined;
  readonly cpu: number;
  /** Address of the kernel's own context, where there is one. */
  /** Whether conntrack has an entry for a `struct bpf_sock_tuple` of this protocol. */
  connected: (tuple: Uint8Array, protocol: number) => boolean;
  kernelContext: () => { readonly low: number; readonly high: number } | undefined;
  redirect: Redirect | undefined;
  clones: (Redirect & { readonly packet: Uint8Array })[];
}

/** Helpers by number (enum bpf_func_id). */
export type HelperTable = readonly (readonly [number, Helper])[];

/** Throws unless r1 is the program's context. */
export function requireContext({ machine, contextHigh }: Environment): void {
  if (machine.lo[1] !== 0 || machine.hi[1] !== contextHigh) throw new Fault('bad-argument', 'r1 is not the context');
}

/** A number of bytes in a register; the verifier wants it bounded, and above 0 unless `mayBeZero`. */
export function sizeIn({ machine }: Environment, register: number, mayBeZero: boolean): number {
  const size = machine.lo[register];
  if (machine.hi[register] !== 0 || size < 0 || size >= 1 << 29 || (size === 0 && !mayBeZero)) {
    throw new Fault('bad-argument', `r${register} is no size: 0x${machine.unsigned(register).toString(16)}`);
  }
  return size;
}

export function bytesIn({ machine }: Environment, register: number, size: number): Uint8Array {
  return machine.memory.bytesToRead(machine.hi[register], machine.lo[register], size);
}

export function bytesOut({ machine }: Environment, register: number, size: number): Uint8Array {
  return machine.memory.bytesToWrite(machine.hi[register], machine.lo[register], size);
}
