import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { makeFolder } from '../../../bpf-runtime/system/folder.js';
import { checkObject, MOST_OBJECT_BYTES, type CheckedObject } from '../object.js';
import { decodeRecord, type DeploymentRecord } from '../record.js';
import { list, member, oneOf, ShapeError, text } from '../shape.js';

/** What becomes of packets where a saved ruleset cannot be put in force: none passes, or all that iptables lets pass. */
export type OnFailure = 'closed' | 'open';

/** A ruleset as it is put in force again after a start of the machine. */
export interface SavedRuleset {
  /** What it was when it was saved; its network namespace and time mean nothing any more. */
  readonly record: DeploymentRecord;
  /** SHA-256 of the object file, in hexadecimal digits. */
  readonly object: string;
}

export interface SavedState {
  readonly onFailure: OnFailure;
  readonly rulesets: readonly SavedRuleset[];
}

const STATE = 'state.json';
const OBJECTS = 'objects';
const MOST_STATE_BYTES = 1 << 20;
const MOST_RULESETS = 1000;

/** Where the saved rulesets are, below the root of a file system. */
export function stateDirectory(root: string): string {
  return join(root, 'etc/ipt2bpf');
}

/** Writes a file for root alone so that after a crash there is the old one or the new one, whole. */
export function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): void {
  const unfinished = `${path}.new`;
  rmSync(unfinished, { force: true });
  const fd = openSync(unfinished, 'wx', mode);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Saves objects in the place of what was saved before: all of them or, after an error or a crash, what was before. */
export function saveState(
  directory: string,
  onFailure: OnFailure,
  rulesets: readonly { readonly record: DeploymentRecord; readonly bytes: Uint8Array }[],
): SavedState {
  for (const path of [directory, join(directory, OBJECTS)]) {
    makeFolder(path, 0o700);
    chmodSync(path, 0o700);
  }
  const saved = rulesets.map(({ record, bytes }): SavedRuleset => ({ record, object: hashOf(bytes) }));
  rulesets.forEach(({ bytes }, i) => writeDurably(objectPath(directory, saved[i].object), bytes));
  const state = { format: 1, onFailure, rulesets: saved };
  writeDurably(join(directory, STATE), `${JSON.stringify(state, undefined, 2)}\n`);
  const wanted = new Set(saved.map(({ object }) => `${object}.o`));
  for (const name of readdirSync(join(directory, OBJECTS))) {
    if (!wanted.has(name)) rmSync(join(directory, OBJECTS, name), { force: true });
  }
  return { onFailure, rulesets: saved };
}

const objectPath = (directory: string, hash: string): string => join(directory, OBJECTS, `${hash}.o`);

/** What is saved in a directory; undefined where nothing is. Throws `bad-state` where others than root could have changed it. */
export function readState(directory: string): SavedState | undefined {
  const path = join(directory, STATE);
  if (!existsSync(path)) return undefined;
  const refuse = (reason: string): RuntimeError => new RuntimeError('bad-state', `${path}: ${reason}`);
  for (const each of [directory, path]) {
    const { mode, uid } = statSync(each);
    if ((mode & 0o022) !== 0 || uid !== 0) throw refuse(`${each} can be changed by others than root`);
  }
  if (statSync(path).size > MOST_STATE_BYTES) throw refuse('it is larger than any of this tool');
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    member(value, 'format', oneOf(1));
    return {
      onFailure: member(value, 'onFailure', oneOf('closed', 'open')),
      rulesets: member(
        value,
        'rulesets',
        list(
          (one, at) => ({
            record: member(one, 'record', (record) =>
              decodeRecord(new TextEncoder().encode(JSON.stringify(record ?? null))),
            ),
            object: member(one, 'object', hash, at),
          }),
          MOST_RULESETS,
        ),
      ),
    };
  } catch (error) {
    if (error instanceof ShapeError || error instanceof SyntaxError) throw refuse(error.message);
    throw error;
  }
}

function hash(value: unknown, where: string): string {
  const digits = text(value, where);
  if (!/^[0-9a-f]{64}$/.test(digits)) throw new ShapeError(`${where} is no SHA-256`);
  return digits;
}

/** The object of a saved ruleset. Throws `bad-object` where the file is missing or another one. */
export function savedObject(directory: string, { object }: SavedRuleset): CheckedObject {
  const path = objectPath(directory, object);
  const refuse = (reason: string): RuntimeError => new RuntimeError('bad-object', `${path}: ${reason}`);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse('there is no such file');
  if (stat.size > MOST_OBJECT_BYTES) throw refuse('it is larger than any object of this compiler');
  const bytes = new Uint8Array(readFileSync(path));
  if (hashOf(bytes) !== object) throw refuse('it is not the file that was saved');
  return checkObject(bytes, path);
}

/** What may be saved in a directory, what is read first in front. */
export function statePaths(directory: string): readonly string[] {
  return [STATE, `${STATE}.new`, OBJECTS].map((name) => join(directory, name));
}

/** Forgets what is saved. Whether there was something. */
export function removeState(directory: string): boolean {
  const was = existsSync(join(directory, STATE));
  // Without the state the objects mean nothing: it goes first.
  for (const path of statePaths(directory)) rmSync(path, { recursive: true, force: true });
  if (existsSync(directory) && readdirSync(directory).length === 0) rmSync(directory, { recursive: true });
  return was;
}
