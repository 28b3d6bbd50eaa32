import { assemble } from '../codegen/bytecode/assemble.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
  jump64,
  load,
  loadMap,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
  type Instruction,
} from '../codegen/bytecode/instruction.js';
import type { ContextStruct, FunctionSpec, ObjectSpec } from '../codegen/object/spec.js';
import { indexKey } from '../bpf-runtime/kernel/array-key.js';
import type { KernelMap } from '../bpf-runtime/kernel/map.js';
import { loadPrograms, type LoadedObject } from '../bpf-runtime/kernel/raw-load.js';

/** Bytes of a frame that change from one run to the next: the headers. */
const CHANGED = 64;
const ROUND_BITS = 12;
/** Frames that go round. */
export const ROUND = 2 ** ROUND_BITS;
const FRAMES = 'bench_frames';
/** The driver's state, the factor and the summand that make the next one of it (modulo 2^32): its upper bits number the frame. */
const TURN = 'bench_turn';

/** How the frames follow each other: round and round, or so that nobody learns it (its period is 2^32). */
export type Order = 'turn' | 'random';

/** `random`: Knuth's and Lewis's linear congruential generator (Numerical Recipes, `ranqd1`). */
const STEP: Readonly<Record<Order, { readonly factor: number; readonly summand: number }>> = {
  turn: { factor: 1, summand: 2 ** (32 - ROUND_BITS) },
  random: { factor: 1_664_525, summand: 1_013_904_223 },
};

/** Nanoseconds that a program takes by itself, over packets that change from one run to the next. */
export class Varying {
  private readonly loaded;
  private readonly program;
  private readonly first: Uint8Array;

  /** `spec`: an object for XDP or tc; `frames`: {@link ROUND} frames of one length. */
  constructor(spec: ObjectSpec, frames: readonly Uint8Array[]) {
    this.loaded = loadPrograms(driven(spec));
    const [program] = [...this.loaded.programs.values()];
    this.program = program;
    fillFrames(this.loaded, frames);
    // At tc the kernel looks at the address of the first frame alone, and the device is lo: the packet is for this host.
    this.first = frames[0].slice().fill(0, 0, 6);
  }

  /** Mean of `runs` runs, in nanoseconds (the kernel tells whole ones). */
  measure(runs: number, order: Order): number {
    setOrder(this.loaded, order);
    return this.program.testRun({ data: this.first, context: { ingressInterface: 1 }, repeat: runs }).durationNs;
  }

  close(): void {
    this.loaded.close();
  }
}

/** Gives a driver the frames, which go round in turn. */
export function fillFrames(loaded: LoadedObject, frames: readonly Uint8Array[]): void {
  const map = mapOf(loaded, FRAMES);
  frames.forEach((frame, index) => map.update(indexKey(index), frame.slice(0, CHANGED)));
  setOrder(loaded, 'turn');
}

/** Tells a driver how its frames follow each other from now on. The state stays: a sample at random is not the last one again. */
export function setOrder(loaded: LoadedObject, order: Order): void {
  const map = mapOf(loaded, TURN);
  const value = map.at(0);
  const view = new DataView(value.buffer);
  view.setUint32(4, STEP[order].factor, true);
  view.setUint32(8, STEP[order].summand, true);
  map.update(indexKey(0), value);
}

function mapOf({ maps }: LoadedObject, name: string): KernelMap {
  const map = maps.get(name);
  if (map === undefined) throw new Error(`the driver has no map ${name}`);
  return map;
}

type Hook = 'xdp' | 'tc' | 'netfilter';

const CONTEXT = { xdp: 'xdp_md', tc: '__sk_buff', netfilter: 'bpf_nf_ctx' } as const satisfies Record<
  Hook,
  ContextStruct
>;

/** A program that does nothing with any packet: at xdp and tc it drops, at netfilter it accepts. */
export const doingNothing = (hook: Hook): ObjectSpec => returning(hook, hook === 'tc' ? 2 : 1);
/** An XDP program that passes all packets. */
export const passing: ObjectSpec = returning('xdp', 2);

function returning(hook: Hook, result: number): ObjectSpec {
  const entry: FunctionSpec = {
    name: 'returning',
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: CONTEXT[hook] } }],
    instructions: assemble('returning', [mov64(R0, result), exit()]),
  };
  return {
    license: 'GPL',
    program: { section: hook, entries: [entry], functions: [] },
    maps: [],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'returning',
  };
}

/** The same object, entered by a program that calls the entry and writes the next frame's headers into the packet. */
export function driven(spec: ObjectSpec): ObjectSpec {
  const [entry] = spec.program.entries;
  const driver: FunctionSpec = {
    name: 'bench_driver',
    linkage: 'global',
    params: entry.params,
    instructions: assemble('bench_driver', driverCode(spec.program.section, entry.name)),
  };
  return {
    ...spec,
    program: { ...spec.program, entries: [driver], functions: [entry, ...spec.program.functions] },
    maps: [
      ...spec.maps,
      { name: FRAMES, type: 'array', keySize: 4, valueSize: CHANGED, maxEntries: ROUND },
      { name: TURN, type: 'array', keySize: 4, valueSize: 12, maxEntries: 1 },
    ],
  };
}

/**
 * The next frame is written behind the run of the program, not before it: to read what has just been written, in pieces
 * of other sizes, would wait for the writing, which no frame of a network card does.
 */
function driverCode(section: string, entry: string): readonly Instruction[] {
  const [data, end] = section === 'xdp' ? [0, 4] : [76, 80];
  const lookUp = (map: string): readonly Instruction[] => [
    loadMap(R1, map),
    mov64(R2, reg(R10)),
    alu64('add', R2, -4),
    callHelper('map_lookup_elem'),
    jump64('jeq', R0, 0, 'out'),
  ];
  const copies = Array.from({ length: CHANGED / 8 }, (_, i) => [load(8, R1, R0, 8 * i), store(8, R7, 8 * i, R1)]);
  return [
    mov64(R6, reg(R1)),
    callFunction(entry),
    mov64(R9, reg(R0)),
    storeImm(4, R10, -4, 0),
    ...lookUp(TURN),
    load(4, R8, R0, 0),
    load(4, R1, R0, 4),
    alu32('mul', R8, reg(R1)),
    load(4, R1, R0, 8),
    alu32('add', R8, reg(R1)),
    store(4, R0, 0, R8),
    alu32('rsh', R8, 32 - ROUND_BITS),
    store(4, R10, -4, R8),
    ...lookUp(FRAMES),
    load(4, R7, R6, data),
    load(4, R2, R6, end),
    mov64(R3, reg(R7)),
    alu64('add', R3, CHANGED),
    jump64('jgt', R3, reg(R2), 'out'),
    ...copies.flat(),
    mov64(R0, reg(R9)),
    exit(),
    { ...mov32(R0, 0), label: 'out' },
    exit(),
  ];
}
