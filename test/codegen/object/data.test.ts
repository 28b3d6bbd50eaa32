import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { loadPrograms } from '../../../bpf-runtime/kernel/raw-load.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import {
  alu64,
  exit,
  jump64,
  load,
  loadDataAddress,
  mov64,
  R0,
  R1,
  R2,
  reg,
} from '../../../codegen/bytecode/instruction.js';
import { ObjectError } from '../../../codegen/object/error.js';
import { readObject } from '../../../codegen/object/read.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { writeObject } from '../../../codegen/object/write.js';

const BYTES = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7 + 3) & 0xff);
const FRAME = new Uint8Array(64);

/** Returns the 32-bit word of the data at the offset, which the verifier does not know. */
function readingSpec(offset: number): ObjectSpec {
  const instructions = [
    load(4, R2, R1, 0),
    load(4, R1, R1, 4),
    alu64('sub', R1, reg(R2)),
    alu64('sub', R1, FRAME.length - offset),
    mov64(R0, 0),
    jump64('jgt', R1, BYTES.length - 4, 'out'),
    loadDataAddress(R2, 'table'),
    alu64('add', R2, reg(R1)),
    load(4, R0, R2, 0),
    { ...exit(), label: 'out' },
  ];
  return {
    license: 'GPL',
    program: {
      section: 'xdp',
      entries: [
        {
          name: 'reading',
          linkage: 'global',
          params: [{ name: 'ctx', type: { kind: 'context', struct: 'xdp_md' } }],
          instructions: assemble('reading', instructions),
        },
      ],
      functions: [],
    },
    maps: [],
    data: { name: 'table', bytes: BYTES },
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'data',
  };
}

const wordAt = (offset: number): number => new DataView(BYTES.buffer).getUint32(offset, true);
const OFFSETS = [0, 4, 1000, 4092];
const ROOT = process.platform === 'linux' && process.geteuid?.() === 0;
const hasBpftool = (() => {
  try {
    execFileSync('bpftool', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('constant data of an object', () => {
  it('comes back from the file', () => {
    const back = readObject(writeObject(readingSpec(4)));
    expect(back.data).toEqual({ name: 'table', bytes: BYTES });
    expect(back.program.entries[0].instructions.find(({ reference }) => reference?.kind === 'data')?.reference).toEqual(
      {
        kind: 'data',
        name: 'table',
      },
    );
  });

  it.each(OFFSETS)('is read by the interpreter at %i', (offset) => {
    const interpreter = new Interpreter(readObject(writeObject(readingSpec(offset))));
    expect(interpreter.run({ packet: FRAME }).result).toBe(wordAt(offset));
  });

  it('no data, or another name: no object', () => {
    const spec = readingSpec(0);
    expect(() => writeObject({ ...spec, data: { name: 'table', bytes: new Uint8Array(0) } })).toThrow(ObjectError);
    expect(() => writeObject({ ...spec, data: { name: 'other', bytes: BYTES } })).toThrow(ObjectError);
  });

  for (const { name, usable, why } of [
    { name: 'bpftool', usable: ROOT && hasBpftool, why: 'needs root and bpftool' },
    { name: 'bpf(2) alone', usable: ROOT, why: 'needs root' },
  ]) {
    it.skipIf(!usable)(`is in the kernel, loaded with ${name}${usable ? '' : `: ${why}`}`, () => {
      for (const offset of OFFSETS) {
        const object = writeObject(readingSpec(offset));
        const loaded = name === 'bpftool' ? undefined : loadPrograms(object);
        const program = loaded?.programs.get('reading') ?? loadObject(object);
        try {
          expect(program.testRun({ data: FRAME }).result).toBe(wordAt(offset));
        } finally {
          if (loaded === undefined) program.close();
          else loaded.close();
        }
      }
    });
  }
});
