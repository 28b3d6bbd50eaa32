import { closeSync, constants, openSync } from 'node:fs';
import { RuntimeError } from './error.js';
import { SystemCallError, trySystemCall } from './libc.js';
import { systemCallNumbers } from './numbers.js';
import { pause } from './pause.js';

/** LOCK_* of flock(2) (include/uapi/asm-generic/fcntl.h). */
const LOCK = { shared: 1, exclusive: 2 } as const;
const DO_NOT_WAIT = 4;
const EWOULDBLOCK = 11;
const STEP_MS = 20;

/**
 * Runs `body` while this process has a directory's lock (flock(2): it ends with the process, whatever ends that).
 * Waits up to `patience` milliseconds for others, then throws `busy`.
 */
export function withLock<T>(directory: string, kind: keyof typeof LOCK, patience: number, body: () => T): T {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    take(fd, directory, LOCK[kind], patience);
    return body();
  } finally {
    closeSync(fd);
  }
}

function take(fd: number, directory: string, kind: number, patience: number): void {
  const { flock } = systemCallNumbers();
  for (let waited = 0; ; waited += STEP_MS) {
    const result = trySystemCall(flock, fd, kind | DO_NOT_WAIT);
    if (result === 0) return;
    if (result !== -EWOULDBLOCK) throw new SystemCallError('flock', -result, directory);
    if (waited >= patience) throw new RuntimeError('busy', `${directory}: another ipt2bpf is at work there`);
    pause(STEP_MS);
  }
}
