import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readObject } from '../../codegen/object/read.js';
import { READY } from '../../codegen/program/sets/contents.js';
import { CommandError, run } from '../system/command.js';
import { getPinned } from './bpf.js';
import { LoadError } from './load-error.js';
import { LoadedProgram } from './program.js';
import { ObjectSets } from '../sets/object-sets.js';

const BPF_FILE_SYSTEM = '/sys/fs/bpf';

let loads = 0;

/** Writes the object where the loader can read it, for the time of `body`. */
function withFile<T>(object: Uint8Array | string, body: (path: string) => T): T {
  if (typeof object === 'string') return body(object);
  const directory = mkdtempSync(join(tmpdir(), 'ipt2bpf-'));
  try {
    const path = join(directory, 'object.o');
    writeFileSync(path, object);
    return body(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A directory of its own in the BPF file system for the time of `body`; what is pinned in it as `program` goes, too. */
function withPin<T>(body: (path: string) => T): T {
  const directory = join(BPF_FILE_SYSTEM, `ipt2bpf-${process.pid}-${loads++}`);
  mkdirSync(directory);
  const pin = join(directory, 'program');
  try {
    return body(pin);
  } finally {
    try {
      unlinkSync(pin);
    } catch {
      // Not pinned: the load failed, and that error is the one to report.
    }
    rmdirSync(directory);
  }
}

/** Puts into the maps of IP sets what the object says that they hold. */
function fillSets(program: LoadedProgram, file: string): void {
  if (!program.maps.has(READY)) return;
  try {
    const { manifest } = readObject(readFileSync(file));
    new ObjectSets(manifest, (name) => program.maps.get(name)).fill();
  } catch (error) {
    program.close();
    throw error;
  }
}

/**
 * Loads an eBPF object (its bytes, or the path of a file) with plain `bpftool prog load`, so that libbpf does what it
 * does for everybody: CO-RE relocations, kernel functions, maps. Nothing stays pinned: program and maps live as long
 * as the result; maps of IP sets are filled. Needs CAP_BPF and CAP_NET_ADMIN (or root) and a mounted BPF file system.
 *
 * Throws {@link LoadError} with the verifier's log, `command-missing` without bpftool.
 */
export function loadObject(object: Uint8Array | string): LoadedProgram {
  return withFile(object, (file) =>
    withPin((pin) => {
      try {
        run('bpftool', ['prog', 'load', file, pin]);
      } catch (error) {
        if (error instanceof CommandError) throw new LoadError(error.stderr + error.stdout);
        throw error;
      }
      const program = new LoadedProgram(getPinned(pin));
      fillSets(program, file);
      return program;
    }),
  );
}
