import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { R0, R1, R10, R2, R6, R7, R8, R9, alu64, callHelper, exit } from '../../../codegen/bytecode/instruction.js';
import {
  jump64,
  load,
  loadMap,
  mov64,
  reg,
  store,
  storeImm,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { CAST_KFUNC, DEVICE_NAME_BYTES, DEVICE_STRUCTS } from '../../../codegen/program/device-name.js';
import { deviceNameByIndex, inputDeviceName, type InputDevice } from '../../../codegen/program/device-name.js';
import { Bpftool, mustRun, reasonNotToLoad, run } from '../object/bpftool.js';

const RESULT = -16;
const SCRATCH = -48;
const INDEX = -56;
const KEY = -64;

/** A program that runs `body`, keeps the name in map `name` and returns r0 of the body; −1 where r7–r9 changed. */
function nameProgram(hook: InputDevice['hook'], body: readonly Instruction[]): ObjectSpec {
  const kept = [R7, R8, R9];
  const instructions = assemble('entry', [
    mov64(R6, reg(R1)),
    ...kept.map((register) => mov64(register, 1000 + register)),
    ...body,
    store(8, R10, SCRATCH, R0),
    ...kept.map((register) => jump64('jne', register, 1000 + register, 'bad')),
    storeImm(4, R10, KEY, 0),
    loadMap(R1, 'name'),
    mov64(R2, reg(R10)),
    alu64('add', R2, KEY),
    callHelper('map_lookup_elem'),
    jump64('jeq', R0, 0, 'bad'),
    load(8, R1, R10, RESULT),
    store(8, R0, 0, R1),
    load(8, R1, R10, RESULT + 8),
    store(8, R0, 8, R1),
    load(8, R0, R10, SCRATCH),
    exit(),
    { ...mov64(R0, -1), label: 'bad' },
    exit(),
  ]);
  const struct = hook === 'xdp' ? 'xdp_md' : '__sk_buff';
  return {
    license: 'GPL',
    program: {
      section: hook,
      entries: [
        {
          name: 'device_name',
          linkage: 'global',
          params: [{ name: 'ctx', type: { kind: 'context', struct } }],
          instructions,
        },
      ],
      functions: [],
    },
    maps: [{ name: 'name', type: 'array', keySize: 4, valueSize: DEVICE_NAME_BYTES, maxEntries: 1 }],
    kernelStructs: DEVICE_STRUCTS,
    kfuncs: [CAST_KFUNC],
    manifest: '{}',
    sourceFile: 'none',
  };
}

const FRAME = new Uint8Array(64);
const HOOKS: readonly InputDevice['hook'][] = ['xdp', 'tc'];
const skipped = reasonNotToLoad() ?? (run('ip', '-V').ok ? undefined : 'needs iproute2');
const title = `device names in the kernel${skipped === undefined ? '' : ` (skipped: ${skipped})`}`;

describe.skipIf(skipped !== undefined)(title, () => {
  const namespace = `ipt2bpf-names-${process.pid}`;
  // `ip netns exec` would hide the BPF file system.
  const inNamespace = ['nsenter', `--net=/run/netns/${namespace}`];
  let bpftool: Bpftool;
  beforeAll(() => {
    bpftool = new Bpftool();
    mustRun('ip', 'netns', 'add', namespace);
  });
  afterAll(() => {
    run('ip', 'netns', 'del', namespace);
    bpftool.close();
  });

  /** What the program found, with its return value. */
  function ask(spec: ObjectSpec, before?: () => void): { readonly found: number; readonly name: Uint8Array } {
    const { program, map } = bpftool.load(spec);
    before?.();
    const found = bpftool.testRun(program, FRAME, inNamespace);
    return { found, name: bpftool.lookup(map('name'), [0, 0, 0, 0]) };
  }

  describe.each(HOOKS)('at %s', (hook) => {
    const input = nameProgram(hook, [...inputDeviceName({ hook, result: RESULT }), mov64(R0, 1)]);
    const byIndex = (index: number): ObjectSpec =>
      nameProgram(hook, [
        storeImm(4, R10, INDEX, index),
        ...deviceNameByIndex({ hook, result: RESULT, index: INDEX, scratch: SCRATCH, label: 'device' }),
      ]);

    test('the input device is lo', () => {
      expect(ask(input)).toEqual({ found: 1, name: padded('lo') });
    });

    // The kernel leaves the end of the longer name behind the NUL of the shorter one.
    const renames = ['fifteen-letters', 'seven-l', 'nine-lett', 'eight-le', 'twelve-lette', 'a', 'ten-letter', 'lo'];
    test.each(renames.map((name) => ({ name })))('the input device, renamed to $name', ({ name }) => {
      const rename = (): void => renameLoopback(inNamespace, name);
      expect(ask(input, rename)).toEqual({ found: 1, name: padded(name) });
      expect(ask(byIndex(1))).toEqual({ found: 1, name: padded(name) });
    });

    describe('by index', () => {
      // Four devices of one bucket (index modulo 256) and one of another.
      const devices = [7, 263, 519, 1031, 9].map((index) => ({ index, name: `d${index}` }));
      beforeAll(() => {
        for (const { index, name } of devices) {
          mustRun('ip', '-n', namespace, 'link', 'add', name, 'index', String(index), 'type', 'bridge');
        }
      });
      afterAll(() => {
        for (const { name } of devices) run('ip', '-n', namespace, 'link', 'del', name);
      });

      test.each(devices)('$index is $name', ({ index, name }) => {
        expect(ask(byIndex(index))).toEqual({ found: 1, name: padded(name) });
      });

      test.each([0, 2, 775, 0x10000 + 7, 0x7fffffff].map((index) => ({ index })))('$index is none', ({ index }) => {
        expect(ask(byIndex(index))).toEqual({ found: 0, name: new Uint8Array(DEVICE_NAME_BYTES) });
      });
    });
  });
});

function padded(name: string): Uint8Array {
  const bytes = new Uint8Array(DEVICE_NAME_BYTES);
  bytes.set(new TextEncoder().encode(name));
  return bytes;
}

/** The loopback device, whatever its name, is index 1 of its namespace. */
function renameLoopback(inNamespace: readonly string[], name: string): void {
  const [command, ...args] = inNamespace;
  const [, old] = /^1: ([^:@]+)/m.exec(mustRun(command, ...args, 'ip', '-o', 'link', 'show')) ?? [];
  if (old !== undefined && old !== name) mustRun(command, ...args, 'ip', 'link', 'set', 'dev', old, 'name', name);
}
