import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeObject } from '../../../codegen/object/write.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';

/** Output of a command, of both streams where it failed. */
export function run(command: string, ...args: readonly string[]): { readonly ok: boolean; readonly text: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (error !== undefined) return { ok: false, text: error.message };
  return { ok: status === 0, text: status === 0 ? stdout : `${stderr}${stdout}` };
}

/** Output of a command that must succeed. */
export function mustRun(command: string, ...args: readonly string[]): string {
  const { ok, text } = run(command, ...args);
  if (!ok) throw new Error(`${command} ${args.join(' ')}\n${text}`);
  return text;
}

export function hasTool(command: string): boolean {
  return run(command, '--version').ok;
}

/** Why objects cannot be loaded here; undefined if they can. */
export function reasonNotToLoad(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  return hasTool('bpftool') ? undefined : 'needs bpftool';
}

/** Loads objects with bpftool, pinned below a BPF file system of its own, which goes away with everything in it. */
export class Bpftool {
  private readonly folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-object-'));
  private readonly pins = join(this.folder, 'bpffs');
  private loaded = 0;

  constructor() {
    mkdirSync(this.pins);
    mustRun('mount', '-t', 'bpf', 'bpf', this.pins);
  }

  /** Writes and loads the object; gives its program's pin, beside which the maps are pinned by name. */
  load(spec: ObjectSpec): { readonly program: string; map(name: string): string } {
    const file = join(this.folder, `${++this.loaded}.o`);
    writeFileSync(file, writeObject(spec));
    const program = join(this.pins, `program${this.loaded}`);
    const maps = join(this.pins, `maps${this.loaded}`);
    mustRun('bpftool', 'prog', 'load', file, program, 'pinmaps', maps);
    return { program, map: (name) => join(maps, name) };
  }

  /** Return value of the pinned program for a frame, arriving on `lo`; `inNamespace`: a command that enters one. */
  testRun(program: string, frame: Uint8Array, inNamespace: readonly string[] = []): number {
    const input = join(this.folder, 'frame');
    writeFileSync(input, frame);
    const [command, ...args] = [...inNamespace, 'bpftool', '--json', 'prog', 'run', 'pinned', program];
    const text = mustRun(command, ...args, 'data_in', input);
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || !('retval' in answer) || typeof answer.retval !== 'number') {
      throw new Error(`unexpected answer of bpftool: ${text}`);
    }
    return answer.retval;
  }

  /** Value of a map's entry; the key as bytes. */
  lookup(map: string, key: readonly number[]): Uint8Array {
    const bytes = key.map((byte) => byte.toString());
    const text = mustRun('bpftool', '--json', 'map', 'lookup', 'pinned', map, 'key', ...bytes);
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || !('value' in answer) || !Array.isArray(answer.value)) {
      throw new Error(`unexpected answer of bpftool: ${text}`);
    }
    return Uint8Array.from(answer.value.map(Number));
  }

  close(): void {
    run('umount', this.pins);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
