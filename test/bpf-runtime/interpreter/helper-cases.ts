import {
  alu64,
  callHelper,
  exit,
  HELPER,
  jump64,
  lddw,
  load,
  loadMap,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  reg,
  store,
  storeImm,
  toBigEndian,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';
import type { MapSpec } from '../../../codegen/object/spec.js';

/** A program with what it returns and leaves of the packet: for the interpreter and the kernel alike. */
export interface HelperCase {
  readonly name: string;
  readonly section: 'xdp' | 'tc';
  readonly code: readonly Instruction[];
  readonly maps?: readonly MapSpec[];
  readonly packet?: Uint8Array;
  readonly want: number;
  /** Packet afterwards; as before if absent. */
  readonly wantPacket?: Uint8Array;
}

/** 64 bytes: MAC addresses, EtherType of IPv4, then an IPv4 header and UDP with the bytes' places as data. */
export const FRAME = Uint8Array.from({ length: 64 }, (_, at) => at);
FRAME.set([0x08, 0x00, 0x45, 0, 0, 50], 12);
FRAME[23] = 17;

const ENOMEM = -12;
const EACCES = -13;
const EFAULT = -14;
const EEXIST = -17;
const ENOENT = -2;
const E2BIG = -7;
const EINVAL = -22;
const ENOTSUPP = -524;

type Argument = number | { readonly reg: number } | { readonly stack: number } | { readonly map: string };

/** Calls a helper; r6 is the context. */
function call(helper: keyof typeof HELPER, ...args: readonly Argument[]): readonly Instruction[] {
  const loads = args.flatMap((argument, index): readonly Instruction[] => {
    const register = index + 1;
    if (typeof argument === 'number') return [mov64(register, argument)];
    if ('stack' in argument) return [mov64(register, reg(R10)), alu64('add', register, argument.stack)];
    if ('map' in argument) return [loadMap(register, argument.map)];
    return [mov64(register, argument)];
  });
  return [...loads, callHelper(helper)];
}

const context = { reg: R6 };
const start = mov64(R6, reg(R1));

/** A program that returns what the helper answers. */
function answer(helper: keyof typeof HELPER, ...args: readonly Argument[]): readonly Instruction[] {
  return [start, ...call(helper, ...args), exit()];
}

const without = (start: number, end = FRAME.length): Uint8Array => FRAME.slice(start, end);

function grown(head: number, tail: number): Uint8Array {
  const out = new Uint8Array(head + FRAME.length + tail);
  out.set(FRAME, head);
  return out;
}

function changed(at: number, ...bytes: readonly number[]): Uint8Array {
  const out = FRAME.slice();
  out.set(bytes, at);
  return out;
}

const xdpCases: readonly HelperCase[] = [
  {
    name: 'length of the packet',
    section: 'xdp',
    code: [load(4, R2, R1, 0), load(4, R0, R1, 4), alu64('sub', R0, reg(R2)), exit()],
    want: 64,
  },
  {
    name: 'a field of the packet',
    section: 'xdp',
    code: [
      load(4, R2, R1, 0),
      load(4, R3, R1, 4),
      mov64(R4, reg(R2)),
      alu64('add', R4, 64),
      mov64(R0, 0),
      jump64('jgt', R4, reg(R3), 'out'),
      load(2, R0, R2, 62),
      toBigEndian(R0, 16),
      { ...exit(), label: 'out' },
    ],
    want: 0x3e3f,
  },
  {
    name: 'cuts the head',
    section: 'xdp',
    code: answer('xdp_adjust_head', context, 8),
    want: 0,
    wantPacket: without(8),
  },
  {
    name: 'grows the head',
    section: 'xdp',
    code: answer('xdp_adjust_head', context, -4),
    want: 0,
    wantPacket: grown(4, 0),
  },
  {
    name: 'the most head room',
    section: 'xdp',
    code: answer('xdp_adjust_head', context, -216),
    want: 0,
    wantPacket: grown(216, 0),
  },
  { name: 'more than the head room', section: 'xdp', code: answer('xdp_adjust_head', context, -217), want: EINVAL },
  {
    name: 'head leaves an Ethernet header',
    section: 'xdp',
    code: answer('xdp_adjust_head', context, 50),
    want: 0,
    wantPacket: without(50),
  },
  { name: 'head leaves less', section: 'xdp', code: answer('xdp_adjust_head', context, 51), want: EINVAL },
  {
    name: 'cuts the tail',
    section: 'xdp',
    code: answer('xdp_adjust_tail', context, -4),
    want: 0,
    wantPacket: without(0, 60),
  },
  {
    name: 'grows the tail',
    section: 'xdp',
    code: answer('xdp_adjust_tail', context, 4),
    want: 0,
    wantPacket: grown(0, 4),
  },
  { name: 'tail leaves too little', section: 'xdp', code: answer('xdp_adjust_tail', context, -51), want: EINVAL },
  {
    name: 'the most tail room',
    section: 'xdp',
    code: answer('xdp_adjust_tail', context, 3520 - 64),
    want: 0,
    wantPacket: grown(0, 3520 - 64),
  },
  {
    name: 'more than the tail room',
    section: 'xdp',
    code: answer('xdp_adjust_tail', context, 3521 - 64),
    want: EINVAL,
  },
  {
    name: 'load_bytes',
    section: 'xdp',
    code: [start, ...call('xdp_load_bytes', context, 60, { stack: -8 }, 4), load(4, R0, R10, -8), exit()],
    want: 0x3f3e3d3c,
  },
  {
    name: 'load_bytes past the end',
    section: 'xdp',
    code: answer('xdp_load_bytes', context, 61, { stack: -8 }, 4),
    want: EINVAL,
  },
  {
    name: 'load_bytes far off',
    section: 'xdp',
    code: answer('xdp_load_bytes', context, 0x10000, { stack: -8 }, 4),
    want: EFAULT,
  },
  {
    name: 'store_bytes',
    section: 'xdp',
    code: [start, storeImm(4, R10, -8, 0x04030201), ...call('xdp_store_bytes', context, 60, { stack: -8 }, 4), exit()],
    want: 0,
    wantPacket: changed(60, 1, 2, 3, 4),
  },
  { name: 'redirect', section: 'xdp', code: answer('redirect', 5, 0), want: 4 },
  { name: 'redirect with flags', section: 'xdp', code: answer('redirect', 5, 1), want: 0 },
];

const stackWords = (words: readonly number[]): readonly Instruction[] =>
  words.map((word, index) => storeImm(4, R10, -32 + 4 * index, word));

const checksumCases: readonly HelperCase[] = [
  { name: 'of nothing is the seed, folded', args: [0, 0, 0, 0, 0x12345] as const, want: 0x2346 },
  { name: 'added', args: [0, 0, { stack: -32 }, 8, 0] as const, want: 0x1122 + 0x3344 + 0x5566 + 0x7788 - 0xffff },
  { name: 'taken off', args: [{ stack: -32 }, 4, 0, 0, 0] as const, want: ~(0x1122 + 0x3344) & 0xffff },
  { name: 'replaced', args: [{ stack: -32 }, 4, { stack: -24 }, 4, 0] as const, want: 0xbb9a },
  { name: 'of the same', args: [{ stack: -32 }, 8, { stack: -32 }, 8, 0] as const, want: 0xffff },
].map(({ name, args, want }): HelperCase => ({
  name: `checksum difference ${name}`,
  section: 'xdp',
  code: [
    start,
    ...stackWords([0x11223344, 0x55667788, 0, 0]),
    storeImm(4, R10, -24, 0x0001_0000),
    ...call('csum_diff', ...args),
    exit(),
  ],
  want,
}));

const hash: MapSpec = { name: 'm', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 2 };
const array: MapSpec = { name: 'm', type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 };

const key = (value: number): Instruction => storeImm(4, R10, -4, value);
const setValue = (value: number): Instruction => storeImm(8, R10, -16, value);
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

const mapCases: readonly HelperCase[] = [
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

const trieCases: readonly HelperCase[] = (
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
      -28,
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
const ringCases: readonly HelperCase[] = [
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

const loadWord = (offset: number, size: number, answers: 'word' | 'error'): readonly Instruction[] => [
  start,
  storeImm(4, R10, -8, -1),
  ...call('skb_load_bytes', context, offset, { stack: -8 }, size),
  ...(answers === 'word' ? [load(4, R0, R10, -8)] : []),
  exit(),
];

/** Old and new of a field at bytes 30–33, whose checksum stands at `at`; the answer. */
const replaceSum = (
  helper: 'l3_csum_replace' | 'l4_csum_replace',
  at: number,
  from: number,
  to: number,
  flags: number,
): readonly Instruction[] => [
  start,
  mov64(R1, reg(R6)),
  mov64(R2, at),
  lddw(R3, BigInt(from)),
  lddw(R4, BigInt(to)),
  mov64(R5, flags),
  callHelper(helper),
  exit(),
];

const skbCases: readonly HelperCase[] = [
  { name: 'length', section: 'tc', code: [load(4, R0, R1, 0), exit()], want: 64 },
  { name: 'low half of the length', section: 'tc', code: [load(2, R0, R1, 0), exit()], want: 64 },
  { name: 'second byte of the protocol', section: 'tc', code: [load(1, R0, R1, 16), exit()], want: 8 },
  { name: 'protocol in network order', section: 'tc', code: [load(4, R0, R1, 16), exit()], want: 0x0008 },
  {
    name: 'mark written and read',
    section: 'tc',
    code: [start, storeImm(4, R6, 8, 77), load(4, R0, R6, 8), exit()],
    want: 77,
  },
  {
    name: 'part of the control block',
    section: 'tc',
    code: [start, storeImm(4, R6, 48, 0x01020304), storeImm(1, R6, 50, 9), load(4, R0, R6, 48), exit()],
    want: 0x01090304,
  },
  { name: 'load_bytes', section: 'tc', code: loadWord(60, 4, 'word'), want: 0x3f3e3d3c },
  { name: 'load_bytes past the end', section: 'tc', code: loadWord(61, 4, 'error'), want: EFAULT },
  { name: 'load_bytes past the end clears', section: 'tc', code: loadWord(61, 4, 'word'), want: 0 },
  {
    name: 'load_bytes_relative to the network header',
    section: 'tc',
    code: [start, ...call('skb_load_bytes_relative', context, 46, { stack: -8 }, 4, 1), load(4, R0, R10, -8), exit()],
    want: 0x3f3e3d3c,
  },
  {
    name: 'load_bytes_relative past the end',
    section: 'tc',
    code: answer('skb_load_bytes_relative', context, 47, { stack: -8 }, 4, 1),
    want: EFAULT,
  },
  {
    name: 'load_bytes_relative to something else',
    section: 'tc',
    code: answer('skb_load_bytes_relative', context, 0, { stack: -8 }, 4, 2),
    want: EFAULT,
  },
  {
    name: 'store_bytes',
    section: 'tc',
    code: [
      start,
      storeImm(4, R10, -8, 0x04030201),
      ...call('skb_store_bytes', context, 60, { stack: -8 }, 4, 0),
      exit(),
    ],
    want: 0,
    wantPacket: changed(60, 1, 2, 3, 4),
  },
  {
    name: 'store_bytes past the end',
    section: 'tc',
    code: [start, storeImm(4, R10, -8, 1), ...call('skb_store_bytes', context, 61, { stack: -8 }, 4, 0), exit()],
    want: EFAULT,
  },
  {
    name: 'store_bytes with an unknown flag',
    section: 'tc',
    code: [start, storeImm(4, R10, -8, 1), ...call('skb_store_bytes', context, 60, { stack: -8 }, 4, 4), exit()],
    want: EINVAL,
  },
  { name: 'pull_data of all', section: 'tc', code: answer('skb_pull_data', context, 64), want: 0 },
  { name: 'pull_data of what is linear', section: 'tc', code: answer('skb_pull_data', context, 0), want: 0 },
  { name: 'pull_data of more', section: 'tc', code: answer('skb_pull_data', context, 65), want: ENOMEM },
  {
    name: 'change_head',
    section: 'tc',
    code: answer('skb_change_head', context, 14, 0),
    want: 0,
    wantPacket: grown(14, 0),
  },
  { name: 'change_head with flags', section: 'tc', code: answer('skb_change_head', context, 14, 1), want: EINVAL },
  {
    name: 'change_head by less than nothing',
    section: 'tc',
    code: answer('skb_change_head', context, -1, 0),
    want: EINVAL,
  },
  {
    name: 'change_tail longer',
    section: 'tc',
    code: answer('skb_change_tail', context, 80, 0),
    want: 0,
    wantPacket: grown(0, 16),
  },
  {
    name: 'change_tail shorter',
    section: 'tc',
    code: answer('skb_change_tail', context, 40, 0),
    want: 0,
    wantPacket: without(0, 40),
  },
  {
    name: 'change_tail into the Ethernet header',
    section: 'tc',
    code: answer('skb_change_tail', context, 13, 0),
    want: EINVAL,
  },
  { name: 'change_tail too long', section: 'tc', code: answer('skb_change_tail', context, 16065, 0), want: EINVAL },
  { name: 'change_tail with flags', section: 'tc', code: answer('skb_change_tail', context, 40, 1), want: EINVAL },
  { name: 'redirect', section: 'tc', code: answer('redirect', 5, 0), want: 7 },
  { name: 'redirect to ingress', section: 'tc', code: answer('redirect', 5, 1), want: 7 },
  { name: 'redirect with an unknown flag', section: 'tc', code: answer('redirect', 5, 2), want: 2 },
  {
    name: 'checksum of the packet is not known',
    section: 'tc',
    code: answer('csum_update', context, 1),
    want: ENOTSUPP,
  },
  { name: 'no checksum was checked', section: 'tc', code: answer('csum_level', context, 0), want: EACCES },
  { name: 'a checksum level that there is not', section: 'tc', code: answer('csum_level', context, 4), want: EINVAL },
];

interface SumRow {
  readonly name: string;
  readonly helper: 'l3_csum_replace' | 'l4_csum_replace';
  readonly at?: number;
  readonly field: readonly [number, number];
  readonly from: number;
  readonly to: number;
  readonly flags: number;
  readonly want?: number;
  readonly wantField?: readonly [number, number];
}

const sumRows: readonly SumRow[] = [
  {
    name: '2 bytes',
    helper: 'l3_csum_replace',
    field: [0x12, 0x34],
    from: 0x1111,
    to: 0x2222,
    flags: 2,
    wantField: [0x01, 0x23],
  },
  {
    name: '4 bytes',
    helper: 'l3_csum_replace',
    field: [0x12, 0x34],
    from: 0x1111,
    to: 0x2222,
    flags: 4,
    wantField: [0x01, 0x23],
  },
  {
    name: 'by a difference',
    helper: 'l3_csum_replace',
    field: [0x12, 0x34],
    from: 0,
    to: 0x1111,
    flags: 0,
    wantField: [0x01, 0x23],
  },
  {
    name: 'a difference and an old value',
    helper: 'l3_csum_replace',
    field: [0x12, 0x34],
    from: 1,
    to: 0x1111,
    flags: 0,
    want: EINVAL,
  },
  { name: 'another size', helper: 'l3_csum_replace', field: [0x12, 0x34], from: 0, to: 1, flags: 3, want: EINVAL },
  { name: 'unknown flag', helper: 'l3_csum_replace', field: [0x12, 0x34], from: 0, to: 1, flags: 0x10, want: EINVAL },
  {
    name: 'at an odd place',
    helper: 'l3_csum_replace',
    at: 25,
    field: [0x12, 0x34],
    from: 0,
    to: 1,
    flags: 2,
    want: EFAULT,
  },
  {
    name: 'past the end',
    helper: 'l3_csum_replace',
    at: 64,
    field: [0x12, 0x34],
    from: 0,
    to: 1,
    flags: 2,
    want: EFAULT,
  },
  {
    name: 'zero sum, 2 bytes',
    helper: 'l3_csum_replace',
    field: [0xff, 0xff],
    from: 0xffff,
    to: 0,
    flags: 2,
    wantField: [0xff, 0xff],
  },
  {
    name: 'zero sum, 4 bytes',
    helper: 'l3_csum_replace',
    field: [0xff, 0xff],
    from: 0xffff,
    to: 0,
    flags: 4,
    wantField: [0, 0],
  },
  {
    name: '2 bytes',
    helper: 'l4_csum_replace',
    field: [0x12, 0x34],
    from: 0x1111,
    to: 0x2222,
    flags: 2,
    wantField: [0x01, 0x23],
  },
  {
    name: 'zero sum, 2 bytes',
    helper: 'l4_csum_replace',
    field: [0xff, 0xff],
    from: 0xffff,
    to: 0,
    flags: 2,
    wantField: [0, 0],
  },
  {
    name: '4 bytes of the pseudo header',
    helper: 'l4_csum_replace',
    field: [0x12, 0x34],
    from: 0x1111,
    to: 0x2222,
    flags: 0x14,
    wantField: [0x01, 0x23],
  },
  {
    name: 'no UDP checksum stays none',
    helper: 'l4_csum_replace',
    field: [0, 0],
    from: 1,
    to: 2,
    flags: 0x22,
    wantField: [0, 0],
  },
  {
    name: 'no UDP checksum, enforced',
    helper: 'l4_csum_replace',
    field: [0, 0],
    from: 1,
    to: 2,
    flags: 0x62,
    wantField: [0xfe, 0xff],
  },
  {
    name: 'a UDP checksum of 0 is written as ffff',
    helper: 'l4_csum_replace',
    field: [0xfe, 0xff],
    from: 0,
    to: 1 + 0xfffd,
    flags: 0x22,
    wantField: [0xff, 0xff],
  },
  { name: 'unknown flag', helper: 'l4_csum_replace', field: [0x12, 0x34], from: 0, to: 1, flags: 0x200, want: EINVAL },
];

const sumCases: readonly HelperCase[] = sumRows.map((row): HelperCase => {
  const { helper, at = 24, from, to, flags, field, want = 0, wantField = field } = row;
  return {
    name: `${helper}: ${row.name}`,
    section: 'tc',
    code: replaceSum(helper, at, from, to, flags),
    packet: changed(24, ...field),
    want,
    wantPacket: changed(24, ...wantField),
  };
});

export const helperCases: readonly HelperCase[] = [
  ...xdpCases,
  ...checksumCases,
  ...mapCases,
  ...trieCases,
  ...ringCases,
  ...skbCases,
  ...sumCases,
].map((row) => ({ ...row, want: row.want >>> 0 }));
