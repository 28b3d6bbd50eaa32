import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../../../codegen/bytecode/assemble.js';
import * as bpf from '../../../codegen/bytecode/instruction.js';
import { R0, R1, R10, R2, R3, R6, mov64, reg, type Instruction } from '../../../codegen/bytecode/instruction.js';
import { BYTES_STRUCT, READ_KFUNC } from '../../../codegen/program/netfilter/structs.js';
import type { FunctionSpec, KernelStruct, KfuncSpec, MapSpec } from '../../../codegen/object/spec.js';
import { Bpftool, mustRun, reasonNotToLoad } from './bpftool.js';
import { ACCEPT, objectSpec, type Hook } from './specs.js';

const HOOKS: readonly Hook[] = ['xdp', 'tc'];
const FRAME = new Uint8Array(64);
const CAST: KfuncSpec = { name: 'bpf_cast_to_kern_ctx', params: ['void *'], returns: 'void *' };
const STRUCTS: readonly KernelStruct[] = [
  {
    name: 'net_device',
    bytes: 64,
    members: [
      { name: 'nd_net', offset: 0, bytes: 8, type: { struct: 'possible_net_t' } },
      { name: 'ifindex', offset: 8, bytes: 4 },
      { name: 'name', offset: 48, bytes: 16, type: 'chars' },
    ],
  },
  { name: 'possible_net_t', bytes: 8, members: [{ name: 'net', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'xdp_buff', bytes: 128, members: [{ name: 'rxq', offset: 120, bytes: 8, type: 'pointer' }] },
  { name: 'xdp_rxq_info', bytes: 16, members: [{ name: 'dev', offset: 8, bytes: 8, type: 'pointer' }] },
  { name: 'sk_buff', bytes: 232, members: [{ name: 'dev', offset: 0, bytes: 8, type: 'pointer' }] },
];

const skipped = reasonNotToLoad();
const title = `objects in the kernel${skipped === undefined ? '' : ` (skipped: ${skipped})`}`;

describe.skipIf(skipped !== undefined)(title, () => {
  let bpftool: Bpftool;
  beforeAll(() => {
    bpftool = new Bpftool();
  });
  afterAll(() => bpftool.close());

  describe.each(HOOKS)('at %s', (hook) => {
    test('an empty program loads and accepts', () => {
      const { program } = bpftool.load(objectSpec(hook));
      expect(bpftool.testRun(program, FRAME)).toBe(ACCEPT[hook]);
    });

    test('a memory argument of 200 bytes, of a global function', () => {
      const { program } = bpftool.load(memoryArgument(hook, 200));
      expect(bpftool.testRun(program, FRAME)).toBe(42);
    });

    test('the function may not read behind the memory argument', () => {
      expect(() => bpftool.load(memoryArgument(hook, 199))).toThrow(/invalid access to memory, mem_size=199/);
    });

    test('the context argument of a global function', () => {
      const code = hook === 'xdp' ? frameLength() : [bpf.load(4, R0, R1, 0), bpf.exit()];
      const inner: FunctionSpec = { ...objectSpec(hook, code).program.entries[0], name: 'frame_length' };
      const { program } = bpftool.load(
        objectSpec(hook, [bpf.callFunction('frame_length'), bpf.exit()], { functions: [inner] }),
      );
      expect(bpftool.testRun(program, FRAME)).toBe(FRAME.length);
    });

    test('functions that call each other, in any order', () => {
      const add = (name: string, linkage: FunctionSpec['linkage'], more: number, next?: string): FunctionSpec => ({
        name,
        linkage,
        params: [{ name: 'sum', type: { kind: 'int' } }],
        instructions: [
          ...(next === undefined ? [mov64(R0, reg(R1))] : [bpf.callFunction(next)]),
          bpf.alu64('add', R0, more),
          bpf.exit(),
        ],
      });
      const functions = [
        add('unused', 'static', 1000),
        add('last', 'static', 1),
        add('second', 'global', 2, 'third'),
        add('first', 'static', 4, 'second'),
        add('third', 'static', 8, 'last'),
      ];
      const { program } = bpftool.load(
        objectSpec(hook, [mov64(R1, 16), bpf.callFunction('first'), bpf.exit()], { functions }),
      );
      expect(bpftool.testRun(program, FRAME)).toBe(31);
    });

    test('lines stand above their instructions', () => {
      const text = '-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "größer" -j ACCEPT';
      const { program } = bpftool.load(
        objectSpec(hook, [mov64(R0, 1), { ...mov64(R0, 0), line: { text, line: 4, column: 1 } }, bpf.exit()]),
      );
      const dump = mustRun('bpftool', 'prog', 'dump', 'xlated', 'pinned', program, 'linum').split('\n');
      expect(dump).toContain('; filter [file:rules.v4 line_num:0 line_col:0]');
      const line = dump.indexOf(`; ${text} [file:rules.v4 line_num:4 line_col:1]`);
      expect(dump[line + 1]).toContain('r0 = 0');
    });

    test('a call of a kfunc in the entry and in a static function', () => {
      const cast = [bpf.callKfunc(CAST.name), mov64(R0, 7), bpf.exit()];
      const functions = [{ ...objectSpec(hook, cast).program.entries[0], name: 'inner', linkage: 'static' as const }];
      const code = [
        mov64(R6, reg(R1)),
        bpf.callKfunc(CAST.name),
        mov64(R1, reg(R6)),
        bpf.callFunction('inner'),
        bpf.exit(),
      ];
      const { program } = bpftool.load(objectSpec(hook, code, { functions, kfuncs: [CAST] }));
      expect(bpftool.testRun(program, FRAME)).toBe(7);
    });

    test('the name of the device, by kernel reads from struct to struct', () => {
      const map: MapSpec = { name: 'name', type: 'array', keySize: 4, valueSize: 16, maxEntries: 1 };
      const rest = { maps: [map], kfuncs: [CAST], kernelStructs: STRUCTS };
      const loaded = bpftool.load(objectSpec(hook, readDeviceName(hook), rest));
      expect(bpftool.testRun(loaded.program, FRAME)).toBe(1);
      const name = bpftool.lookup(loaded.map('name'), [0, 0, 0, 0]);
      expect(new TextDecoder().decode(name)).toBe('lo'.padEnd(16, '\0'));
    });
  });

  const maps: readonly MapSpec[] = [
    { name: 'hash', type: 'hash', keySize: 5, valueSize: 7, maxEntries: 100, flags: 1 },
    { name: 'array', type: 'array', keySize: 4, valueSize: 65536, maxEntries: 3 },
    { name: 'percpu_array', type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 1000 },
    { name: 'percpu_hash', type: 'percpu_hash', keySize: 16, valueSize: 8, maxEntries: 10 },
    { name: 'lru_hash', type: 'lru_hash', keySize: 4, valueSize: 8, maxEntries: 1024, flags: 0 },
    { name: 'lpm_trie', type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 5000, flags: 1 },
    { name: 'ringbuf', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 65536 },
  ];
  test('maps of every type', () => {
    const used = maps.flatMap(({ name }) => [bpf.loadMap(R1, name)]);
    const loaded = bpftool.load(objectSpec('xdp', [...used, mov64(R0, 2), bpf.exit()], { maps }));
    for (const map of maps) {
      const shown: unknown = JSON.parse(mustRun('bpftool', '--json', 'map', 'show', 'pinned', loaded.map(map.name)));
      expect(shown).toMatchObject({
        type: map.type,
        name: map.name,
        bytes_key: map.keySize,
        bytes_value: map.valueSize,
        max_entries: map.maxEntries,
        flags: map.flags ?? 0,
      });
    }
  });

  test.each([
    { struct: 'net_device', member: 'name' },
    { struct: 'net_device', member: 'ifindex' },
    { struct: 'net_device', member: 'nd_net' },
    { struct: 'xdp_buff', member: 'rxq' },
    { struct: 'xdp_rxq_info', member: 'dev' },
  ])('libbpf puts in the offset of $member in $struct', ({ struct, member }) => {
    const through = member === 'nd_net' ? 'nd_net.net' : member;
    const code = [mov64(R0, 0), bpf.addFieldOffset(R0, struct, through), bpf.exit()];
    const { program } = bpftool.load(objectSpec('xdp', code, { kernelStructs: STRUCTS }));
    expect(bpftool.testRun(program, FRAME)).toBe(kernelOffset(struct, member));
  });

  test('libbpf puts in the number of a struct, by which bytes of the packet are read', () => {
    const spec = objectSpec('tc', packetByte(20), {
      kernelStructs: [...PACKET_STRUCTS, BYTES_STRUCT],
      kfuncs: [CAST, READ_KFUNC],
    });
    const { program } = bpftool.load(spec);
    expect(bpftool.testRun(program, FRAME.with(20, 42))).toBe(42);
  });

  test('a member that the kernel does not have is refused when it is read', () => {
    const kernelStructs: readonly KernelStruct[] = [
      { name: 'net', bytes: 4, members: [{ name: 'gone', offset: 0, bytes: 4 }] },
    ];
    const code = [mov64(R0, 0), bpf.addFieldOffset(R0, 'net', 'gone'), bpf.exit()];
    expect(() => bpftool.load(objectSpec('xdp', code, { kernelStructs }))).toThrow(/CO-RE relocation|invalid func/);
  });
});

/** Entry passes `bytes` bytes of stack; the function gives back its 200th. */
function memoryArgument(hook: Hook, bytes: number): ReturnType<typeof objectSpec> {
  const words = [...Array(25).keys()].map((word) => bpf.storeImm(8, R10, -200 + 8 * word, 0));
  const code = [
    ...words,
    bpf.storeImm(1, R10, -1, 42),
    mov64(R1, reg(R10)),
    bpf.alu64('add', R1, -200),
    mov64(R2, 5),
    bpf.callFunction('last_byte'),
    bpf.exit(),
  ];
  const instructions = assemble('last_byte', [
    mov64(R0, 0),
    bpf.jump64('jeq', R1, 0, 'end'),
    bpf.load(1, R0, R1, 199),
    { ...bpf.exit(), label: 'end' },
  ]);
  const lastByte: FunctionSpec = {
    name: 'last_byte',
    linkage: 'global',
    params: [
      { name: 'memory', type: { kind: 'memory', struct: 'packet_state', bytes } },
      { name: 'number', type: { kind: 'int' } },
    ],
    instructions,
  };
  return objectSpec(hook, code, { functions: [lastByte] });
}

/** data_end − data of an xdp_md at r1. */
function frameLength(): readonly Instruction[] {
  return [bpf.load(4, R0, R1, 4), bpf.load(4, R2, R1, 0), bpf.alu64('sub', R0, reg(R2)), bpf.exit()];
}

const PACKET_STRUCTS: readonly KernelStruct[] = [
  { name: 'sk_buff', bytes: 8, members: [{ name: 'data', offset: 0, bytes: 8, type: 'pointer' }] },
];

/** The byte of the frame there, without a helper. At tc the packet begins with its frame. */
function packetByte(at: number): readonly Instruction[] {
  return [
    bpf.callKfunc(CAST.name),
    bpf.addFieldOffset(R0, 'sk_buff', 'data'),
    bpf.load(8, R1, R0, 0),
    bpf.loadTypeId(R2, BYTES_STRUCT.name),
    bpf.callKfunc(READ_KFUNC.name),
    bpf.load(1, R0, R0, at),
    bpf.exit(),
  ];
}

/** Follows pointers by bpf_probe_read_kernel from the context to the device's name, which goes to map `name`. */
function readDeviceName(hook: Hook): readonly Instruction[] {
  const SLOT = -24;
  const read = (struct: string, member: string, bytes: number): readonly Instruction[] => [
    bpf.addFieldOffset(R3, struct, member),
    mov64(R1, reg(R10)),
    bpf.alu64('add', R1, SLOT),
    mov64(R2, bytes),
    bpf.callHelper('probe_read_kernel'),
    bpf.jump64('jne', R0, 0, 'fail'),
    bpf.load(8, R3, R10, SLOT),
  ];
  const toDevice =
    hook === 'tc' ? read('sk_buff', 'dev', 8) : [...read('xdp_buff', 'rxq', 8), ...read('xdp_rxq_info', 'dev', 8)];
  return assemble('filter', [
    bpf.callKfunc(CAST.name),
    mov64(R3, reg(R0)),
    ...toDevice,
    ...read('net_device', 'name', 16),
    bpf.storeImm(4, R10, -4, 0),
    mov64(R2, reg(R10)),
    bpf.alu64('add', R2, -4),
    bpf.loadMap(R1, 'name'),
    bpf.callHelper('map_lookup_elem'),
    bpf.jump64('jeq', R0, 0, 'fail'),
    ...[0, 8].flatMap((at) => [bpf.load(8, R1, R10, SLOT + at), bpf.store(8, R0, at, R1)]),
    mov64(R0, 1),
    bpf.exit(),
    { ...mov64(R0, 0), label: 'fail' },
    bpf.exit(),
  ]);
}

/** Bytes, from the running kernel's BTF. */
function kernelOffset(struct: string, member: string): number {
  const dump = mustRun('bpftool', 'btf', 'dump', 'file', '/sys/kernel/btf/vmlinux');
  const [, members] = new RegExp(`STRUCT '${struct}' size=.*\\n((?:\\t.*\\n)*)`).exec(dump) ?? [];
  const [, bits] = new RegExp(`'${member}' type_id=\\d+ bits_offset=(\\d+)`).exec(members ?? '') ?? [];
  return Number(bits) / 8;
}
