import { RuntimeError } from './error.js';

/** System call numbers that this project uses (arch/x86/entry/syscalls/syscall_64.tbl, scripts/syscall.tbl). */
interface SystemCallNumbers {
  readonly write: number;
  readonly read: number;
  readonly ioctl: number;
  readonly mmap: number;
  readonly munmap: number;
  readonly socket: number;
  readonly sendto: number;
  readonly recvfrom: number;
  readonly recvmmsg: number;
  readonly bind: number;
  readonly listen: number;
  readonly setsockopt: number;
  readonly unshare: number;
  readonly setns: number;
  readonly bpf: number;
  readonly flock: number;
  readonly clock_gettime: number;
}

const X64: SystemCallNumbers = {
  read: 0,
  write: 1,
  mmap: 9,
  munmap: 11,
  ioctl: 16,
  socket: 41,
  sendto: 44,
  recvfrom: 45,
  bind: 49,
  listen: 50,
  setsockopt: 54,
  flock: 73,
  clock_gettime: 228,
  unshare: 272,
  recvmmsg: 299,
  setns: 308,
  bpf: 321,
};

const ARM64: SystemCallNumbers = {
  ioctl: 29,
  flock: 32,
  clock_gettime: 113,
  read: 63,
  write: 64,
  unshare: 97,
  socket: 198,
  bind: 200,
  listen: 201,
  sendto: 206,
  recvfrom: 207,
  setsockopt: 208,
  munmap: 215,
  mmap: 222,
  recvmmsg: 243,
  setns: 268,
  bpf: 280,
};

function numbersOf(machine: string): SystemCallNumbers {
  if (machine === 'x64') return X64;
  if (machine === 'arm64') return ARM64;
  throw new RuntimeError('unsupported-machine', `system calls of ${machine} are not known (x64 and arm64 are)`);
}

let known: SystemCallNumbers | undefined;

/** The numbers of this machine; throws `unsupported-machine` for any but x64 and arm64. */
export function systemCallNumbers(): SystemCallNumbers {
  return (known ??= numbersOf(process.arch));
}
