import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Calls back with the path of a lock file of its own for iptables' tools (XTABLES_LOCKFILE), and removes it afterwards:
 * tools in a namespace of their own need not wait for those of the host, nor for those of another test.
 */
export function withOwnLock<T>(use: (lock: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-lock-'));
  try {
    return use(join(folder, 'lock'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same for tools that inherit the environment of this process. */
export function underOwnLock<T>(use: () => T): T {
  return withOwnLock((lock) => {
    const before = process.env.XTABLES_LOCKFILE;
    process.env.XTABLES_LOCKFILE = lock;
    try {
      return use();
    } finally {
      if (before === undefined) delete process.env.XTABLES_LOCKFILE;
      else process.env.XTABLES_LOCKFILE = before;
    }
  });
}
