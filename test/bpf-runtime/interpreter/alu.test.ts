import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { writeObject } from '../../../codegen/object/write.js';
import { expected, programOf, randomProgram } from './alu-reference.js';
import { objectSpec } from './support.js';
import { KERNEL, skipReason } from '../../support/machine.js';

const NO_MEMORY = new Uint8Array(0);

describe('random arithmetic and jumps', () => {
  test('the interpreter does as bigint arithmetic says', () => {
    fc.assert(
      fc.property(randomProgram, (program) => {
        const machine = new Interpreter(objectSpec('xdp', programOf(program)), { type: 'memory' });
        const { result } = machine.runOnMemory(NO_MEMORY);
        expect(result.toString(16)).toBe(expected(program).toString(16));
      }),
      { numRuns: 3000 },
    );
  });

  const why = skipReason(KERNEL);
  test.skipIf(why !== '')(`the kernel does the same${why}`, () => {
    const frame = new Uint8Array(64);
    fc.assert(
      fc.property(randomProgram, (program) => {
        const spec = objectSpec('xdp', programOf(program));
        const loaded = loadObject(writeObject(spec));
        try {
          const { result } = loaded.testRun({ data: frame });
          expect(new Interpreter(spec).run({ packet: frame }).result).toBe(result);
        } finally {
          loaded.close();
        }
      }),
      { numRuns: 150 },
    );
  });
});
