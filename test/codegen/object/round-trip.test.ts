import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as bpf from '../../../codegen/bytecode/instruction.js';
import { R0, R1, R2, R3, mov64, type Instruction } from '../../../codegen/bytecode/instruction.js';
import { ObjectError } from '../../../codegen/object/error.js';
import { readObject } from '../../../codegen/object/read.js';
import type { FunctionSpec, KernelStruct, KfuncSpec, MapSpec, ObjectSpec } from '../../../codegen/object/spec.js';
import { writeObject } from '../../../codegen/object/write.js';
import { contextParam, objectSpec, type Hook } from './specs.js';

const KFUNCS: readonly KfuncSpec[] = [
  { name: 'bpf_cast_to_kern_ctx', params: ['void *'], returns: 'void *' },
  { name: 'bpf_xdp_metadata_rx_timestamp', params: ['struct xdp_md *', 'u64'] },
  { name: 'bpf_rcu_read_lock', params: [], returns: 'void' },
  {
    name: 'bpf_xdp_ct_lookup',
    params: ['struct xdp_md *', 'struct bpf_sock_tuple *', 'u32', 'int'],
    returns: 'struct nf_conn *',
  },
];
const STRUCTS: readonly KernelStruct[] = [
  {
    name: 'net_device',
    bytes: 64,
    members: [
      { name: 'flags', offset: 0, bytes: 1 },
      { name: 'nd_net', offset: 8, bytes: 8, type: { struct: 'possible_net_t' } },
      { name: 'ifindex', offset: 16, bytes: 4 },
      { name: 'mtu', offset: 20, bytes: 2 },
      { name: 'state', offset: 24, bytes: 8 },
      { name: 'name', offset: 48, bytes: 16, type: 'chars' },
    ],
  },
  { name: 'possible_net_t', bytes: 8, members: [{ name: 'net', offset: 0, bytes: 8, type: 'pointer' }] },
  { name: 'sk_buff', bytes: 0, members: [] },
];
const MAPS: readonly MapSpec[] = [
  { name: 'counters', type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 1 },
  { name: 'counters_more', type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 1, flags: 0 },
  { name: 'blocked', type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 4_000_000_000, flags: 1 },
  { name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
  { name: 'h', type: 'hash', keySize: 1, valueSize: 1, maxEntries: 1 },
  { name: 'ph', type: 'percpu_hash', keySize: 1, valueSize: 1, maxEntries: 1 },
  { name: 'lru', type: 'lru_hash', keySize: 1, valueSize: 1, maxEntries: 1 },
  { name: 'a', type: 'array', keySize: 4, valueSize: 1, maxEntries: 1 },
];
const LINE = { text: '-A INPUT -j DROP', line: 7, column: 1 };
const SUB: FunctionSpec = { name: 'sub', linkage: 'static', params: [], instructions: [mov64(R0, 0), bpf.exit()] };

/** One of everything. */
const RICH: ObjectSpec = objectSpec(
  'xdp',
  [
    bpf.callKfunc('bpf_cast_to_kern_ctx'),
    { ...bpf.addFieldOffset(R0, 'net_device', 'nd_net.net'), line: LINE },
    bpf.loadTypeId(R2, 'net_device'),
    { ...bpf.loadMap(R1, 'events'), line: LINE },
    { ...bpf.lddw(R3, 0xfedc_ba98_7654_3210n), line: { ...LINE, line: 8 } },
    bpf.callFunction('judge'),
    bpf.exit(),
  ],
  {
    maps: MAPS,
    kfuncs: KFUNCS,
    kernelStructs: STRUCTS,
    functions: [
      SUB,
      {
        name: 'judge',
        linkage: 'global',
        params: [
          contextParam('xdp'),
          { name: 'state', type: { kind: 'memory', struct: 'packet_state', bytes: 200 } },
          { name: 'other', type: { kind: 'memory', struct: 'packet_state', bytes: 8 } },
          { name: 'number', type: { kind: 'int' } },
        ],
        instructions: [{ ...bpf.callFunction('sub'), line: LINE }, bpf.loadMap(R1, 'a'), bpf.exit()],
        // Names are free: one of them is that of a function.
        inlined: [
          { name: 'sub', from: 1, to: 2 },
          { name: 'both', from: 0, to: 2 },
          { name: 'sub', from: 2, to: 3 },
        ],
      },
    ],
    manifest: '{"format":1,"source":"größer ☃"}',
    license: 'Dual BSD/GPL',
  },
);

describe('an object is read as it was written', () => {
  const cases: readonly { readonly name: string; readonly have: ObjectSpec }[] = [
    { name: 'the empty program for XDP', have: objectSpec('xdp') },
    { name: 'the empty program for tc', have: objectSpec('tc') },
    { name: 'one of everything', have: RICH },
    { name: 'nothing but names', have: objectSpec('tc', undefined, { license: '', manifest: '', sourceFile: '' }) },
    { name: 'a function that is not called', have: objectSpec('tc', undefined, { functions: [SUB] }) },
  ];
  test.each(cases)('$name', ({ have }) => {
    expect(readObject(writeObject(have))).toEqual(have);
  });

  test('any program', () => {
    fc.assert(
      fc.property(anyObject(), (spec) => {
        expect(readObject(writeObject(spec))).toEqual(spec);
      }),
      { numRuns: 300 },
    );
  });

  test('lines and columns beyond the format are cut to its largest', () => {
    const line = { text: 'far out', line: 10_000_000, column: 5000 };
    const read = readObject(writeObject(objectSpec('xdp', [{ ...bpf.exit(), line }])));
    expect(read.program.entries[0].instructions[0].line).toEqual({ text: 'far out', line: 4_194_303, column: 1023 });
  });
});

describe('a damaged object', () => {
  const whole = writeObject(RICH);

  test('with some bytes changed is read or refused, never more', () => {
    const byte = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = whole.slice();
        for (const { at, value } of changes) damaged[at] = value;
        expectReadOrRefused(damaged);
      }),
      { numRuns: 3000 },
    );
  });

  test('with any one byte changed is read or refused, never more', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0xff, whole[at] ^ 1]) {
        const damaged = whole.slice();
        damaged[at] = value;
        expectReadOrRefused(damaged);
      }
    }
  });

  test('of any shorter length is refused', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => readObject(whole.subarray(0, length))).toThrow(ObjectError);
    }
  });

  test('of random bytes is refused', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (bytes) => void expect(() => readObject(bytes)).toThrow(ObjectError),
      ),
    );
  });
});

function expectReadOrRefused(bytes: Uint8Array): void {
  try {
    readObject(bytes);
  } catch (error) {
    if (!(error instanceof ObjectError)) throw error;
  }
}

/** A program of references and lines; what it computes does not matter here. */
function anyObject(): fc.Arbitrary<ObjectSpec> {
  const hook: fc.Arbitrary<Hook> = fc.constantFrom('xdp', 'tc');
  const functionNames = fc.uniqueArray(fc.constantFrom('f', 'g', 'h_2', '_i', 'J'.repeat(127)), { maxLength: 5 });
  return fc
    .record({ hook, functionNames, mapCount: fc.nat(4), kfuncCount: fc.nat(KFUNCS.length), withStructs: fc.boolean() })
    .chain(({ hook, functionNames, mapCount, kfuncCount, withStructs }) => {
      const maps = MAPS.slice(0, mapCount);
      const kfuncs = KFUNCS.slice(0, kfuncCount);
      const code = anyCode([
        ...functionNames.map((name) => bpf.callFunction(name)),
        ...maps.map(({ name }) => bpf.loadMap(R1, name)),
        ...kfuncs.map(({ name }) => bpf.callKfunc(name)),
        ...(withStructs ? ['name', 'mtu', 'nd_net', 'nd_net.net'] : []).map((member) =>
          bpf.addFieldOffset(R3, 'net_device', member),
        ),
      ]);
      const fn = (name: string): fc.Arbitrary<FunctionSpec> =>
        fc.record({
          name: fc.constant(name),
          linkage: fc.constantFrom('global', 'static'),
          params: fc.subarray([
            contextParam(hook),
            { name: 'memory', type: { kind: 'memory', struct: 'memory', bytes: 12 } } as const,
            { name: 'x', type: { kind: 'int' } } as const,
          ]),
          instructions: code,
        });
      return fc
        .record({ entry: code, functions: fc.tuple(...functionNames.map(fn)), manifest: fc.string({ unit: 'binary' }) })
        .map(({ entry, functions, manifest }) =>
          objectSpec(hook, entry, { functions, maps, kfuncs, kernelStructs: withStructs ? STRUCTS : [], manifest }),
        );
    });
}

function anyCode(linked: readonly Instruction[]): fc.Arbitrary<readonly Instruction[]> {
  const imm = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
  const plain = fc.oneof(
    imm.map((value) => mov64(R0, value)),
    imm.map((value) => bpf.alu32('xor', R3, value)),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((value) => bpf.lddw(R3, value)),
    fc.integer({ min: -0x8000, max: 0x7fff }).map((offset) => bpf.store(4, R1, offset, R0)),
    fc.constant(bpf.exit()),
  );
  const instruction = linked.length === 0 ? plain : fc.oneof(plain, fc.constantFrom(...linked));
  const text = fc.oneof(fc.constantFrom('-A INPUT -j DROP', '-P INPUT DROP', ''), anyText());
  const line = fc.record({ text, line: fc.integer({ min: 1, max: 5 }), column: fc.nat(1023) });
  const withLine = fc.record({ instruction, line: fc.option(line, { nil: undefined }) });
  return fc
    .array(withLine, { minLength: 1, maxLength: 12 })
    .map((list) => list.map(({ instruction: one, line: of }) => (of === undefined ? one : { ...one, line: of })));
}

/** No NUL; no half of a surrogate pair. */
function anyText(): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ' '));
}
