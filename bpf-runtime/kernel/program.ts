import { closeSync } from 'node:fs';
import { RuntimeError } from '../system/error.js';
import { allocate, setPointer } from '../system/memory.js';
import { getInfo, getMapById, readName } from './bpf.js';
import { KernelMap } from './map.js';
import { programTypeOf, type ProgramType } from './program-type.js';
import { TestRunner, type TestResult, type TestRun } from './test-run.js';

export interface ProgramInfo {
  readonly id: number;
  readonly type: ProgramType;
  readonly name: string;
  /** Bytes of the verified program. */
  readonly translatedBytes: number;
  /** Bytes of machine code; 0 where the JIT is off. */
  readonly machineBytes: number;
  /** Instructions that the verifier processed (Linux 5.16 and newer; 0 before). */
  readonly verifiedInstructions: number;
  readonly mapIds: readonly number[];
}

/** struct bpf_prog_info (include/uapi/linux/bpf.h) up to and with verified_insns. */
const INFO_BYTES = 224;
const INFO = {
  type: 0,
  id: 4,
  jited: 16,
  xlated: 20,
  nr_map_ids: 52,
  map_ids: 56,
  name: 64,
  verified_insns: 216,
} as const;

function programType(number: number): ProgramType {
  const type = programTypeOf(number);
  if (type === undefined) throw new RuntimeError('no-program', `programs of type ${number} are not known here`);
  return type;
}

/** What the kernel says of a loaded program. */
export function readProgramInfo(fd: number): ProgramInfo {
  const count = allocate(INFO_BYTES);
  getInfo(fd, count);
  const maps = count.view.getUint32(INFO.nr_map_ids, true);
  // Asked again with room for the maps' ids alone: other counts that are not zero would need room, too.
  const info = allocate(INFO_BYTES);
  const ids = allocate(4 * maps);
  info.view.setUint32(INFO.nr_map_ids, maps, true);
  setPointer(info, INFO.map_ids, ids);
  getInfo(fd, info);
  const word = (offset: number): number => info.view.getUint32(offset, true);
  return {
    id: word(INFO.id),
    type: programType(word(INFO.type)),
    name: readName(info, INFO.name),
    translatedBytes: word(INFO.xlated),
    machineBytes: word(INFO.jited),
    verifiedInstructions: word(INFO.verified_insns),
    mapIds: Array.from({ length: maps }, (_, i) => ids.view.getUint32(4 * i, true)),
  };
}

/** A program in the kernel, with its maps. {@link close} lets go of both; nothing is left pinned. */
export class LoadedProgram {
  readonly info: ProgramInfo;
  /** By name (the kernel keeps the first 15 characters). */
  readonly maps: ReadonlyMap<string, KernelMap>;
  private readonly runner: TestRunner;
  private open = true;

  /** Takes over the file descriptor of a program. */
  constructor(readonly fd: number) {
    this.info = readProgramInfo(fd);
    const maps = this.info.mapIds.map((id) => new KernelMap(getMapById(id)));
    this.maps = new Map(maps.map((map) => [map.info.name, map]));
    this.runner = new TestRunner(fd, this.info.type);
  }

  /** The map of that name; throws `bad-map` where the program has none. */
  map(name: string): KernelMap {
    const map = this.maps.get(name.slice(0, 15));
    if (map === undefined) throw new RuntimeError('bad-map', `the program has no map named ${name}`);
    return map;
  }

  /** Runs the program once on a packet, attached nowhere, in the calling thread's network namespace. */
  testRun(request: TestRun): TestResult {
    if (!this.open) throw new RuntimeError('closed', 'the program is closed');
    return this.runner.run(request);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    for (const map of this.maps.values()) map.close();
    closeSync(this.fd);
  }
}
