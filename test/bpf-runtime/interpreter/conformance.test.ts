import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Interpreter } from '../../../bpf-runtime/interpreter/index.js';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import { encode } from '../../../codegen/bytecode/encode.js';
import { parseAssembly } from '../../../codegen/bytecode/parse-assembly.js';
import { objectSpec } from './support.js';

/** What the suite holds and the interpreter does not do. */
const NOT_COVERED: Readonly<Record<string, string>> = {
  'callx.data': 'a call through a register, which RFC 9669 does not have and Linux refuses',
};

const shared = process.env['IPT2BPF_SHARED'];
const folder = shared === undefined ? undefined : join(shared, 'bpf-conformance');

/** Text of the sections `-- name` of a test file. */
function readSections(file: string): ReadonlyMap<string, string> {
  const sections = new Map<string, string>();
  let name = '';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('-- ')) name = line.slice(3).trim();
    else sections.set(name, `${sections.get(name) ?? ''}${line}\n`);
  }
  return sections;
}

function readBytes(text: string): Uint8Array {
  return Uint8Array.from(
    text.split(/\s+/).filter((word) => word !== ''),
    (word) => parseInt(word, 16),
  );
}

function rawWords(code: Uint8Array): readonly bigint[] {
  const view = new DataView(code.buffer);
  return Array.from({ length: code.length / 8 }, (_, index) => view.getBigUint64(8 * index, true));
}

if (folder === undefined || !existsSync(folder)) {
  test.skip('conformance suite (IPT2BPF_SHARED names no folder with bpf-conformance)', () => {});
} else {
  const files = readdirSync(folder).filter((name) => name.endsWith('.data'));

  test('the suite is there, and what is skipped is in it', () => {
    expect(files.length).toBeGreaterThan(300);
    expect(files).toEqual(expect.arrayContaining(Object.keys(NOT_COVERED)));
  });

  describe('conformance suite', () => {
    for (const name of files) {
      const reason = NOT_COVERED[name];
      if (reason !== undefined) {
        test.skip(`${name} (${reason})`, () => {});
        continue;
      }
      test(name, () => {
        const sections = readSections(join(folder, name));
        const code = parseAssembly(sections.get('asm') ?? '');
        const raw = sections.get('raw');
        if (raw !== undefined) {
          const words = raw.split('\n').filter((line) => line.trim() !== '');
          expect(rawWords(encode(assemble('entry', code)))).toEqual(words.map((word) => BigInt(word.trim())));
        }
        const want = BigInt.asUintN(64, BigInt((sections.get('result') ?? '').trim()));
        const machine = new Interpreter(objectSpec('xdp', code), { type: 'memory' });
        const { result } = machine.runOnMemory(readBytes(sections.get('mem') ?? ''));
        expect(`0x${result.toString(16)}`).toBe(`0x${want.toString(16)}`);
      });
    }
  });
}
