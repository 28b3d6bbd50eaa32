import { describe, expect, test } from 'vitest';
import { Interpreter, type RunInput, type TraceStep } from '../../../bpf-runtime/interpreter/index.js';
import {
  alu32,
  alu64,
  callFunction,
  callHelper,
  exit,
  jump32,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R6,
  reg,
  store,
  storeImm,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import { functionSpec, objectSpec } from './support.js';

const FRAME = Uint8Array.from({ length: 64 }, (_, at) => at);

describe('context', () => {
  const rows: readonly {
    readonly name: string;
    readonly section: 'xdp' | 'tc';
    readonly code: readonly Instruction[];
    readonly input?: Partial<RunInput>;
    readonly want: number;
  }[] = [
    {
      name: 'XDP device',
      section: 'xdp',
      code: [load(4, R0, R1, 12)],
      input: { context: { ingress_ifindex: 7 } },
      want: 7,
    },
    {
      name: 'XDP queue',
      section: 'xdp',
      code: [load(4, R0, R1, 16)],
      input: { context: { rx_queue_index: 3 } },
      want: 3,
    },
    {
      name: 'XDP metadata in front of the packet',
      section: 'xdp',
      code: [load(4, R2, R1, 8), load(4, R0, R2, 0)],
      input: { metadata: Uint8Array.of(1, 2, 3, 4) },
      want: 0x04030201,
    },
    {
      name: 'metadata and packet are one piece',
      section: 'xdp',
      code: [load(4, R2, R1, 8), load(1, R0, R2, 4 + 63)],
      input: { metadata: Uint8Array.of(1, 2, 3, 4) },
      want: 63,
    },
    {
      name: 'device of an skb',
      section: 'tc',
      code: [load(4, R0, R1, 40)],
      input: { context: { ifindex: 9 } },
      want: 9,
    },
    { name: 'packet type', section: 'tc', code: [load(4, R0, R1, 4)], input: { context: { pkt_type: 3 } }, want: 3 },
    { name: 'VLAN', section: 'tc', code: [load(4, R0, R1, 24)], input: { context: { vlan_tci: 0x64 } }, want: 0x64 },
    { name: 'protocol from the frame', section: 'tc', code: [load(4, R0, R1, 16)], want: 0x0d0c },
    {
      name: 'protocol as given',
      section: 'tc',
      code: [load(4, R0, R1, 16)],
      input: { context: { protocol: 8 } },
      want: 8,
    },
    { name: 'nothing set', section: 'tc', code: [load(4, R0, R1, 8)], want: 0 },
    { name: 'no socket', section: 'tc', code: [load(8, R0, R1, 168)], want: 0 },
    {
      name: 'family of the socket',
      section: 'tc',
      code: [load(8, R2, R1, 168), load(4, R0, R2, 4)],
      input: { socket: Uint8Array.from({ length: 80 }, (_, at) => (at === 4 ? 17 : 0)) },
      want: 17,
    },
    {
      name: 'length counts what is not linear',
      section: 'tc',
      code: [load(4, R0, R1, 0)],
      input: { linear: 20 },
      want: 64,
    },
    {
      name: 'data ends where it is no longer linear',
      section: 'tc',
      code: [load(4, R2, R1, 76), load(4, R0, R1, 80), alu64('sub', R0, reg(R2))],
      input: { linear: 20 },
      want: 20,
    },
    {
      name: 'pull_data makes it linear',
      section: 'tc',
      code: [
        mov64(R6, reg(R1)),
        mov64(R2, 40),
        callHelper('skb_pull_data'),
        load(4, R2, R6, 76),
        load(4, R0, R6, 80),
        alu64('sub', R0, reg(R2)),
      ],
      input: { linear: 20 },
      want: 40,
    },
    {
      name: 'load_bytes reaches what is not linear',
      section: 'tc',
      code: [
        mov64(R2, 60),
        mov64(R3, reg(R10)),
        alu64('add', R3, -4),
        mov64(R4, 4),
        callHelper('skb_load_bytes'),
        load(4, R0, R10, -4),
      ],
      input: { linear: 20 },
      want: 0x3f3e3d3c,
    },
  ];
  test.each(rows)('$name', ({ section, code, input = {}, want }) => {
    const machine = new Interpreter(objectSpec(section, [...code, exit()]));
    expect(machine.run({ packet: FRAME, ...input }).result).toBe(want);
  });
  test('an unknown field is an error of the caller', () => {
    const machine = new Interpreter(objectSpec('xdp', [mov64(R0, 2), exit()]));
    expect(() => machine.run({ packet: FRAME, context: { mark: 1 } })).toThrow(/xdp_md has no field mark/);
  });
  test('what the program wrote is in the result, and gone in the next run', () => {
    const code = [mov64(R6, reg(R1)), load(4, R0, R6, 8), storeImm(4, R6, 8, 5), storeImm(4, R6, 52, 6), exit()];
    const machine = new Interpreter(objectSpec('tc', code));
    expect(machine.run({ packet: FRAME, context: { mark: 3 } })).toMatchObject({
      result: 3,
      context: { mark: 5, cb1: 6 },
    });
    expect(machine.run({ packet: FRAME })).toMatchObject({ result: 0 });
  });
});

test('the packet given is not changed', () => {
  const packet = FRAME.slice();
  const code = [load(4, R2, R1, 0), storeImm(1, R2, 0, 99), mov64(R0, 2), exit()];
  const { packet: after } = new Interpreter(objectSpec('xdp', code)).run({ packet });
  expect(packet).toEqual(FRAME);
  expect(after[0]).toBe(99);
});

test('a long packet, and then a short one', () => {
  const code = [load(4, R2, R1, 0), load(4, R0, R1, 4), alu64('sub', R0, reg(R2)), exit()];
  const machine = new Interpreter(objectSpec('xdp', code));
  expect(machine.run({ packet: new Uint8Array(9000) }).result).toBe(9000);
  expect(machine.run({ packet: FRAME }).result).toBe(64);
});

describe('redirects', () => {
  test('where to, and with which flags', () => {
    const code = [mov64(R1, 5), mov64(R2, 1), callHelper('redirect'), exit()];
    expect(new Interpreter(objectSpec('tc', code)).run({ packet: FRAME })).toMatchObject({
      result: 7,
      redirect: { ifindex: 5, flags: 1 },
    });
  });
  test('none from the run before', () => {
    const code = [
      load(4, R1, R1, 40),
      jump32('jeq', R1, 0, 'out'),
      mov64(R2, 0),
      callHelper('redirect'),
      { ...mov64(R0, 0), label: 'out' },
      exit(),
    ];
    const machine = new Interpreter(objectSpec('tc', code));
    expect(machine.run({ packet: FRAME, context: { ifindex: 4 } }).redirect).toEqual({ ifindex: 4, flags: 0 });
    expect(machine.run({ packet: FRAME }).redirect).toBeUndefined();
  });
  test('clones as they were sent', () => {
    const code = [
      mov64(R6, reg(R1)),
      mov64(R2, 3),
      mov64(R3, 0),
      callHelper('clone_redirect'),
      load(4, R1, R6, 76),
      storeImm(1, R1, 0, 99),
      mov64(R0, 0),
      exit(),
    ];
    const { clones, packet } = new Interpreter(objectSpec('tc', code)).run({ packet: FRAME });
    expect(clones).toEqual([{ ifindex: 3, flags: 0, packet: FRAME }]);
    expect(packet[0]).toBe(99);
  });
});

describe('surroundings', () => {
  test('time stands until the host moves it', () => {
    const clock = { nanoseconds: 5n };
    const machine = new Interpreter(objectSpec('xdp', [callHelper('ktime_get_ns'), exit()]), { clock });
    expect(machine.run({ packet: FRAME }).result).toBe(5);
    clock.nanoseconds = 2_000_000_000n;
    expect(machine.run({ packet: FRAME }).result).toBe(2_000_000_000);
  });
  test.each([
    { name: 'at boot', nanoseconds: 0n, hz: 250, want: 2 ** 32 - 300 * 250 },
    { name: 'after a second', nanoseconds: 1_000_000_000n, hz: 100, want: 2 ** 32 - 300 * 100 + 100 },
    { name: 'after five minutes the low half wraps', nanoseconds: 300_000_000_000n, hz: 1000, want: 0 },
  ])('jiffies $name', ({ nanoseconds, hz, want }) => {
    const machine = new Interpreter(objectSpec('xdp', [callHelper('jiffies64'), exit()]), {
      clock: { nanoseconds, hz },
    });
    expect(machine.run({ packet: FRAME }).result).toBe(want);
  });
  test('random numbers follow the seed', () => {
    const draw = (seed: number): number[] => {
      const machine = new Interpreter(objectSpec('xdp', [callHelper('get_prandom_u32'), exit()]), { seed });
      return [1, 2, 3].map(() => machine.run({ packet: FRAME }).result);
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(new Set(draw(1)).size).toBe(3);
  });
  test('the processor', () => {
    const machine = new Interpreter(objectSpec('xdp', [callHelper('get_smp_processor_id'), exit()]), {
      cpus: 4,
      cpu: 2,
    });
    expect(machine.run({ packet: FRAME }).result).toBe(2);
  });
  test('routes: parameters in, answer and parameters out', () => {
    const zeros = Array.from({ length: 8 }, (_, word) => storeImm(8, R10, -64 + 8 * word, 0));
    const code = [
      ...zeros,
      storeImm(4, R10, -64 + 32, 0x01020304),
      mov64(R2, reg(R10)),
      alu64('add', R2, -64),
      mov64(R3, 64),
      mov64(R4, 2),
      callHelper('fib_lookup'),
      load(4, R1, R10, -64 + 8),
      alu32('lsh', R1, 8),
      alu32('or', R0, reg(R1)),
      exit(),
    ];
    const seen: unknown[] = [];
    const fib = (params: Uint8Array, flags: number): number => {
      seen.push([params.slice(32, 36), flags, params.length]);
      params[8] = 6;
      return 4;
    };
    expect(new Interpreter(objectSpec('xdp', code), { fib }).run({ packet: FRAME }).result).toBe(0x604);
    expect(seen).toEqual([[Uint8Array.of(4, 3, 2, 1), 2, 64]]);
  });
});

test('csum_diff of a size that Linux before 6.13 refuses', () => {
  const code = [
    storeImm(8, R10, -8, 1),
    mov64(R1, reg(R10)),
    alu64('add', R1, -8),
    mov64(R2, 6),
    mov64(R3, 0),
    mov64(R4, 0),
    mov64(5, 0),
    callHelper('csum_diff'),
    exit(),
  ];
  expect(new Interpreter(objectSpec('xdp', code)).run({ packet: FRAME }).result).toBe(-22 >>> 0);
});

describe('local calls', () => {
  test('r6 to r9 and the stack frame come back', () => {
    const callee = functionSpec('f', [mov64(R6, 1), storeImm(8, R10, -8, 9), mov64(R0, reg(R1)), exit()]);
    const code = [
      mov64(R6, 40),
      storeImm(8, R10, -8, 2),
      mov64(R1, 100),
      callFunction('f'),
      alu64('add', R0, reg(R6)),
      load(8, R1, R10, -8),
      alu64('add', R0, reg(R1)),
      exit(),
    ];
    expect(new Interpreter(objectSpec('xdp', code, { functions: [callee] })).run({ packet: FRAME }).result).toBe(142);
  });
  test("a function writes to its caller's stack through a pointer", () => {
    const callee = functionSpec('f', [storeImm(4, R1, 0, 77), mov64(R0, 0), exit()]);
    const code = [mov64(R1, reg(R10)), alu64('add', R1, -4), callFunction('f'), load(4, R0, R10, -4), exit()];
    expect(new Interpreter(objectSpec('xdp', code, { functions: [callee] })).run({ packet: FRAME }).result).toBe(77);
  });
  test('eight frames are allowed', () => {
    const names = ['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7'];
    const functions = names.map((name, at) =>
      functionSpec(name, at < 6 ? [callFunction(names[at + 1]), alu64('add', R0, 1), exit()] : [mov64(R0, 1), exit()]),
    );
    const machine = new Interpreter(objectSpec('xdp', [callFunction('f1'), exit()], { functions }));
    expect(machine.run({ packet: FRAME }).result).toBe(7);
  });
});

test('the trace shows each instruction before it is done', () => {
  const steps: [string, number, bigint][] = [];
  const trace = ({ functionName, slot, register }: TraceStep): void =>
    void steps.push([functionName, slot, register(0)]);
  const callee = functionSpec('f', [mov64(R0, 5), exit()]);
  const machine = new Interpreter(
    objectSpec('xdp', [mov64(R0, 1), callFunction('f'), exit()], { functions: [callee] }),
    {
      trace,
    },
  );
  expect(machine.run({ packet: FRAME }).instructions).toBe(5);
  expect(steps.slice(1)).toEqual([
    ['entry', 1, 1n],
    ['f', 0, 1n],
    ['f', 1, 5n],
    ['entry', 2, 5n],
  ]);
});

test('events come out in order, once', () => {
  const ring = { name: 'events', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 } as const;
  const code = [
    load(4, R2, R1, 12),
    store(4, R10, -4, R2),
    loadMap(R1, 'events'),
    mov64(R2, reg(R10)),
    alu64('add', R2, -4),
    mov64(R3, 4),
    mov64(R4, 0),
    callHelper('ringbuf_output'),
    exit(),
  ];
  const machine = new Interpreter(objectSpec('xdp', code, { maps: [ring] }));
  for (const ingress_ifindex of [1, 2]) machine.run({ packet: FRAME, context: { ingress_ifindex } });
  expect(machine.events('events')).toEqual([Uint8Array.of(1, 0, 0, 0), Uint8Array.of(2, 0, 0, 0)]);
  expect(machine.events('events')).toEqual([]);
  let accepted = 0;
  while (machine.run({ packet: FRAME }).result === 0) accepted++;
  expect(accepted).toBe(255);
});
