import { assemble } from '../../codegen/bytecode/assemble.js';
import {
  alu64,
  callHelper,
  exit,
  goto,
  jump32,
  jump64,
  load,
  loadMap,
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
  storeImm,
} from '../../codegen/bytecode/instruction.js';
import type { ContextStruct, EntrySpec, ObjectSpec } from '../../codegen/object/spec.js';
import { Code } from '../../codegen/program/code.js';
import type { WireHook } from '../../codegen/program/manifest.js';
import type { Family } from '../../grammar/model/family.js';
import { CHOICES, CONTROL } from './control.js';

/** Names of the two maps that a dispatcher asks: see control.ts; and the programs of both generations. */
export const CONTROL_MAP = 'control';
export const PROGRAMS_MAP = 'programs';

/** Where dispatchers can stand. */
export type DispatchHook = WireHook | 'netfilter';

/** What a program returns so that a packet goes on (at tc: to the next program there), or not. */
const RESULT = {
  xdp: { pass: 2, drop: 1 },
  tc: { pass: -1, drop: 2 },
  netfilter: { pass: 1, drop: 0 },
} as const satisfies Record<DispatchHook, { readonly pass: number; readonly drop: number }>;

const CONTEXT: Readonly<Record<DispatchHook, ContextStruct>> = {
  xdp: 'xdp_md',
  tc: '__sk_buff',
  netfilter: 'bpf_nf_ctx',
};

/** Offset of `protocol` in struct __sk_buff, and the EtherTypes in network order, as it has them. */
const SKB_PROTOCOL = 16;
const OTHER_ETHERTYPE = { v4: 0xdd86, v6: 0x0008 } as const satisfies Record<Family, number>;

export interface DispatcherEntry {
  readonly name: string;
  /** Which of a generation's programs it runs. */
  readonly slot: number;
  /** What becomes of a packet where a generation has no program in that slot. */
  readonly vacant: 'pass' | 'drop';
}

export interface DispatcherOptions {
  readonly hook: DispatchHook;
  readonly family: Family;
  /** Programs of a generation: generation g has slots g · slots … in the array. */
  readonly slots: number;
  readonly entries: readonly DispatcherEntry[];
}

/**
 * Programs that are attached once and run, by a tail call, what the control map says is in force: to put a ruleset in
 * the place of another, at all hooks and devices at once, that map is changed and nothing is attached or detached. A
 * packet asks once at each hook, so that no packet is judged by two rulesets at one.
 */
export function dispatcherSpec(options: DispatcherOptions): ObjectSpec {
  return {
    license: 'GPL',
    program: {
      section: options.hook,
      entries: options.entries.map((entry) => dispatcher(entry, options)),
      functions: [],
    },
    maps: [],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'none',
  };
}

const choiceNumber = (choice: 'pass' | 'block'): number => CHOICES.indexOf(choice);

function dispatcher({ name, slot, vacant }: DispatcherEntry, options: DispatcherOptions): EntrySpec {
  const { hook, family, slots } = options;
  const result = RESULT[hook];
  const code = new Code();
  code.at({ text: '# the programs in force', line: 1, column: 1 });
  code.emit(mov64(R6, reg(R1)));
  if (hook === 'tc') {
    // What is of the other IP version alone is for the programs behind: accepted here it would not come to them.
    code.emit(load(4, R1, R6, SKB_PROTOCOL), jump32('jeq', R1, OTHER_ETHERTYPE[family], 'pass'));
  }
  code.emit(storeImm(4, R10, -4, 0), loadMap(R1, CONTROL_MAP), mov64(R2, reg(R10)), alu64('add', R2, -4));
  code.emit(callHelper('map_lookup_elem'), jump64('jeq', R0, 0, 'drop'));
  code.emit(load(4, R1, R0, CONTROL.side), alu64('and', R1, 1), alu64('mul', R1, CONTROL.sideBytes));
  code.emit(alu64('add', R0, reg(R1)), load(4, R7, R0, CONTROL.sides + CONTROL.now));
  code.emit(load(8, R8, R0, CONTROL.sides + CONTROL.deadline), jump64('jeq', R8, 0, 'chosen'));
  code.emit(load(4, R9, R0, CONTROL.sides + CONTROL.after), callHelper('ktime_get_boot_ns'));
  code.emit(jump64('jle', R0, reg(R8), 'chosen'), mov64(R7, reg(R9)));
  code.place('chosen');
  code.emit(jump64('jeq', R7, choiceNumber('pass'), 'pass'), jump64('jeq', R7, choiceNumber('block'), 'drop'));
  code.emit(alu64('mul', R7, slots), alu64('add', R7, slot));
  code.emit(mov64(R1, reg(R6)), loadMap(R2, PROGRAMS_MAP), mov64(R3, reg(R7)), callHelper('tail_call'));
  code.emit(goto(vacant));
  code.place('drop');
  code.emit(mov64(R0, result.drop), exit());
  code.place('pass');
  code.emit(mov64(R0, result.pass), exit());
  return {
    name,
    linkage: 'global',
    params: [{ name: 'ctx', type: { kind: 'context', struct: CONTEXT[hook] } }],
    instructions: assemble(name, code.finish()),
  };
}
