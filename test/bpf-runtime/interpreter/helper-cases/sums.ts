import {
  callHelper,
  exit,
  lddw,
  mov64,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  reg,
  storeImm,
  type Instruction,
} from '../../../../codegen/bytecode/instruction.js';
import { call, changed, EFAULT, EINVAL, start, type HelperCase } from './code.js';

const stackWords = (words: readonly number[]): readonly Instruction[] =>
  words.map((word, index) => storeImm(4, R10, -32 + 4 * index, word));

/** Checksum differences at XDP. */
export const checksumCases: readonly HelperCase[] = [
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

/** Checksums that are replaced at tc. */
export const sumCases: readonly HelperCase[] = sumRows.map((row): HelperCase => {
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
