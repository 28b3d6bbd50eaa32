import { chmodSync, existsSync, lstatSync, readdirSync, rmdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { makeFolder } from '../../bpf-runtime/system/folder.js';

/** What statfs(2) says of a BPF file system (include/uapi/linux/magic.h BPF_FS_MAGIC). */
const BPF_FS_MAGIC = 0xcafe4a11;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$/;
const ROOT_ONLY = 0o700;

/** Whether it can be the name of a deployment: a file name that a BPF file system takes, which has no dots in names. */
export function isDeploymentName(name: string): boolean {
  return NAME.test(name);
}

/**
 * The names under which a deployment is pinned. Everything that there is to know of it is here: it lives as long as the
 * pins, and goes with them when the machine starts anew.
 */
export class Pins {
  constructor(
    /** Directory of all deployments. */
    readonly base: string,
    readonly name: string,
  ) {
    if (!isDeploymentName(name)) {
      throw new RuntimeError('bad-state', `"${name}" cannot be a name: letters, digits, - and _, 32 at most`);
    }
  }

  get directory(): string {
    return join(this.base, this.name);
  }

  readonly at = (...parts: readonly string[]): string => join(this.directory, ...parts);

  /** The directory of a generation's object, counters and other maps. */
  generation(side: 0 | 1, ...parts: readonly string[]): string {
    return this.at(`generation${side}`, ...parts);
  }

  /** A directory in the making; its name says that it is not to be used. */
  get unfinished(): string {
    return this.at('unfinished');
  }

  exists(...parts: readonly string[]): boolean {
    return existsSync(this.at(...parts));
  }

  remove(...parts: readonly string[]): void {
    rmSync(this.at(...parts), { recursive: true, force: true });
  }
}

/** Makes a directory that root alone may enter. Another command may remove it again at any moment. */
export function makeDirectory(path: string): void {
  makeFolder(path, ROOT_ONLY);
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode !== undefined && (mode & 0o777) !== ROOT_ONLY) chmodSync(path, ROOT_ONLY);
}

/** The caller has the exclusive lock: who waits for it makes another directory. */
export function removeIfEmpty(path: string): void {
  if (readdirSync(path).length === 0) rmdirSync(path);
}

/**
 * Throws `no-bpf-file-system` where a directory for pins is not, and could not be, in a BPF file system; `bad-state` where
 * others than root could have put something there.
 */
export function requireBpfFileSystem(base: string): void {
  let there = base;
  while (!existsSync(there) && there !== dirname(there)) there = dirname(there);
  if (statfsSync(there).type === BPF_FS_MAGIC) {
    if (there === base) requireOwn(base);
    return;
  }
  throw new RuntimeError(
    'no-bpf-file-system',
    `${base} is in no BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf), and enter a network namespace with ` +
      '"nsenter --net=FILE", which keeps it, not with "ip netns exec", which hides it',
  );
}

function requireOwn(base: string): void {
  const stat = lstatSync(base, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const refuse = (reason: string): RuntimeError => new RuntimeError('bad-state', `${base}: ${reason}`);
  if (!stat.isDirectory()) throw refuse('this is no directory');
  if (stat.uid !== 0 || (stat.mode & 0o022) !== 0) throw refuse('it can be changed by others than root');
}

/** The names of all deployments, and of what is left of some: directories with a record. Others are somebody else's. */
export function deploymentNames(base: string): readonly string[] {
  if (!existsSync(base)) return [];
  return readdirSync(base)
    .filter((name) => isDeploymentName(name) && existsSync(join(base, name, 'record')))
    .sort();
}

/** A device's name as a file name there. */
export function pinName(device: string): string {
  return device.replace(/[.%/]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
