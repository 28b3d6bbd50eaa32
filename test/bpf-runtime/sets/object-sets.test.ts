import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getPinned } from '../../../bpf-runtime/kernel/bpf.js';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { LoadedProgram } from '../../../bpf-runtime/kernel/program.js';
import { loadPrograms } from '../../../bpf-runtime/kernel/raw-load.js';
import { ObjectSets } from '../../../bpf-runtime/sets/object-sets.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { Testbed } from '../../../bpf-runtime/system/testbed.js';
import { compile } from '../../../codegen/program/index.js';
import { parseDump } from '../../../grammar/index.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { parsePacketText } from '../../../src/packet/index.js';

const able = process.platform === 'linux' && process.geteuid?.() === 0 && hasCommand('bpftool', ['version']);

const SETS = [
  'create bad hash:net',
  'add bad 10.0.0.0/8',
  'add bad 10.1.0.0/16 nomatch',
  'create ports hash:ip,port timeout 300',
  'add ports 12.0.0.1,udp:53',
  '',
].join('\n');
const RULES = [
  '*filter',
  ':INPUT ACCEPT [0:0]',
  '-A INPUT -m set --match-set bad src -j DROP',
  '-A INPUT -m set --match-set ports src,dst -j DROP',
  'COMMIT',
  '',
].join('\n');

function build(ipset = SETS, text = RULES): { readonly object: Uint8Array; readonly manifest: string } {
  const { ruleset } = parseDump(text, { family: 'v4' });
  const result = compile(bindSets(ruleset, parseSets(ipset).sets), { hook: 'tc', chain: 'INPUT' });
  if (!result.ok) throw new Error(result.diagnostics[0].message);
  return { object: result.object, manifest: JSON.stringify(result.manifest) };
}

/** Verdicts of test runs in a network where every destination is this host's. */
function verdicts(testbed: Testbed, program: LoadedProgram, sources: readonly string[]): readonly string[] {
  return sources.map((source) => {
    const read = parsePacketText(`udp ${source}:1 > 192.0.2.1:53 in eth0`);
    if (!read.ok) throw new Error(read.diagnostics[0].message);
    const data = read.text.packet.frame;
    const { index } = testbed.device('eth0');
    const context = { ingressInterface: index, interface: index };
    const { result } = testbed.run(() => program.testRun({ data, context }));
    return result === 0xffffffff ? 'pass' : 'drop';
  });
}

function inTestbed<T>(body: (testbed: Testbed) => T): T {
  const testbed = Testbed.create({ family: 'v4', chain: 'INPUT' });
  try {
    return body(testbed);
  } finally {
    testbed.close();
  }
}

const SOURCES = ['10.0.0.1', '10.1.0.1', '11.0.0.1', '12.0.0.1', '12.0.0.2'];

describe.skipIf(!able)('IP sets of programs in the kernel (skipped without root or bpftool)', () => {
  it.each([
    { loader: 'bpftool', load: (object: Uint8Array) => ({ program: loadObject(object), close: () => undefined }) },
    {
      loader: 'bpf(2)',
      load: (object: Uint8Array) => {
        const loaded = loadPrograms(object);
        const [program] = loaded.programs.values();
        return { program, close: () => loaded.close() };
      },
    },
  ])('are filled when they are loaded, and changed in place: $loader', ({ load }) => {
    const { object, manifest } = build();
    inTestbed((testbed) => {
      const { program, close } = load(object);
      try {
        expect(verdicts(testbed, program, SOURCES)).toEqual(['drop', 'pass', 'pass', 'drop', 'pass']);
        const sets = new ObjectSets(manifest, (name) => program.maps.get(name));
        sets.delete('bad', '10.0.0.0/8');
        sets.add('bad', '11.0.0.0/8');
        sets.delete('ports', '12.0.0.1,udp:53');
        sets.add('ports', '12.0.0.2,udp:50-60', { timeout: 100 });
        expect(verdicts(testbed, program, SOURCES)).toEqual(['pass', 'pass', 'drop', 'pass', 'drop']);
        expect(() => sets.add('bad', '11.0.0.0/8')).toThrow('11.0.0.0/8 is in set bad already');
        expect(() => sets.add('bad', '11.1.0.0/16', { nomatch: true })).not.toThrow();
        expect(() => sets.delete('ports', '12.0.0.1,udp:53')).toThrow('12.0.0.1,udp:53 is not in set ports');
        expect(verdicts(testbed, program, ['11.1.0.1', '11.2.0.1'])).toEqual(['pass', 'drop']);
      } finally {
        program.close();
        close();
      }
    });
  });

  it('let nothing through as long as nobody has filled them', () => {
    const { object, manifest } = build();
    const directory = mkdtempSync(join(tmpdir(), 'sets-test-'));
    const pin = `/sys/fs/bpf/ipt2bpf-sets-test-${process.pid}`;
    try {
      const file = join(directory, 'object.o');
      writeFileSync(file, object);
      run('bpftool', ['prog', 'load', file, pin]);
      const program = new LoadedProgram(getPinned(pin));
      inTestbed((testbed) => {
        expect(verdicts(testbed, program, SOURCES)).toEqual(['drop', 'drop', 'drop', 'drop', 'drop']);
        new ObjectSets(manifest, (name) => program.maps.get(name)).fill();
        expect(verdicts(testbed, program, SOURCES)).toEqual(['drop', 'pass', 'pass', 'drop', 'pass']);
      });
      program.close();
    } finally {
      unlinkSync(pin);
      rmSync(directory, { recursive: true });
    }
  });

  it('hold many elements', () => {
    const addresses = Array.from({ length: 50_000 }, (_, i) => `20.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    const ipset = `create bad hash:ip maxelem 100000\n${addresses.map((address) => `add bad ${address}\n`).join('')}`;
    const { object } = build(ipset, RULES.replace(/.*ports.*\n/, ''));
    inTestbed((testbed) => {
      const program = loadObject(object);
      try {
        expect(verdicts(testbed, program, ['20.0.0.0', '20.0.195.79', '20.0.195.80'])).toEqual([
          'drop',
          'drop',
          'pass',
        ]);
      } finally {
        program.close();
      }
    });
  });
});
