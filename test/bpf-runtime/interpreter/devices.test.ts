import { describe, expect, test } from 'vitest';
import {
  Interpreter,
  structObject,
  type Device,
  type InterpreterOptions,
} from '../../../bpf-runtime/interpreter/index.js';
import {
  alu64,
  callHelper,
  callKfunc,
  exit,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  reg,
  storeImm,
  store,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import { deviceNameByIndex, DEVICE_STRUCTS, inputDeviceName } from '../../../codegen/program/device-name.js';
import { faultOf, objectSpec } from './support.js';

const FRAME = new Uint8Array(64);
const DEVICES: readonly Device[] = [
  { ifindex: 2, name: 'eth0' },
  { ifindex: 258, name: 'a-name-of-15-chr'.slice(0, 15) },
  { ifindex: 514, name: 'x' },
  { ifindex: 3, name: 'wg0' },
];
/** The name is left in the packet. */
const NAME = -32;

function run(hook: 'xdp' | 'tc', code: readonly Instruction[], ifindex: number, options?: InterpreterOptions): string {
  const dataAt = hook === 'xdp' ? 0 : 76;
  const copy = [
    load(4, R1, R6, dataAt),
    load(8, R2, R10, NAME),
    store(8, R1, 0, R2),
    load(8, R2, R10, NAME + 8),
    store(8, R1, 8, R2),
    exit(),
  ];
  const spec = objectSpec(hook, [mov64(R6, reg(R1)), ...code, ...copy], { kernelStructs: DEVICE_STRUCTS });
  const machine = new Interpreter(spec, { devices: DEVICES, ...options });
  const context = hook === 'xdp' ? { ingress_ifindex: ifindex } : { ifindex };
  const { packet } = machine.run({ packet: FRAME, context });
  return Buffer.from(packet.subarray(0, 16)).toString('latin1').replace(/\0+$/, '');
}

describe.each(['xdp', 'tc'] as const)('%s', (hook) => {
  test.each(DEVICES)('name of the device that the packet is on: $ifindex', ({ ifindex, name }) => {
    expect(run(hook, inputDeviceName({ hook, result: NAME }), ifindex)).toBe(name);
  });
  test.each([...DEVICES, { ifindex: 770, name: '' }, { ifindex: 5, name: '' }])(
    'name of device $ifindex by its index',
    ({ ifindex, name }) => {
      const byIndex = deviceNameByIndex({ hook, result: NAME, index: -36, scratch: -64, label: 'device' });
      expect(run(hook, [storeImm(4, R10, -36, ifindex), ...byIndex], 2)).toBe(name);
    },
  );
  test('no such device', () => {
    expect(faultOf(() => run(hook, inputDeviceName({ hook, result: NAME }), 99)).code).toBe('not-provided');
  });
});

describe('probe_read_kernel', () => {
  const probe = (address: readonly Instruction[]): readonly Instruction[] => [
    storeImm(8, R10, NAME, -1),
    storeImm(8, R10, NAME + 8, -1),
    ...address,
    mov64(R1, reg(R10)),
    alu64('add', R1, NAME),
    mov64(R2, 4),
    callHelper('probe_read_kernel'),
    // The answer goes behind what was read.
    store(4, R10, NAME + 4, R0),
  ];
  const cast = [mov64(R1, reg(R6)), callKfunc('bpf_cast_to_kern_ctx'), mov64(R3, reg(R0))];
  const structs = [
    {
      name: 'thing',
      bytes: 12,
      members: [
        { name: 'tag', offset: 0, bytes: 4 },
        { name: 'other', offset: 4, bytes: 8, type: 'pointer' },
      ],
    },
  ] as const;
  const thing = structObject(structs, 'thing', 'it', {
    tag: { kind: 'chars', value: 'abc' },
    other: { kind: 'pointer', to: 'it', offset: 1 },
  });
  const read = (address: readonly Instruction[]): Uint8Array => {
    const spec = objectSpec('xdp', [
      mov64(R6, reg(R1)),
      ...probe(address),
      load(4, R1, R6, 0),
      load(8, R2, R10, NAME),
      store(8, R1, 0, R2),
      exit(),
    ]);
    const machine = new Interpreter(spec, { kernel: [thing] });
    return machine.run({ packet: FRAME, kernelContext: 'it' }).packet.slice(0, 8);
  };
  const done = [0, 0, 0, 0];
  const efault = [0xf2, 0xff, 0xff, 0xff];
  test.each([
    { name: 'an object', address: cast, want: [0x61, 0x62, 0x63, 0, ...done] },
    {
      name: 'an object by a pointer in another',
      address: [...cast, load(8, R3, R3, 4)],
      want: [0x62, 0x63, 0, 1, ...done],
    },
    { name: 'NULL', address: [mov64(R3, 0)], want: [0, 0, 0, 0, ...efault] },
    { name: 'a number', address: [mov64(R3, -4096)], want: [0, 0, 0, 0, ...efault] },
    { name: 'over the end', address: [...cast, alu64('add', R3, 9)], want: [0, 0, 0, 0, ...efault] },
  ])('$name', ({ address, want }) => {
    const expected = [...want];
    // The low byte of the pointer at bytes 4 to 11 is its offset, 1.
    expect([...read(address)]).toEqual(expected);
  });
  test('kernel objects cannot be written', () => {
    const spec = objectSpec('xdp', [mov64(R6, reg(R1)), ...cast, storeImm(4, R3, 0, 1), exit()]);
    const machine = new Interpreter(spec, { kernel: [thing] });
    expect(faultOf(() => machine.run({ packet: FRAME, kernelContext: 'it' })).code).toBe('read-only');
  });
});
