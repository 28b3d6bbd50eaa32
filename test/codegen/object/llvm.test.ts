import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as bpf from '../../../codegen/bytecode/instruction.js';
import { R0, R1, mov64 } from '../../../codegen/bytecode/instruction.js';
import { writeObject } from '../../../codegen/object/write.js';
import { hasTool, mustRun } from './bpftool.js';
import { objectSpec } from './specs.js';

const missing = ['llvm-readelf', 'llvm-objdump'].filter((tool) => !hasTool(tool));
const title = `objects read by LLVM${missing.length === 0 ? '' : ` (skipped: needs ${missing.join(', ')})`}`;

describe.skipIf(missing.length > 0)(title, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ipt2bpf-llvm-'));
  const file = join(folder, 'object.o');
  beforeAll(() => {
    const spec = objectSpec(
      'xdp',
      [
        bpf.loadMap(R1, 'counters'),
        bpf.callFunction('judge'),
        bpf.callFunction('helper_sub'),
        bpf.callKfunc('bpf_rcu_read_lock'),
        bpf.exit(),
      ],
      {
        maps: [{ name: 'counters', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }],
        kfuncs: [{ name: 'bpf_rcu_read_lock', params: [], returns: 'void' }],
        functions: [
          { name: 'judge', linkage: 'global', params: [], instructions: [mov64(R0, 1), bpf.exit()] },
          { name: 'helper_sub', linkage: 'static', params: [], instructions: [mov64(R0, 2), bpf.exit()] },
        ],
      },
    );
    writeFileSync(file, writeObject(spec));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Output without columns' padding. */
  const readelf = (...options: readonly string[]): string =>
    mustRun('llvm-readelf', ...options, file).replace(/ +/g, ' ');

  test('the header says BPF', () => {
    const header = readelf('--file-header');
    expect(header).toContain('Class: ELF64');
    expect(header).toContain("Data: 2's complement, little endian");
    expect(header).toContain('Type: REL (Relocatable file)');
    expect(header).toContain('Machine: EM_BPF');
  });

  test('the sections are those of clang', () => {
    const sections = [...readelf('--sections', '--wide').matchAll(/\] (\S+) (PROGBITS|REL|SYMTAB|STRTAB) /g)];
    expect(sections.map(([, name, type]) => `${name} ${type}`)).toEqual([
      'xdp PROGBITS',
      '.text PROGBITS',
      '.maps PROGBITS',
      'license PROGBITS',
      '.BTF PROGBITS',
      '.BTF.ext PROGBITS',
      '.debug_ipt2bpf PROGBITS',
      '.relxdp REL',
      '.symtab SYMTAB',
      '.strtab STRTAB',
    ]);
  });

  test('the symbols have kind, binding, size and place', () => {
    const symbols = [...readelf('--symbols').matchAll(/^ *\d+: (.*)$/gm)].map(([, symbol]) => symbol.trim());
    expect(symbols).toEqual([
      '0000000000000000 0 NOTYPE LOCAL DEFAULT UND',
      '0000000000000010 16 FUNC LOCAL DEFAULT 2 helper_sub',
      '0000000000000000 48 FUNC GLOBAL DEFAULT 1 filter',
      '0000000000000000 16 FUNC GLOBAL DEFAULT 2 judge',
      '0000000000000000 32 OBJECT GLOBAL DEFAULT 3 counters',
      '0000000000000000 0 OBJECT GLOBAL DEFAULT 4 _license',
      '0000000000000000 0 NOTYPE GLOBAL DEFAULT UND bpf_rcu_read_lock',
    ]);
  });

  test('the relocations name their symbols', () => {
    const relocations = [...readelf('--relocations').matchAll(/^([0-9a-f]{16}) \S+ (R_BPF_\S+) \S+ (\S+)$/gm)];
    expect(relocations.map(([, offset, type, symbol]) => `${parseInt(offset, 16)} ${type} ${symbol}`)).toEqual([
      '0 R_BPF_64_64 counters',
      '16 R_BPF_64_32 judge',
      '24 R_BPF_64_32 helper_sub',
      '32 R_BPF_64_32 bpf_rcu_read_lock',
    ]);
  });

  test('the code is what was meant', () => {
    const code = mustRun('llvm-objdump', '--disassemble', '--no-show-raw-insn', file);
    const instructions = [...code.matchAll(/^ +\d+:\s+(.*)$/gm)].map(([, text]) => text.trim());
    expect(instructions).toEqual([
      'r1 = 0 ll',
      'call -1',
      'call -1',
      'call -1',
      'exit',
      'r0 = 1',
      'exit',
      'r0 = 2',
      'exit',
    ]);
  });
});
