import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../system/error.js';

/** Where the file system of control groups, version 2, is mounted (in hybrid set-ups beside those of version 1). */
export function cgroupMount(): string {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    // Number, parent, device, root, mount point, options, …, "-", type (proc_pid_mountinfo(5)).
    const [before, after] = line.split(' - ');
    if (after?.startsWith('cgroup2 ') === true) return unescape(before.split(' ')[4]);
  }
  throw new RuntimeError('no-cgroup', 'no file system of type cgroup2 is mounted');
}

/** Blanks and the like in mount points are octal numbers. */
function unescape(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Directory of this process's own control group. */
export function ownGroup(): string {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('0::'));
  return join(cgroupMount(), line === undefined ? '' : line.slice(3));
}

/** A control group that was made for one purpose. */
export class ControlGroup {
  private constructor(readonly directory: string) {}

  /**
   * Makes a group in the directory of another one, under a name that begins so and is not taken: one who was killed
   * left his, and numbers of processes come again. Throws `no-cgroup` where that is not to be.
   */
  static create(parent: string, beginning: string): ControlGroup {
    let directory: string;
    try {
      directory = mkdtempSync(join(parent, beginning));
    } catch (error) {
      throw new RuntimeError(
        'no-cgroup',
        `no control group can be made: ${error instanceof Error ? error.message : ''}`,
      );
    }
    if (existsSync(join(directory, 'cgroup.procs'))) return new ControlGroup(directory);
    rmdirSync(directory);
    throw new RuntimeError('no-cgroup', `${parent} is no control group`);
  }

  /** File into which who moves into the group writes its number (0 for itself). */
  get members(): string {
    return join(this.directory, 'cgroup.procs');
  }

  /**
   * Runs `body` with this whole process in the group, and takes it back: sockets that are opened meanwhile belong to the
   * group as long as they live.
   */
  inside<T>(body: () => T): T {
    const home = join(ownGroup(), 'cgroup.procs');
    writeFileSync(this.members, '0');
    try {
      return body();
    } finally {
      writeFileSync(home, '0');
    }
  }

  /** Whether a process is left in it or below it. */
  get isPopulated(): boolean {
    return /^populated 1$/m.test(readFileSync(join(this.directory, 'cgroup.events'), 'utf8'));
  }

  /** Removes the group; false where processes are left in it. Programs that are attached to it go with it. */
  remove(): boolean {
    if (this.isPopulated) return false;
    rmdirSync(this.directory);
    return true;
  }
}
