import { assemble } from '../../../codegen/bytecode/assemble.js';
import {
  alu32,
  alu64,
  callHelper,
  exit,
  jump64,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R6,
  reg,
  store,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import { writeObject } from '../../../codegen/object/write.js';

export type Hook = 'xdp' | 'tc';

/** An object with one program and with the maps `counters` (per-CPU array) and `events` (ring buffer). */
export function object(hook: Hook, instructions: readonly Instruction[]): Uint8Array {
  const struct = hook === 'xdp' ? 'xdp_md' : '__sk_buff';
  return writeObject({
    license: 'GPL',
    program: {
      section: hook,
      entries: [
        {
          name: 'filter',
          linkage: 'global',
          params: [{ name: 'ctx', type: { kind: 'context', struct } }],
          instructions: assemble('filter', instructions),
        },
      ],
      functions: [],
    },
    maps: [
      { name: 'counters', type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 4 },
      { name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
    ],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'rules.v4',
  });
}

/** `map[key].packets++` of map `counters`; the key is in a register. Goes to `end` where there is no entry. */
export function count(key: number): readonly Instruction[] {
  return [
    store(4, R10, -4, key),
    loadMap(R1, 'counters'),
    mov64(R2, reg(R10)),
    alu64('add', R2, -4),
    callHelper('map_lookup_elem'),
    jump64('jeq', R0, 0, 'end'),
    load(8, R1, R0, 0),
    alu64('add', R1, 1),
    store(8, R0, 0, R1),
  ];
}

/** Counts under the index of the input interface, sends the index as an event and returns it. */
export function interfaceProgram(hook: Hook): readonly Instruction[] {
  return [
    load(4, R6, R1, hook === 'xdp' ? 12 : 36),
    ...count(R6),
    loadMap(R1, 'events'),
    mov64(R2, reg(R10)),
    alu64('add', R2, -4),
    mov64(R3, 4),
    mov64(R4, 0),
    callHelper('ringbuf_output'),
    { ...mov64(R0, reg(R6)), label: 'end' },
    exit(),
  ];
}

/** tc: sets priority to twice the mark and returns the packet type. */
export function contextProgram(): readonly Instruction[] {
  return [load(4, R2, R1, 8), alu32('lsh', R2, 1), store(4, R1, 32, R2), load(4, R0, R1, 4), exit()];
}

/** Reads past the frame without a test: the verifier refuses it at the second line. */
export function wildProgram(): readonly Instruction[] {
  const line = (number: number, text: string): Pick<Instruction, 'line'> => ({
    line: { text, line: number, column: 1 },
  });
  return [
    { ...load(4, R2, R1, 0), ...line(7, '-A INPUT -j DROP') },
    { ...load(4, R0, R2, 100), ...line(8, '-A INPUT -p tcp -j ACCEPT') },
    exit(),
  ];
}
