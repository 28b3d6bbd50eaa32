import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { RuntimeError } from './error.js';
import { systemCall } from './libc.js';
import { systemCallNumbers } from './numbers.js';

const CLONE_NEWNET = 0x40000000;
const THREAD_NAMESPACE = '/proc/thread-self/ns/net';

function openCurrent(): number {
  return openSync(THREAD_NAMESPACE, 'r');
}

function enter(fd: number): void {
  systemCall('setns', systemCallNumbers().setns, fd, CLONE_NEWNET);
}

/** Runs `body` in whatever namespace the thread is moved to, and takes the thread back to where it was. */
function returning<T>(body: () => T): T {
  const home = openCurrent();
  try {
    return body();
  } finally {
    try {
      enter(home);
    } catch (error) {
      // Going on in the wrong namespace could change the host's network: nothing may run after this.
      throw new RuntimeError(
        'namespace-lost',
        `cannot go back to the network namespace of the caller: ${String(error)}`,
      );
    } finally {
      closeSync(home);
    }
  }
}

/**
 * A network namespace without a name: it lives as long as this object, a device's file, a socket or a process keeps
 * it, and leaves nothing in the file system. Needs CAP_SYS_ADMIN.
 *
 * Only the calling thread moves. Child processes that are spawned synchronously inherit the namespace; sockets and
 * TAP devices opened inside stay in it when the thread has left.
 */
export class NetworkNamespace {
  private constructor(private fd: number) {}

  static create(): NetworkNamespace {
    return returning(() => {
      systemCall('unshare', systemCallNumbers().unshare, CLONE_NEWNET);
      return new NetworkNamespace(openCurrent());
    });
  }

  /** Runs `body` inside. It must be synchronous: whatever it awaits would run outside. */
  run<T>(body: () => T): T {
    if (this.fd < 0) throw new RuntimeError('closed', 'the network namespace is closed');
    const result = returning(() => {
      enter(this.fd);
      return body();
    });
    if (result instanceof Promise) {
      throw new RuntimeError('not-synchronous', 'what runs in a network namespace must not be asynchronous');
    }
    return result;
  }

  /** Lets the namespace go; it ends when nothing else keeps it. */
  close(): void {
    if (this.fd < 0) return;
    closeSync(this.fd);
    this.fd = -1;
  }
}

/**
 * A file by which a network namespace can be entered, given as /proc/PID/ns/net says it (`net:[4026531840]`): where it is mounted, or of
 * a process that is in it or has it open. Undefined where there is none: something still keeps it, perhaps, but nobody can enter it.
 */
export function namespaceFile(namespace: string): string | undefined {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  // Root of the mount and mount point are the fourth and fifth word (proc_pid_mountinfo(5)).
  const mounted = mounts.map((line) => line.split(' ')).find((words) => words[3] === namespace);
  if (mounted !== undefined) return mounted[4];
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const inside = processes.map((pid) => `/proc/${pid}/ns/net`).find((path) => linkOf(path) === namespace);
  return inside ?? processes.flatMap((pid) => filesOf(pid)).find((path) => linkOf(path) === namespace);
}

function filesOf(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // The process has ended, or is one of the kernel.
    return undefined;
  }
}

/** Runs `body` in a new network namespace that ends with it. */
export function withNetworkNamespace<T>(body: (namespace: NetworkNamespace) => T): T {
  const namespace = NetworkNamespace.create();
  try {
    return namespace.run(() => body(namespace));
  } finally {
    namespace.close();
  }
}
