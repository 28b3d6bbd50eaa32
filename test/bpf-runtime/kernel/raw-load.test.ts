import { describe, expect, it } from 'vitest';
import { loadObject } from '../../../bpf-runtime/kernel/load.js';
import { LoadError } from '../../../bpf-runtime/kernel/load-error.js';
import type { LoadedProgram } from '../../../bpf-runtime/kernel/program.js';
import { loadPrograms, type LoadedObject } from '../../../bpf-runtime/kernel/raw-load.js';
import { RingBuffer } from '../../../bpf-runtime/kernel/ring-buffer.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { Testbed, TESTBED_MAC } from '../../../bpf-runtime/system/testbed.js';
import * as bpf from '../../../codegen/bytecode/instruction.js';
import { mov64, R0, R1, reg } from '../../../codegen/bytecode/instruction.js';
import type { FunctionSpec, ObjectSpec } from '../../../codegen/object/spec.js';
import { compile } from '../../../codegen/program/index.js';
import { fixtureNames, readDump, readFixture, type PacketFixture } from '../../../fixtures/packets/fixture.js';
import { objectSpec } from '../../codegen/object/specs.js';
import { contextProgram, interfaceProgram, object, wildProgram } from './objects.js';

const root = process.getuid?.() === 0;
const bpftool = root && hasCommand('bpftool', ['version']);
const FRAME = new Uint8Array(64);
const OWN_MAC = TESTBED_MAC.split(':').map((byte) => Number.parseInt(byte, 16));

function withObject<T>(bytes: Uint8Array | ObjectSpec, body: (loaded: LoadedObject) => T): T {
  const loaded = loadPrograms(bytes);
  try {
    return body(loaded);
  } finally {
    loaded.close();
  }
}

function only({ programs }: LoadedObject): LoadedProgram {
  expect(programs.size).toBe(1);
  return [...programs.values()][0];
}

function failure(bytes: Uint8Array | ObjectSpec): LoadError {
  try {
    loadPrograms(bytes).close();
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
  throw new Error('it loaded');
}

const objects = fixtureNames().flatMap((name) => {
  const fixture = readFixture(name);
  const hooks = fixture.chain === 'OUTPUT' ? (['tc'] as const) : (['xdp', 'tc'] as const);
  return hooks.map((hook) => ({ name, fixture, hook }));
});

/** Exact where the hook can decide the chain, else early: then what is counted may be nothing. */
function compileFixture({ dump, chain }: PacketFixture, hook: 'xdp' | 'tc'): { object: Uint8Array; exact: boolean } {
  const { ruleset } = readDump(dump);
  const exact = compile(ruleset, { hook, chain, table: 'filter' });
  const result = exact.ok ? exact : compile(ruleset, { hook, chain, table: 'filter', mode: 'early' });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return { object: result.object, exact: exact.ok };
}

describe.skipIf(!bpftool)(
  'objects loaded without libbpf do as those loaded with it (skipped without root or bpftool)',
  () => {
    it.each(objects)('$name at $hook', ({ fixture, hook }) => {
      const { object: bytes, exact } = compileFixture(fixture, hook);
      const testbed = Testbed.create({ family: fixture.dump.endsWith('.v6') ? 'v6' : 'v4', chain: fixture.chain });
      const reference = loadObject(bytes);
      try {
        withObject(bytes, (loaded) => {
          const program = only(loaded);
          const { translatedBytes, type, name } = reference.info;
          expect(program.info).toMatchObject({ translatedBytes, type, name });
          const differing = fixture.packets.filter(({ packet }) => {
            const device = (fixture.chain === 'OUTPUT' ? packet.outInterface : packet.inInterface) || 'eth0';
            const { index } = testbed.device(device);
            if (fixture.chain === 'FORWARD') testbed.forwardTo(packet.outInterface || 'eth0');
            const data = Uint8Array.from(packet.frame);
            // A test run takes the type of a packet from the frame's destination: what this host sends is its own.
            if (fixture.chain === 'OUTPUT') data.set(OWN_MAC);
            const context =
              fixture.chain === 'OUTPUT' ? { interface: index } : { ingressInterface: index, interface: index };
            const request = { data, context };
            const answer = (one: LoadedProgram): string => {
              const { result, data: after } = testbed.run(() => one.testRun(request));
              // Answers of REJECT have a random IPv4 identification, and so another header checksum.
              return `${result} ${after.map((byte, i) => ([18, 19, 24, 25].includes(i) ? 0 : byte)).join()}`;
            };
            return answer(program) !== answer(reference);
          });
          expect(differing).toEqual([]);
          const sums = (one: LoadedProgram): readonly number[] => counters(one);
          expect(sums(program)).toEqual(sums(reference));
          if (exact) expect(sums(program).some((value) => value > 0)).toBe(true);
        });
      } finally {
        reference.close();
        testbed.close();
      }
    });
  },
);

/** Sums over the CPUs of the words of map `counters`. */
function counters(program: LoadedProgram): readonly number[] {
  const map = program.map('counters');
  const words = new BigUint64Array(map.readArray().buffer);
  const each = map.valueStride / 8;
  return Array.from({ length: map.info.maxEntries * each }, (_, i) => {
    const first = Math.floor(i / each) * each * map.cpus + (i % each);
    return Array.from({ length: map.cpus }, (_cpu, cpu) => Number(words[first + cpu * each])).reduce((a, b) => a + b);
  });
}

describe.skipIf(!root)('objects loaded without libbpf (skipped without root)', () => {
  it('have maps by their names, a ring buffer as well', () => {
    withObject(object('xdp', interfaceProgram('xdp')), (loaded) => {
      expect([...loaded.maps.keys()].sort()).toEqual(['counters', 'events']);
      const events = new RingBuffer(only(loaded).map('events'));
      expect(only(loaded).testRun({ data: FRAME, context: { ingressInterface: 1 } }).result).toBe(1);
      expect(events.consume()).toEqual([Uint8Array.of(1, 0, 0, 0)]);
      events.close();
    });
  });

  it('read and write the context of tc', () => {
    withObject(object('tc', contextProgram()), (loaded) => {
      const { context } = only(loaded).testRun({ data: FRAME, context: { ingressInterface: 1, mark: 5 } });
      expect(new DataView(context.buffer).getUint32(32, true)).toBe(10);
    });
  });

  it('name the line of the dump where the verifier gave up', () => {
    const error = failure(object('xdp', wildProgram()));
    expect(error).toMatchObject({ code: 'load-failed', source: { text: '-A INPUT -p tcp -j ACCEPT' } });
    expect(error.message).toContain('R2 offset is outside of the packet');
    expect(error.log).toContain('invalid access to packet');
  });

  const add = (name: string, linkage: FunctionSpec['linkage'], more: number, next?: string): FunctionSpec => ({
    name,
    linkage,
    params: [{ name: 'sum', type: { kind: 'int' } }],
    instructions: [
      next === undefined ? mov64(R0, reg(R1)) : bpf.callFunction(next),
      bpf.alu64('add', R0, more),
      bpf.exit(),
    ],
  });
  /** Entries that return 16 plus what each function on the way adds. */
  const several = (section: string, entries: readonly string[]): ObjectSpec => {
    const spec = objectSpec('xdp', undefined, {
      functions: [
        add('unused', 'static', 1000),
        add('last', 'static', 1),
        add('second', 'global', 2, 'third'),
        add('first', 'static', 4, 'second'),
        add('third', 'static', 8, 'last'),
      ],
    });
    const context = section === 'xdp' ? 'xdp_md' : section === 'netfilter' ? 'bpf_nf_ctx' : '__sk_buff';
    return {
      ...spec,
      program: {
        section,
        functions: spec.program.functions,
        entries: entries.map((name) => ({
          name: `entry_${name}`,
          linkage: 'global',
          params: [{ name: 'ctx', type: { kind: 'context', struct: context } }],
          instructions: [
            mov64(R1, 16),
            bpf.callFunction(name),
            bpf.alu64('and', R0, section === 'netfilter' ? 1 : 63),
            bpf.exit(),
          ],
        })),
      },
    };
  };

  it.each<[string, string, readonly [number, number, number]]>([
    ['xdp', 'xdp', [31, 27, 17]],
    ['tc', 'tc', [31, 27, 17]],
    ['tcx/ingress', 'tc', [31, 27, 17]],
    ['socket', 'socket', [31, 27, 17]],
    ['netfilter', 'netfilter', [1, 1, 1]],
  ])('programs of one section, each with the functions that it calls: %s', (section, type, want) => {
    withObject(several(section, ['first', 'second', 'last']), ({ programs }) => {
      expect([...programs.keys()]).toEqual(['entry_first', 'entry_second', 'entry_last']);
      const infos = [...programs.values()].map(({ info }) => info);
      expect(infos.map((info) => info.type)).toEqual([type, type, type]);
      expect(infos[0].translatedBytes).toBeGreaterThan(infos[1].translatedBytes);
      expect(infos[1].translatedBytes).toBeGreaterThan(infos[2].translatedBytes);
      expect([...programs.values()].map((program) => program.testRun({ data: FRAME }).result)).toEqual(want);
    });
  });

  it.skipIf(!bpftool)('show each line of the dump above its instructions', () => {
    const text = '-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "größer" -j ACCEPT';
    const line = { text, line: 4, column: 1 };
    const inner = { ...add('inner', 'global', 0), instructions: [{ ...mov64(R0, 7), line }, bpf.exit()] };
    const spec = objectSpec('xdp', [mov64(R1, 1), bpf.callFunction('inner'), bpf.exit()], { functions: [inner] });
    withObject(spec, (loaded) => {
      const dump = run('bpftool', ['prog', 'dump', 'xlated', 'id', `${only(loaded).info.id}`, 'linum']).split('\n');
      expect(dump).toContain('; filter [file:rules.v4 line_num:0 line_col:0]');
      const at = dump.indexOf(`; ${text} [file:rules.v4 line_num:4 line_col:1]`);
      expect(dump[at + 1]).toContain('r0 = 7');
    });
  });

  const cast = { name: 'bpf_cast_to_kern_ctx', params: ['void *'], returns: 'void *' } as const;
  const device = { name: 'dev', offset: 0, bytes: 8, type: 'pointer' } as const;

  it('put the running kernel’s offsets and functions in', () => {
    const structs = [{ name: 'sk_buff', bytes: 8, members: [device] }];
    const code = [
      bpf.callKfunc(cast.name),
      mov64(R1, 0),
      bpf.addFieldOffset(R1, 'sk_buff', 'dev'),
      mov64(R0, reg(R1)),
      bpf.exit(),
    ];
    withObject(objectSpec('tc', code, { kfuncs: [cast], kernelStructs: structs }), (loaded) => {
      // struct sk_buff begins with next, prev, dev in every kernel that has bpf_cast_to_kern_ctx.
      expect(only(loaded).testRun({ data: FRAME }).result).toBe(16);
    });
  });

  const wrong: readonly { name: string; have: ObjectSpec; want: RegExp }[] = [
    {
      name: 'a kernel function that is not there',
      have: objectSpec('tc', [bpf.callKfunc('bpf_absent'), bpf.exit()], {
        kfuncs: [{ name: 'bpf_absent', params: ['void *'] }],
      }),
      want: /no function bpf_absent/,
    },
    {
      name: 'a member that is not there',
      have: objectSpec('tc', [mov64(R0, 0), bpf.addFieldOffset(R0, 'sk_buff', 'absent'), bpf.exit()], {
        kernelStructs: [{ name: 'sk_buff', bytes: 8, members: [{ ...device, name: 'absent' }] }],
      }),
      want: /no member absent of that kind in a struct sk_buff/,
    },
    {
      name: 'a member of another kind',
      have: objectSpec('tc', [mov64(R0, 0), bpf.addFieldOffset(R0, 'sk_buff', 'dev'), bpf.exit()], {
        kernelStructs: [{ name: 'sk_buff', bytes: 8, members: [{ ...device, type: 'int' }] }],
      }),
      want: /no member dev of that kind/,
    },
    {
      name: 'the number of a struct that is not there',
      have: objectSpec('tc', [bpf.loadTypeId(R0, 'absent_struct'), bpf.exit()], {
        kernelStructs: [{ name: 'absent_struct', bytes: 8, members: [device] }],
      }),
      want: /no struct absent_struct/,
    },
    { name: 'a section that means nothing here', have: several('kprobe', ['last']), want: /section named kprobe/ },
    {
      name: 'a map that the kernel refuses',
      have: objectSpec('tc', undefined, {
        maps: [{ name: 'empty', type: 'array', keySize: 4, valueSize: 4, maxEntries: 0 }],
      }),
      want: /BPF_MAP_CREATE: EINVAL: map empty/,
    },
  ];
  it.each(wrong)('refuse $name', ({ have, want }) => {
    expect(failure(have).message).toMatch(want);
  });

  it('let go of programs and maps', () => {
    const loaded = loadPrograms(object('xdp', interfaceProgram('xdp')));
    loaded.close();
    loaded.close();
    expect(() => only(loaded).testRun({ data: FRAME })).toThrow(/closed/);
  });
});
