import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';

/** A failed system call, with what was tried. */
export class SystemCallError extends Error {
  constructor(
    readonly call: string,
    readonly errno: number,
    detail?: string,
  ) {
    super(`${call}: ${getSystemErrorName(-errno)}${detail === undefined ? '' : `: ${detail}`}`);
    this.name = 'SystemCallError';
  }
}

type Argument = number | bigint | Uint8Array | null;
type Syscall = (n: number, a: Argument, b: Argument, c: Argument, d: Argument, e: Argument, f: Argument) => number;

type FastSyscall = (n: number, a: number, b: number, c: number, d: number, e: number, f: number) => number;

interface Libc {
  syscall: Syscall;
  fastSyscall: FastSyscall;
  address(memory: Uint8Array): bigint;
  view(address: bigint, bytes: number): ArrayBuffer;
  errno(): number;
}

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded === undefined) {
    // Loaded on first use: commands that never talk to the kernel do not pay for it.
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const library = koffi.load('libc.so.6');
    loaded = {
      // Pointers travel as `void *`: a typed array (its memory, pinned for the call), a number, or null.
      syscall: library.func('long syscall(long, void *, void *, void *, void *, void *, void *)') as unknown as Syscall,
      fastSyscall: library.func('long syscall(long, long, long, long, long, long, long)') as unknown as FastSyscall,
      address: (memory) => koffi.address(memory),
      view: (address, bytes) => koffi.view(address, bytes),
      errno: () => koffi.errno(),
    };
  }
  return loaded;
}

/**
 * `syscall(2)` on the calling thread. Numbers go as they are, typed arrays as pointers to their memory.
 * Returns the result (≥ 0); throws {@link SystemCallError} where it is −1.
 */
export function systemCall(name: string, number: number, ...args: readonly Argument[]): number {
  const result = trySystemCall(number, ...args);
  if (result < 0) throw new SystemCallError(name, -result);
  return result;
}

/** As {@link systemCall}, but a failure returns −errno. */
export function trySystemCall(number: number, ...args: readonly Argument[]): number {
  const pass = [0, 1, 2, 3, 4, 5].map((i) => {
    const arg = args[i] ?? null;
    return typeof arg === 'number' ? BigInt(arg) : arg;
  });
  const { syscall, errno } = libc();
  const result = Number(syscall(number, pass[0], pass[1], pass[2], pass[3], pass[4], pass[5]));
  return result < 0 ? -errno() : result;
}

/**
 * `syscall(2)` with numbers and {@link addressOf addresses} alone, for loops that make a million calls (about 0.2 µs
 * each beside the kernel's own work). A failure returns −errno.
 */
export function fastSystemCall(number: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  const { fastSyscall, errno } = loaded ?? libc();
  const result = fastSyscall(number, a, b, c, d, e, f);
  return result < 0 ? -errno() : result;
}

/**
 * Where a typed array's memory is, for structs that hold pointers. It stays there as long as the array lives: the
 * caller keeps the array. User addresses are below 2^48, so a number holds them.
 */
export function addressOf(memory: Uint8Array): number {
  return Number(libc().address(memory));
}

/** Memory that the kernel has mapped at an address. Not to be touched after it is unmapped. */
export function viewMemory(address: number, bytes: number): ArrayBuffer {
  return libc().view(BigInt(address), bytes);
}
