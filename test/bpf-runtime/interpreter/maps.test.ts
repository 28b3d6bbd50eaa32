import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Interpreter, type HostMap } from '../../../bpf-runtime/interpreter/index.js';
import {
  alu64,
  callHelper,
  exit,
  jump64,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  store,
  storeImm,
  type Instruction,
  reg,
} from '../../../codegen/bytecode/instruction.js';
import type { MapSpec } from '../../../codegen/object/spec.js';
import { objectSpec } from './support.js';

const FRAME = new Uint8Array(64);
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** Adds 1 to the value under the key that is the device's index; returns 1 where there is none. */
const COUNT: readonly Instruction[] = [
  load(4, R2, R1, 12),
  store(4, R10, -4, R2),
  loadMap(R1, 'm'),
  mov64(R2, reg(R10)),
  alu64('add', R2, -4),
  callHelper('map_lookup_elem'),
  jump64('jeq', R0, 0, 'none'),
  load(8, R1, R0, 0),
  alu64('add', R1, 1),
  store(8, R0, 0, R1),
  mov64(R0, 0),
  exit(),
  { ...mov64(R0, 1), label: 'none' },
  exit(),
];

function machineWith(map: Partial<MapSpec>, options?: ConstructorParameters<typeof Interpreter>[1]): Interpreter {
  const spec: MapSpec = { name: 'm', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4, ...map };
  return new Interpreter(objectSpec('xdp', COUNT, { maps: [spec] }), options);
}

const count = (machine: Interpreter, key: number): number =>
  machine.run({ packet: FRAME, context: { ingress_ifindex: key } }).result;

describe('the host and the program share the map', () => {
  test.each(['hash', 'lru_hash', 'percpu_hash', 'array', 'percpu_array'] as const)('%s', (type) => {
    const machine = machineWith({ type });
    const map = machine.map('m');
    map.set(2, u64(40));
    expect(count(machine, 2)).toBe(0);
    expect(count(machine, 2)).toBe(0);
    expect(map.get(2)).toEqual(u64(42));
    expect(map.get(u32(2))).toEqual(u64(42));
    machine.clearMaps();
    expect(map.get(2)).toEqual(type.endsWith('array') ? u64(0) : undefined);
  });
  test('copies: the host does not see later changes in what it took', () => {
    const machine = machineWith({});
    machine.map('m').set(1, u64(0));
    const before = machine.map('m').get(1);
    count(machine, 1);
    expect(before).toEqual(u64(0));
  });
  test('entries and deletion', () => {
    const map = machineWith({}).map('m');
    map.set(3, u64(30));
    map.set(1, u64(10));
    expect([...map.entries()]).toEqual([
      [u32(3), u64(30)],
      [u32(1), u64(10)],
    ]);
    expect(map.delete(3)).toBe(true);
    expect(map.delete(3)).toBe(false);
    expect([...map.entries()]).toEqual([[u32(1), u64(10)]]);
  });
  test('a new value in the place of a deleted one starts with zeros', () => {
    const map = machineWith({ valueSize: 16, type: 'percpu_hash' }, { cpus: 2 }).map('m');
    map.set(
      1,
      Uint8Array.from({ length: 16 }, () => 0xff),
    );
    map.delete(1);
    map.set(2, new Uint8Array(16));
    expect(map.getPerCpu(2)).toEqual([new Uint8Array(16), new Uint8Array(16)]);
  });
  test('wrong sizes, full maps and unknown names are errors of the caller', () => {
    const machine = machineWith({ maxEntries: 1 });
    const map = machine.map('m');
    expect(() => map.set(1, new Uint8Array(7))).toThrow(/8 bytes/);
    expect(() => map.get(new Uint8Array(3))).toThrow(/4 bytes/);
    map.set(1, u64(1));
    expect(() => map.set(2, u64(1))).toThrow(RangeError);
    expect(() => machine.map('n')).toThrow(/no map n/);
    expect(() => machine.events('m')).toThrow(/no ring buffer m/);
  });
});

describe('per CPU', () => {
  test('the program changes the value of its own CPU', () => {
    const machine = machineWith({ type: 'percpu_array' }, { cpus: 3, cpu: 1 });
    count(machine, 2);
    expect(machine.map('m').getPerCpu(2)).toEqual([u64(0), u64(1), u64(0)]);
    expect(machine.map('m').get(2)).toEqual(u64(1));
  });
  test('all values in place', () => {
    const machine = machineWith({ type: 'percpu_array', maxEntries: 300 }, { cpus: 2, cpu: 1 });
    count(machine, 299);
    count(machine, 0);
    const seen: number[] = [];
    machine.map('m').forEachValue((view, offset, cpu) => {
      if (cpu === 1) seen.push(Number(view.getBigUint64(offset, true)));
    });
    expect(seen.length).toBe(300);
    expect(seen.flatMap((value, index) => (value === 0 ? [] : [index]))).toEqual([0, 299]);
  });
});

test('a full lru_hash throws out what was used longest ago', () => {
  const machine = machineWith({ type: 'lru_hash', maxEntries: 2 });
  const map = machine.map('m');
  map.set(1, u64(1));
  map.set(2, u64(2));
  expect(count(machine, 1)).toBe(0);
  map.set(3, u64(3));
  expect([1, 2, 3].map((key) => map.get(key) !== undefined)).toEqual([true, false, true]);
});

interface Route {
  readonly bits: number;
  readonly address: number;
}

const route = fc.record({
  bits: fc.integer({ min: 0, max: 32 }),
  // Few addresses, so that prefixes nest.
  address: fc.integer({ min: 0, max: 255 }).map((low) => ((low & 0xf0) << 24) | (low & 0x0f)),
});

function trieKey({ bits, address }: Route): Uint8Array {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setUint32(0, bits, true);
  view.setInt32(4, address);
  return key;
}

const maskOf = (bits: number): number => (bits === 0 ? 0 : -1 << (32 - bits));

/** The longest of the prefixes, by trying all. */
function longest(routes: readonly Route[], { bits, address }: Route): number | undefined {
  let best: number | undefined;
  routes.forEach((candidate, index) => {
    const mask = maskOf(candidate.bits);
    const holds = candidate.bits <= bits && (candidate.address & mask) === (address & mask);
    if (holds && (best === undefined || candidate.bits >= routes[best].bits)) best = index;
  });
  return best;
}

test('lpm_trie finds what trying all prefixes finds', () => {
  const numberIn = (map: HostMap, key: Uint8Array): number | undefined => {
    const value = map.get(key);
    return value === undefined ? undefined : Number(new DataView(value.buffer).getBigUint64(0, true));
  };
  fc.assert(
    fc.property(
      fc.array(route, { maxLength: 30 }),
      fc.array(route, { minLength: 1, maxLength: 20 }),
      (routes, asked) => {
        const map = machineWith({ type: 'lpm_trie', keySize: 8, maxEntries: 100 }).map('m');
        routes.forEach((entry, index) => map.set(trieKey(entry), u64(index)));
        for (const key of asked) expect(numberIn(map, trieKey(key))).toBe(longest(routes, key));
      },
    ),
    { numRuns: 300 },
  );
});

test('constants behind the registers do not clash with maps', () => {
  // A program of its own: the same number as constant, and two maps.
  const specs = ['a', 'b'].map((name): MapSpec => ({ name, type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 }));
  const value = (name: string): readonly Instruction[] => [
    storeImm(4, R10, -4, 0),
    loadMap(R1, name),
    mov64(R2, reg(R10)),
    alu64('add', R2, -4),
    callHelper('map_lookup_elem'),
  ];
  const code = [
    ...value('a'),
    jump64('jeq', R0, 0, 'out'),
    storeImm(4, R0, 0, 5),
    ...value('b'),
    jump64('jeq', R0, 0, 'out'),
    storeImm(4, R0, 0, 6),
    { ...mov64(R0, 0), label: 'out' },
    exit(),
  ];
  const machine = new Interpreter(objectSpec('xdp', code, { maps: specs }));
  machine.run({ packet: FRAME });
  expect([machine.map('a').get(0), machine.map('b').get(0)]).toEqual([u32(5), u32(6)]);
});
