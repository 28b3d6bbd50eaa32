import { describe, expect, test } from 'vitest';
import { Interpreter, LoadError, type InterpreterOptions } from '../../../bpf-runtime/interpreter/index.js';
import {
  addFieldOffset,
  alu64,
  atomic,
  ATOMIC_OP,
  callFunction,
  callHelper,
  callKfunc,
  exit,
  goto,
  lddw,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  R9,
  reg,
  store,
  storeImm,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import type { ObjectSpec } from '../../../codegen/object/spec.js';
import { faultOf, functionSpec, objectSpec } from './support.js';

const FRAME = new Uint8Array(64);
const XDP_DATA = 0;
const XDP_META = 8;

interface Row {
  readonly name: string;
  readonly code: readonly Instruction[];
  readonly section?: 'xdp' | 'tc';
  readonly more?: Parameters<typeof objectSpec>[2];
  readonly options?: InterpreterOptions;
  readonly want: string;
}

const data = load(4, R1, R1, XDP_DATA);
const map = { name: 'm', type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 } as const;
const valueOf = (index: number): readonly Instruction[] => [
  storeImm(4, R10, -4, index),
  loadMap(R1, 'm'),
  mov64(R2, reg(R10)),
  alu64('add', R2, -4),
  callHelper('map_lookup_elem'),
];

const rows: readonly Row[] = [
  {
    name: 'the last byte and one more',
    code: [data, load(2, R0, R1, 63), exit()],
    want: 'out-of-bounds: read of 2 bytes at offset 63 of the packet, which has 64 bytes',
  },
  { name: 'in front of the packet', code: [data, load(1, R0, R1, -1), exit()], want: 'out-of-bounds' },
  {
    name: 'in front of the packet by arithmetic',
    code: [data, alu64('sub', R1, 5), load(1, R0, R1, 4), exit()],
    want: 'out-of-bounds',
  },
  {
    name: 'in front of the metadata',
    code: [load(4, R1, R1, XDP_META), load(1, R0, R1, -1), exit()],
    want: 'out-of-bounds',
  },
  {
    name: 'store behind the packet',
    code: [data, storeImm(4, R1, 61, 0), exit()],
    want: 'out-of-bounds: write of 4 bytes at offset 61',
  },
  {
    name: 'NULL',
    code: [mov64(R1, 0), load(4, R0, R1, 8), exit()],
    want: 'not-a-pointer: read of 4 bytes at 0x8, which is NULL',
  },
  {
    name: 'a number',
    code: [lddw(R1, 0x1234_5678_9abcn), load(4, R0, R1, 0), exit()],
    want: 'not-a-pointer: read of 4 bytes at 0x123456789abc, which is no pointer',
  },
  { name: 'a register that was never set', code: [load(4, R0, R9, 0), exit()], want: 'not-a-pointer' },
  {
    name: 'an argument after a call',
    code: [mov64(R2, reg(R10)), callHelper('ktime_get_ns'), storeImm(4, R2, -4, 0), exit()],
    want: 'not-a-pointer',
  },
  {
    name: 'above the stack',
    code: [store(8, R10, 0, R1), exit()],
    want: 'out-of-bounds: write of 8 bytes at offset 512 of stack frame 0',
  },
  { name: 'below the stack', code: [store(8, R10, -520, R1), exit()], want: 'out-of-bounds' },
  {
    name: 'crooked on the stack',
    code: [storeImm(4, R10, -6, 0), exit()],
    want: 'bad-width: 4 bytes at offset -6 of stack frame 0: not aligned',
  },
  {
    name: 'stack that was never written',
    code: [storeImm(4, R10, -8, 0), load(8, R0, R10, -8), exit()],
    want: 'uninitialised: nothing was stored to byte -4 of stack frame 0',
  },
  {
    name: 'stack of a call before',
    code: [callFunction('f'), mov64(R1, 1), callFunction('g'), exit()],
    more: {
      functions: [
        functionSpec('f', [storeImm(8, R10, -8, 0), mov64(R0, 0), exit()]),
        functionSpec('g', [load(8, R0, R10, -8), exit()]),
      ],
    },
    want: 'uninitialised',
  },
  {
    name: 'a helper reads unwritten stack',
    code: [loadMap(R1, 'm'), mov64(R2, reg(R10)), alu64('add', R2, -4), callHelper('map_lookup_elem'), exit()],
    more: { maps: [map] },
    want: 'uninitialised',
  },
  {
    name: 'behind a map value',
    code: [...valueOf(0), load(8, R0, R0, 8), exit()],
    more: { maps: [map] },
    want: 'out-of-bounds: read of 8 bytes at offset 8 of a value of m, which has 8 bytes',
  },
  {
    name: 'no map value',
    code: [...valueOf(2), load(8, R0, R0, 0), exit()],
    more: { maps: [map] },
    want: 'not-a-pointer',
  },
  {
    name: 'the map itself',
    code: [loadMap(R1, 'm'), load(8, R0, R1, 0), exit()],
    more: { maps: [map] },
    want: 'out-of-bounds: read of 8 bytes at offset 0 of map m',
  },
  { name: 'no map', code: [mov64(R1, 5), callHelper('map_lookup_elem'), exit()], want: 'bad-argument: r1 is no map' },
  {
    name: 'ring buffer with keys',
    code: [...valueOf(0), exit()],
    more: { maps: [{ ...map, type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 }] },
    want: 'bad-argument: map m has no keys',
  },
  {
    name: 'part of a context field',
    code: [load(2, R0, R1, 12), exit()],
    want: 'bad-width: read of 2 bytes at offset 12 of xdp_md',
  },
  { name: 'eight bytes of the context', code: [load(8, R0, R1, 0), exit()], want: 'bad-width' },
  {
    name: 'behind the context',
    code: [load(4, R0, R1, 24), exit()],
    want: 'bad-width: access of 4 bytes at offset 24 of xdp_md',
  },
  { name: 'in front of the context', code: [load(4, R0, R1, -4), exit()], want: 'out-of-bounds' },
  {
    name: 'XDP context written',
    code: [storeImm(4, R1, 12, 0), exit()],
    want: 'read-only: xdp_md.ingress_ifindex cannot be written',
  },
  {
    name: 'length of an skb written',
    code: [storeImm(4, R1, 0, 0), exit()],
    section: 'tc',
    want: 'read-only: __sk_buff.len cannot be written',
  },
  { name: 'half of a mark written', code: [storeImm(2, R1, 8, 0), exit()], section: 'tc', want: 'bad-width' },
  { name: 'half of a packet pointer', code: [load(2, R0, R1, 76), exit()], section: 'tc', want: 'bad-width' },
  { name: 'a field of other program types', code: [load(4, R0, R1, 88), exit()], section: 'tc', want: 'bad-width' },
  {
    name: 'atomic on the context',
    code: [mov64(R2, 1), atomic(4, ATOMIC_OP.add, R1, 8, R2), exit()],
    section: 'tc',
    want: 'bad-argument',
  },
  {
    name: 'packet pointer after the packet moved',
    code: [
      mov64(R6, reg(R1)),
      load(4, R9, R1, XDP_DATA),
      mov64(R2, 4),
      callHelper('xdp_adjust_head'),
      load(1, R0, R9, 0),
      exit(),
    ],
    want: 'stale-pointer',
  },
  {
    name: 'even where it did not fit',
    code: [
      mov64(R6, reg(R1)),
      load(4, R9, R1, XDP_DATA),
      mov64(R2, 4000),
      callHelper('xdp_adjust_head'),
      load(1, R0, R9, 0),
      exit(),
    ],
    want: 'stale-pointer',
  },
  {
    name: 'helper of tc in XDP',
    code: [callHelper('skb_pull_data'), exit()],
    want: 'unknown-helper: no helper 39 for this program type',
  },
  {
    name: 'helper that there is not',
    code: [{ ...callHelper('redirect'), imm: 9999 }, exit()],
    want: 'unknown-helper: no helper 9999',
  },
  {
    name: 'kernel function that is not known',
    code: [callKfunc('bpf_xdp_metadata_rx_hash'), exit()],
    want: 'unknown-kfunc: no kernel function bpf_xdp_metadata_rx_hash',
  },
  { name: 'no kernel objects', code: [callKfunc('bpf_cast_to_kern_ctx'), exit()], want: 'not-provided' },
  {
    name: 'no routes',
    code: [
      storeImm(8, R10, -8, 0),
      ...Array.from({ length: 7 }, (_, i) => storeImm(8, R10, -16 - 8 * i, 0)),
      mov64(R2, reg(R10)),
      alu64('add', R2, -64),
      mov64(R3, 64),
      mov64(4, 0),
      callHelper('fib_lookup'),
      exit(),
    ],
    want: 'not-provided',
  },
  {
    name: 'something else for the context',
    code: [mov64(R1, reg(R10)), mov64(R2, 1), callHelper('xdp_adjust_head'), exit()],
    want: 'bad-argument: r1 is not the context',
  },
  {
    name: 'size below 0',
    code: [
      storeImm(8, R10, -8, 0),
      mov64(R2, 0),
      mov64(R3, reg(R10)),
      alu64('add', R3, -8),
      mov64(4, -1),
      callHelper('xdp_load_bytes'),
      exit(),
    ],
    want: 'bad-argument: r4 is no size',
  },
  {
    name: 'endless loop',
    code: [{ ...mov64(R0, 0), label: 'a' }, goto('a')],
    options: { maxInstructions: 100 },
    want: 'too-many-instructions: more than 100',
  },
  {
    name: 'nine frames',
    code: [callFunction('f'), exit()],
    more: { functions: [functionSpec('f', [callFunction('f'), exit()])] },
    want: 'too-many-frames: call from frame 8 of 8',
  },
  {
    name: 'a signed load of 8 bytes',
    code: [{ ...load(8, R0, R1, 0), opcode: 0x99 }, exit()],
    want: 'bad-instruction',
  },
  {
    name: 'an unknown atomic operation',
    code: [storeImm(8, R10, -8, 0), mov64(R2, 0), atomic(8, 0x77, R10, -8, R2), exit()],
    want: 'bad-instruction',
  },
  {
    name: 'call through a register',
    code: [{ ...callHelper('redirect'), opcode: 0x8d }, exit()],
    want: 'bad-instruction',
  },
];

describe('what the verifier would refuse is a fault', () => {
  test.each(rows)('$name', ({ code, section = 'xdp', more, options, want }) => {
    const machine = new Interpreter(objectSpec(section, code, more), options);
    expect(faultOf(() => machine.run({ packet: FRAME })).message).toContain(want);
  });
});

test('a fault names function, instruction and source line', () => {
  const line = { text: '-A INPUT -p tcp --dport 22 -j DROP', line: 7, column: 1 };
  const chain = functionSpec('chain_0', [lddw(R0, 1n), { ...load(4, R0, R1, 0), line }, exit()]);
  const machine = new Interpreter(
    objectSpec('xdp', [mov64(R1, 0), callFunction('chain_0'), exit()], { functions: [chain] }),
  );
  const fault = faultOf(() => machine.run({ packet: FRAME }));
  expect(fault).toMatchObject({ code: 'not-a-pointer', functionName: 'chain_0', slot: 2, line });
  expect(fault.message).toMatch(
    /\(function chain_0, instruction 2: r0 = \*\(u32 \*\)\(r1 \+ 0\); line 7: -A INPUT -p tcp --dport 22 -j DROP\)$/,
  );
});

test('a machine runs on after a fault', () => {
  const code = [load(4, R2, R1, 12), data, alu64('add', R1, reg(R2)), load(1, R0, R1, 0), exit()];
  const machine = new Interpreter(objectSpec('xdp', code));
  const packet = Uint8Array.from(FRAME, (_, at) => at);
  expect(faultOf(() => machine.run({ packet, context: { ingress_ifindex: 64 } })).code).toBe('out-of-bounds');
  expect(machine.run({ packet, context: { ingress_ifindex: 63 } }).result).toBe(63);
});

test('uninitialised stack can be allowed, as privileged programs of newer kernels may read it', () => {
  const machine = new Interpreter(objectSpec('xdp', [load(8, R0, R10, -8), exit()]), { uninitialisedStack: 'allow' });
  expect(machine.run({ packet: FRAME }).result).toBe(0);
});

describe('what cannot run is refused before', () => {
  const bad: readonly { name: string; spec: () => ObjectSpec; want: LoadError['code'] }[] = [
    { name: 'unknown map', spec: () => objectSpec('xdp', [loadMap(R1, 'm'), exit()]), want: 'unknown-map' },
    { name: 'unknown function', spec: () => objectSpec('xdp', [callFunction('f'), exit()]), want: 'unknown-function' },
    { name: 'running over the end', spec: () => objectSpec('xdp', [mov64(R0, 0)]), want: 'bad-jump' },
    {
      name: 'jump out',
      spec: () => objectSpec('xdp', [{ ...goto('a'), reference: undefined, offset: 5 }, exit()]),
      want: 'bad-jump',
    },
    {
      name: 'jump into an lddw',
      spec: () => objectSpec('xdp', [{ ...goto('a'), reference: undefined, offset: 1 }, lddw(R0, 0n), exit()]),
      want: 'bad-jump',
    },
    { name: 'frame pointer written', spec: () => objectSpec('xdp', [mov64(R10, 0), exit()]), want: 'bad-register' },
    { name: 'register 11', spec: () => objectSpec('xdp', [mov64(11, 0), exit()]), want: 'bad-register' },
    {
      name: 'ring buffer of no pages',
      spec: () =>
        objectSpec('xdp', [exit()], { maps: [{ ...map, type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 100 }] }),
      want: 'bad-map',
    },
    {
      name: 'array with a long key',
      spec: () => objectSpec('xdp', [exit()], { maps: [{ ...map, keySize: 8 }] }),
      want: 'bad-map',
    },
    {
      name: 'other section',
      spec: () => ({
        ...objectSpec('xdp', [exit()]),
        program: { ...objectSpec('xdp', [exit()]).program, section: 'kprobe/x' },
      }),
      want: 'bad-section',
    },
  ];
  test.each(bad)('$name', ({ spec, want }) => {
    expect(() => new Interpreter(spec())).toThrow(LoadError);
    expect(() => new Interpreter(spec())).toThrow(expect.objectContaining({ code: want }));
  });
  test('unknown kernel member', () => {
    expect(() => new Interpreter(objectSpec('xdp', [addFieldOffset(R1, 'net_device', 'name'), exit()]))).toThrow(
      /net_device/,
    );
  });
});
