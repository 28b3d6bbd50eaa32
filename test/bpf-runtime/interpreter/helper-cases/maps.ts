import {
  alu64,
  exit,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  reg,
  store,
  storeImm,
  toBigEndian,
  type Instruction,
} from '../../../../codegen/bytecode/instruction.js';
import type { MapSpec } from '../../../../codegen/object/spec.js';
import { call, E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC, setValue, type HelperCase } from './code.js';

const hash: MapSpec = { name: 'm', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 2 };
const array: MapSpec = { name: 'm', type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 };

const key = (value: number): Instruction => storeImm(4, R10, -4, value);
const update = (at: number, value: number, flags: number): readonly Instruction[] => [
  key(at),
  setValue(value),
  ...call('map_update_elem', { map: 'm' }, { stack: -4 }, { stack: -16 }, flags),
];
const remove = (at: number): readonly Instruction[] => [
  key(at),
  ...call('map_delete_elem', { map: 'm' }, { stack: -4 }),
];
/** Returns the value's low word, or 99 where there is none. */
const lookup = (at: number): readonly Instruction[] => [
  key(at),
  ...call('map_lookup_elem', { map: 'm' }, { stack: -4 }),
  mov64(R1, reg(R0)),
  mov64(R0, 99),
  jump64('jeq', R1, 0, 'none'),
  load(4, R0, R1, 0),
  { ...exit(), label: 'none' },
];

const keyed = (name: string, map: MapSpec, code: readonly Instruction[], want: number): HelperCase => ({
  name: `${map.type}: ${name}`,
  section: 'xdp',
  maps: [map],
  code,
  want,
});

const perCpu: MapSpec = { ...array, type: 'percpu_array' };
const perCpuHash: MapSpec = { ...hash, type: 'percpu_hash' };
const lru: MapSpec = { ...hash, type: 'lru_hash' };

export const mapCases: readonly HelperCase[] = [
  keyed('look-up of a key that is not there', hash, lookup(1), 99),
  keyed('value of a key', hash, [...update(1, 7, 0), ...lookup(1)], 7),
  keyed('value of another key', hash, [...update(1, 7, 0), ...lookup(2)], 99),
  keyed('new key must exist', hash, [...update(1, 7, 2), exit()], ENOENT),
  keyed('old key must not exist', hash, [...update(1, 7, 1), ...update(1, 8, 1), exit()], EEXIST),
  keyed('unknown flag', hash, [...update(1, 7, 8), exit()], EINVAL),
  keyed('full', hash, [...update(1, 7, 0), ...update(2, 8, 0), ...update(3, 9, 0), exit()], E2BIG),
  keyed(
    'room after a deletion',
    hash,
    [...update(1, 7, 0), ...update(2, 8, 0), ...remove(1), ...update(3, 9, 0), ...lookup(3)],
    9,
  ),
  keyed('deleted', hash, [...update(1, 7, 0), ...remove(1), ...lookup(1)], 99),
  keyed('deletion of what is not there', hash, [...remove(1), exit()], ENOENT),
  keyed('value of a key', perCpuHash, [...update(1, 7, 0), ...lookup(1)], 7),
  keyed('value of a key', lru, [...update(1, 7, 0), ...lookup(1)], 7),
  keyed('starts with zeros', array, lookup(1), 0),
  keyed('index past the end', array, lookup(2), 99),
  keyed('value of an index', array, [...update(1, 7, 2), ...lookup(1)], 7),
  keyed('must not exist', array, [...update(1, 7, 1), exit()], EEXIST),
  keyed('update past the end', array, [...update(2, 7, 0), exit()], E2BIG),
  keyed('deletion', array, [...remove(1), exit()], EINVAL),
  keyed('value of an index', perCpu, [...update(1, 7, 0), ...lookup(1)], 7),
  {
    name: 'a value is changed in place',
    section: 'xdp',
    maps: [array],
    code: [
      key(1),
      ...call('map_lookup_elem', { map: 'm' }, { stack: -4 }),
      jump64('jeq', R0, 0, 'none'),
      storeImm(4, R0, 0, 41),
      load(8, R1, R0, 0),
      alu64('add', R1, 1),
      store(8, R0, 0, R1),
      ...lookup(1).slice(0, -1),
      { ...exit(), label: 'none' },
    ],
    want: 42,
  },
];

const trie: MapSpec = { name: 'm', type: 'lpm_trie', keySize: 8, valueSize: 8, maxEntries: 3, flags: 1 };
const prefix = (bits: number, address: number): readonly Instruction[] => [
  storeImm(4, R10, -8, bits),
  // The address in network order.
  mov64(R1, address),
  toBigEndian(R1, 32),
  store(4, R10, -4, R1),
];
const addPrefix = (bits: number, address: number, value: number): readonly Instruction[] => [
  ...prefix(bits, address),
  setValue(value),
  ...call('map_update_elem', { map: 'm' }, { stack: -8 }, { stack: -16 }, 0),
];
const find = (bits: number, address: number): readonly Instruction[] => [
  ...prefix(bits, address),
  ...call('map_lookup_elem', { map: 'm' }, { stack: -8 }),
  ...lookup(0).slice(5),
];
const TEN = 0x0a000000;

export const trieCases: readonly HelperCase[] = (
  [
    ['nothing there', [], find(32, TEN), 99],
    ['the longest prefix', [...addPrefix(8, TEN, 1), ...addPrefix(16, TEN, 2)], find(32, TEN + 5), 2],
    ['the shorter one beside it', [...addPrefix(8, TEN, 1), ...addPrefix(16, TEN, 2)], find(32, TEN + 0x10000), 1],
    ['none longer than asked for', [...addPrefix(8, TEN, 1), ...addPrefix(16, TEN, 2)], find(12, TEN), 1],
    ['prefix of no bits', addPrefix(0, 0, 5), find(32, TEN), 5],
    ['bits behind the prefix do not count', addPrefix(9, TEN + 0xffff, 6), find(32, TEN + 1), 6],
    ['prefix too long', addPrefix(33, TEN, 6), [exit()], EINVAL],
    ['asked for too much', addPrefix(0, 0, 5), find(33, TEN), 99],
    [
      'full',
      [...addPrefix(8, TEN, 1), ...addPrefix(9, TEN, 1), ...addPrefix(10, TEN, 1), ...addPrefix(11, TEN, 1)],
      [exit()],
      ENOSPC,
    ],
    [
      'deleted',
      [
        ...addPrefix(8, TEN, 1),
        ...addPrefix(16, TEN, 2),
        ...prefix(16, TEN),
        ...call('map_delete_elem', { map: 'm' }, { stack: -8 }),
      ],
      find(32, TEN),
      1,
    ],
    [
      'deletion of what is not there',
      [...addPrefix(8, TEN, 1), ...prefix(16, TEN), ...call('map_delete_elem', { map: 'm' }, { stack: -8 })],
      [exit()],
      ENOENT,
    ],
  ] as const
).map(([name, before, after, want]): HelperCase => ({
  name: `lpm_trie: ${name}`,
  section: 'xdp',
  maps: [trie],
  code: [...before, ...after],
  want,
}));

const ring: MapSpec = { name: 'm', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 };
export const ringCases: readonly HelperCase[] = [
  {
    name: 'ring buffer takes a record',
    section: 'xdp',
    maps: [ring],
    code: [setValue(5), ...call('ringbuf_output', { map: 'm' }, { stack: -16 }, 8, 0), exit()],
    want: 0,
  },
  {
    name: 'ring buffer and an unknown flag',
    section: 'xdp',
    maps: [ring],
    code: [setValue(5), ...call('ringbuf_output', { map: 'm' }, { stack: -16 }, 8, 4), exit()],
    want: EINVAL,
  },
];
