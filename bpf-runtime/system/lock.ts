import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { RuntimeError } from './error.js';
import { SystemCallError, trySystemCall } from './libc.js';
import { systemCallNumbers } from './numbers.js';
import { pause } from './pause.js';

/** LOCK_* of flock(2) (include/uapi/asm-generic/fcntl.h). */
const LOCK = { shared: 1, exclusive: 2 } as const;
const DO_NOT_WAIT = 4;
const EWOULDBLOCK = 11;
const STEP_MS = 20;

/** What was done with a lock. */
export interface Done<T> {
  readonly value: T;
}

/**
 * Runs `body` while this process has a directory's lock (flock(2): it ends with the process, whatever ends that), and says
 * what it returned; undefined where there is no such directory. Who has the exclusive lock may remove the directory: others
 * who wait for it then look for another one at that path. Waits up to `patience` milliseconds for others, then throws `busy`.
 */
export function withLock<T>(
  directory: string,
  kind: keyof typeof LOCK,
  patience: number,
  body: () => T,
): Done<T> | undefined {
  for (;;) {
    const fd = opened(directory);
    if (fd === undefined) return undefined;
    try {
      take(fd, directory, LOCK[kind], patience);
      if (isAt(fd, directory)) return { value: body() };
    } finally {
      closeSync(fd);
    }
  }
}

function opened(directory: string): number | undefined {
  try {
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether what is open is what stands at the path by now. */
function isAt(fd: number, path: string): boolean {
  const [have, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return there !== undefined && there.ino === have.ino && there.dev === have.dev;
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
