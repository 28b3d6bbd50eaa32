import { describe, expect, test } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { writeObject } from '../../../codegen/object/write.js';
import { FRAME, helperCases, type HelperCase } from './helper-cases/index.js';
import { objectSpec } from './support.js';
import { KERNEL, skipReason } from '../../support/machine.js';

function specOf({ section, code, maps = [] }: HelperCase): ObjectSpec {
  return objectSpec(section, code, { maps });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('helpers in the interpreter', () => {
  test.each(helperCases)('$section $name', (row) => {
    const { packet = FRAME, want, wantPacket = packet } = row;
    const have = new Interpreter(specOf(row)).run({ packet });
    expect({ result: have.result, packet: hex(have.packet) }).toEqual({ result: want, packet: hex(wantPacket) });
  });
});

const why = skipReason(KERNEL);
describe.skipIf(why !== '')(`helpers in the kernel${why}`, () => {
  test.each(helperCases)('$section $name', (row) => {
    const { packet = FRAME, want, wantPacket = packet } = row;
    const loaded = loadObject(writeObject(specOf(row)));
    try {
      const have = loaded.testRun({ data: packet });
      expect({ result: have.result, packet: hex(have.data) }).toEqual({ result: want, packet: hex(wantPacket) });
    } finally {
      loaded.close();
    }
  });
});
