import { closeSync, lstatSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isatty } from 'node:tty';
import { reasonOf, tell, userError } from './output.js';

/** No file that is read here is larger: neither an object nor a dump. Devices and pipes have no size to be asked for. */
const MOST_INPUT_BYTES = 256 << 20;

/** Reads a file; `-` is standard input. */
export function readInput(path: string): Buffer {
  if (path === '-' && isatty(0)) tell('ipt2bpf: reading from the terminal; end with Ctrl-D');
  return trying('not-readable', path, () => (path === '-' ? readWhole(0) : readFile(path)));
}

function trying<T>(code: 'not-readable' | 'not-writable', path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof TooLarge) throw userError('too-large', `${path}: ${error.message}`);
    throw userError(code, `${path}: ${reasonOf(error)}`);
  }
}

class TooLarge extends Error {}

function readFile(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    return readWhole(fd);
  } finally {
    closeSync(fd);
  }
}

/** As `readFileSync(fd)`, which fails with EAGAIN where the other end has made the pipe non-blocking, and knows no bound. */
function readWhole(fd: number): Buffer {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(1 << 20);
  for (let total = 0; ;) {
    const bytes = readSome(fd, chunk);
    if (bytes === 0) return Buffer.concat(chunks);
    total += bytes;
    if (total > MOST_INPUT_BYTES) throw new TooLarge(`the file is too large: more than ${MOST_INPUT_BYTES >> 20} MiB`);
    chunks.push(Buffer.from(chunk.subarray(0, bytes)));
  }
}

const PAUSE_MS = 10;

function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/**
 * Says before the work is done that its result could not be written: the folder is not there or not writable, the path
 * is a folder, or it is one of the files that are read.
 */
export function checkWritable(path: string, read: readonly string[]): void {
  if (path === '-') return;
  if (path === '') throw userError('usage', 'the name of the file to write is empty');
  const target = statSync(path, { throwIfNoEntry: false });
  if (target?.isDirectory()) throw userError('not-writable', `${path}: is a folder`);
  for (const other of read) {
    const source = other === '-' ? undefined : statSync(other, { throwIfNoEntry: false });
    if (target !== undefined && source !== undefined && target.dev === source.dev && target.ino === source.ino) {
      throw userError('usage', `${path}: would be written over ${other}`);
    }
  }
  const folder = dirname(path);
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) {
    throw userError('not-writable', `${path}: there is no folder ${folder}`);
  }
}

/**
 * Writes a file so that a reader finds the old one or the new one, never half of it. What is no plain file (a device, a
 * pipe, a symbolic link) is written to, not replaced.
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  trying('not-writable', path, () => {
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) return writeInto(path, content);
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      writeFileSync(temporary, content);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

function writeInto(path: string, content: string | Uint8Array): void {
  const file = openSync(path, 'w');
  try {
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
}
