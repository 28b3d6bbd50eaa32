import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { LoadError } from '../../../bpf-runtime/kernel/load-error.js';
import type { LoadedProgram } from '../../../bpf-runtime/kernel/program.js';
import { RingBuffer } from '../../../bpf-runtime/kernel/ring-buffer.js';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { Testbed, TESTBED_MAC } from '../../../bpf-runtime/system/testbed.js';
import { contextProgram, interfaceProgram, object, wildProgram, type Hook } from './objects.js';

const able = process.getuid?.() === 0 && hasCommand('bpftool', ['version']);

function withProgram<T>(bytes: Uint8Array, body: (program: LoadedProgram) => T): T {
  const program = loadObject(bytes);
  try {
    return body(program);
  } finally {
    program.close();
  }
}

/** Sum over the CPUs of the first word of an entry. */
function total(program: LoadedProgram, index: number): bigint {
  const map = program.map('counters');
  const view = new DataView(map.at(index).buffer);
  let sum = 0n;
  for (let cpu = 0; cpu < map.cpus; cpu++) sum += view.getBigUint64(cpu * map.valueStride, true);
  return sum;
}

function ipv4Frame(length: number, destination = '00:00:00:00:00:00'): Uint8Array {
  const frame = new Uint8Array(length);
  frame.set(destination.split(':').map((part) => parseInt(part, 16)));
  frame.set([0x08, 0x00, 0x45].slice(0, Math.max(0, length - 12)), 12);
  return frame;
}

describe.skipIf(!able)('programs in the kernel (skipped without root or bpftool)', () => {
  it.each(['xdp', 'tc'] as const)('loads an object, says what it is and leaves no pin: %s', (hook) => {
    withProgram(object(hook, interfaceProgram(hook)), (program) => {
      expect(program.info).toMatchObject({ type: hook, name: 'filter' });
      expect(program.info.translatedBytes).toBeGreaterThan(0);
      expect(program.info.mapIds).toHaveLength(2);
      expect([...program.maps.keys()].sort()).toEqual(['counters', 'events']);
      expect(program.map('counters').info).toMatchObject({ keySize: 4, valueSize: 16, maxEntries: 4 });
      expect(() => program.map('absent')).toThrow(RuntimeError);
    });
    const pins = readdirSync('/sys/fs/bpf').filter((name) => name.startsWith(`ipt2bpf-${process.pid}-`));
    expect(pins).toEqual([]);
  });

  it('loads a file by its path', () => {
    const directory = mkdtempSync(join(tmpdir(), 'load-test-'));
    try {
      const path = join(directory, 'a.o');
      writeFileSync(path, object('xdp', interfaceProgram('xdp')));
      loadObject(path).close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each(['xdp', 'tc'] as const)('runs, counts and sends events: %s', (hook) => {
    withProgram(object(hook, interfaceProgram(hook)), (program) => {
      const events = new RingBuffer(program.map('events'));
      const run = (): number => program.testRun({ data: ipv4Frame(60), context: { ingressInterface: 1 } }).result;
      expect([run(), run(), run()]).toEqual([1, 1, 1]);
      expect(total(program, 1)).toBe(3n);
      expect(program.map('counters').readArray()).toHaveLength(4 * 16 * program.map('counters').cpus);
      expect(events.consume()).toEqual(Array.from({ length: 3 }, () => Uint8Array.of(1, 0, 0, 0)));
      expect(events.consume()).toEqual([]);
      for (let i = 0; i < 1000; i++) {
        run();
        expect(events.consume()).toHaveLength(1);
      }
      program.map('counters').clearArray();
      expect(total(program, 1)).toBe(0n);
      program.testRun({ data: ipv4Frame(60), context: { ingressInterface: 1 }, repeat: 50 });
      expect(total(program, 1)).toBe(50n);
      events.close();
    });
  });

  it('gives tc a mark and a device whose address decides the packet type', () => {
    const testbed = Testbed.create({ family: 'v4', chain: 'INPUT', interfaces: ['eth7'] });
    withProgram(object('tc', contextProgram()), (program) => {
      const { index } = testbed.device('eth7');
      const run = (destination: string, mark: number): readonly number[] => {
        const context = { ingressInterface: index, mark };
        const result = testbed.run(() => program.testRun({ data: ipv4Frame(60, destination), context }));
        return [result.result, new DataView(result.context.buffer).getUint32(32, true)];
      };
      expect(run(TESTBED_MAC, 5)).toEqual([0, 10]);
      expect(run('ff:ff:ff:ff:ff:ff', 6)).toEqual([1, 12]);
      expect(run('01:00:5e:00:00:01', 0)).toEqual([2, 0]);
      expect(run('02:99:00:00:00:00', 0)).toEqual([3, 0]);
    });
    testbed.close();
  });

  it.each<[Hook, number, string]>([
    ['xdp', 13, 'short-packet'],
    ['xdp', 14, 'ok'],
    ['tc', 13, 'short-packet'],
    ['tc', 33, 'short-packet'],
    ['tc', 34, 'ok'],
    ['tc', 3000, 'ok'],
    ['tc', 60000, 'long-packet'],
  ])('%s with %i bytes of IPv4: %s', (hook, length, want) => {
    withProgram(object(hook, interfaceProgram(hook)), (program) => {
      const run = (): string => {
        try {
          return program.testRun({ data: ipv4Frame(length) }).data.length === length ? 'ok' : 'changed';
        } catch (error) {
          return error instanceof RuntimeError ? error.code : String(error);
        }
      };
      expect(run()).toBe(want);
    });
  });

  it('names the line of the dump where the verifier gave up', () => {
    const load = (): LoadedProgram => loadObject(object('xdp', wildProgram()));
    expect(load).toThrow(LoadError);
    try {
      load();
    } catch (error) {
      expect(error).toMatchObject({ code: 'load-failed', source: { text: '-A INPUT -p tcp -j ACCEPT' } });
      expect((error as LoadError).log).toContain('invalid access to packet');
    }
  });

  it('says what is wrong with something that is no object', () => {
    expect(() => loadObject(new Uint8Array(100))).toThrow(LoadError);
  });

  it('refuses to run what is closed', () => {
    const program = loadObject(object('xdp', interfaceProgram('xdp')));
    program.close();
    program.close();
    expect(() => program.testRun({ data: ipv4Frame(60) })).toThrow(/closed/);
  });
});
