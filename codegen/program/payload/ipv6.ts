import type { Comparison, PayloadTest, SegmentTest } from '../../../grammar/model/payload.js';
import {
  alu32,
  alu64,
  callFunction,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
} from '../../bytecode/instruction.js';
import type { FlowLayout } from '../flow.js';
import { EXTENSION_MASK, MAX_EXTENSION_HEADERS, NEXTHDR } from '../packet/ipv6-headers.js';
import { requireRange, requireValue } from './compare.js';
import { FIND_EXTENSION, FOUND } from './find-extension.js';
import { BUFFER, ENDS, OWN, type PayloadCode } from './payload-code.js';

type Of<K extends PayloadTest['kind']> = Extract<PayloadTest, { kind: K }>;

/** r8 = offset of the header; goes to `broken` where the walk meets a cut one. */
function emitFind({ code }: PayloadCode, target: number, broken: string): void {
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R7)), mov64(R3, target), callFunction(FIND_EXTENSION));
  code.emit(jump64('jeq', R0, FOUND.ABSENT, ENDS.no), jump64('jeq', R0, FOUND.BROKEN, broken));
  code.emit(jump64('jeq', R0, FOUND.UNKNOWN, ENDS.unknown), mov64(R8, reg(R0)));
}

/** Goes to `no` where the packet ends before the header of r9 bytes at r8 does. Clobbers r1, r2. */
function requireWhole(payload: PayloadCode, no: string): void {
  payload.length(R1);
  payload.code.emit(mov64(R2, reg(R8)), alu64('add', R2, reg(R9)), jump64('jgt', R2, reg(R1), no));
}

/** r9 = length of the header whose first bytes are in the buffer: units of eight bytes behind the first. */
function emitHeaderLength({ code }: PayloadCode): void {
  code.emit(load(1, R9, R10, BUFFER + 1), alu32('add', R9, 1), alu32('lsh', R9, 3));
}

function loadWord({ code }: PayloadCode, dst: number, offset: number): void {
  code.emit(load(4, dst, R10, BUFFER + offset), toBigEndian(dst, 32));
}

/** ah_mt6 (net/ipv6/netfilter/ip6t_ah.c). */
export function emitAuthentication(payload: PayloadCode, test: Of<'ah'>): void {
  const { code } = payload;
  emitFind(payload, NEXTHDR.AUTH, ENDS.hotdrop);
  payload.read(reg(R8), 12, ENDS.hotdrop);
  code.emit(load(1, R9, R10, BUFFER + 1), alu32('add', R9, 2), alu32('lsh', R9, 2));
  requireWhole(payload, ENDS.hotdrop);
  loadWord(payload, R1, 4);
  requireRange(code, R1, test.spi, ENDS.no);
  requireValue(code, R9, test.length, ENDS.no);
  if (test.reserved) code.emit(load(2, R1, R10, BUFFER + 2), jump32('jne', R1, 0, ENDS.no));
  code.emit(goto(ENDS.yes));
}

/** frag_mt6 (net/ipv6/netfilter/ip6t_frag.c). */
export function emitFragment(payload: PayloadCode, test: Of<'frag'>): void {
  const { code } = payload;
  emitFind(payload, NEXTHDR.FRAGMENT, ENDS.hotdrop);
  payload.read(reg(R8), 8, ENDS.hotdrop);
  loadWord(payload, R1, 4);
  requireRange(code, R1, test.id, ENDS.no);
  code.emit(load(2, R9, R10, BUFFER + 2), toBigEndian(R9, 16));
  const requireBits = (mask: number, set: boolean): void =>
    code.emit(mov32(R1, reg(R9)), alu32('and', R1, mask), jump32(set ? 'jeq' : 'jne', R1, 0, ENDS.no));
  if (test.reserved) {
    code.emit(load(1, R1, R10, BUFFER + 1), jump32('jne', R1, 0, ENDS.no));
    requireBits(6, false);
  }
  if (test.first) requireBits(0xfff8, false);
  if (test.more) requireBits(1, true);
  if (test.last) requireBits(1, false);
  code.emit(goto(ENDS.yes));
}

const ADDRESS = 16;
/** Offset of the addresses in a routing header of type 0. */
const RT0_ADDRESSES = 8;
const MAX_ADDRESSES = 127;

/** rt_mt6 (net/ipv6/netfilter/ip6t_rt.c): r8 = offset of the header, r9 = its length. */
export function emitRouting(payload: PayloadCode, test: Of<'rt'>): void {
  const { code } = payload;
  emitFind(payload, NEXTHDR.ROUTING, ENDS.hotdrop);
  payload.read(reg(R8), 4, ENDS.hotdrop);
  emitHeaderLength(payload);
  requireWhole(payload, ENDS.hotdrop);
  code.emit(load(1, R1, R10, BUFFER + 3));
  requireRange(code, R1, test.segmentsLeft, ENDS.no);
  requireValue(code, R9, test.length, ENDS.no);
  code.emit(load(1, R1, R10, BUFFER + 2));
  requireValue(code, R1, test.type, ENDS.no);
  if (test.reserved) {
    code.emit(mov64(R0, reg(R8)), alu64('add', R0, 4));
    payload.read(reg(R0), 4, ENDS.no);
    code.emit(load(4, R1, R10, BUFFER), jump32('jne', R1, 0, ENDS.no));
  }
  if (test.addresses !== undefined) emitAddresses(payload, test.addresses);
  code.emit(goto(ENDS.yes));
}

function emitAddresses(payload: PayloadCode, { list, strict }: { list: readonly bigint[]; strict: boolean }): void {
  const { code } = payload;
  code.emit(alu64('sub', R9, RT0_ADDRESSES), alu64('rsh', R9, 4), alu64('add', R8, RT0_ADDRESSES));
  if (strict) {
    code.emit(jump64('jne', R9, list.length, ENDS.no));
    for (const address of list) {
      payload.read(reg(R8), ADDRESS, ENDS.no);
      requireAddress(payload, address, ENDS.no);
      code.emit(alu64('add', R8, ADDRESS));
    }
    return;
  }
  // r9 = addresses left in the header; each one looked for has a loop of its own, over the same steps.
  const first = code.label('address');
  const labels = list.map((_, i) => (i === 0 ? first : code.label('address')));
  code.emit(goto(first));
  code.place(first);
  list.forEach((address, i) => {
    const other = code.label('other');
    if (i > 0) code.place(labels[i]);
    const round = i === 0 ? payload.loop(MAX_ADDRESSES + 1) : payload.round();
    code.emit(jump64('jeq', R9, 0, ENDS.no));
    payload.read(reg(R8), ADDRESS, ENDS.no);
    code.emit(alu64('add', R8, ADDRESS), alu64('sub', R9, 1));
    requireAddress(payload, address, other);
    code.emit(goto(i + 1 < list.length ? labels[i + 1] : ENDS.yes));
    code.place(other);
    code.emit(goto(round));
  });
}

/** Compares 16 bytes in the buffer. */
function requireAddress({ code }: PayloadCode, address: bigint, no: string): void {
  for (const word of [0, 1]) {
    const value = (address >> BigInt(64 * (1 - word))) & 0xffffffffffffffffn;
    code.emit(load(8, R1, R10, BUFFER + 8 * word), toBigEndian(R1, 64), lddw(R2, value));
    code.emit(jump64('jne', R1, reg(R2), no));
  }
}

/** hbh_mt6 (net/ipv6/netfilter/ip6t_hbh.c): r8 = offset of the option, r9 = bytes left of the header. */
export function emitOptions(payload: PayloadCode, test: Of<'options'>): void {
  const { code } = payload;
  emitFind(payload, test.header === 'hop-by-hop' ? NEXTHDR.HOP : NEXTHDR.DEST, ENDS.hotdrop);
  payload.read(reg(R8), 2, ENDS.hotdrop);
  emitHeaderLength(payload);
  requireWhole(payload, ENDS.hotdrop);
  requireValue(code, R9, test.length, ENDS.no);
  code.emit(alu64('add', R8, 2), alu64('sub', R9, 2));
  test.options?.forEach(({ type, length }, index) => {
    const last = index === (test.options?.length ?? 0) - 1;
    code.emit(jump64('jlt', R9, type === 0 ? 1 : 2, ENDS.no));
    payload.read(reg(R8), type === 0 ? 1 : 2, ENDS.no);
    code.emit(load(1, R1, R10, BUFFER), jump32('jne', R1, type, ENDS.no), mov64(R1, 1));
    if (type !== 0) {
      code.emit(load(1, R1, R10, BUFFER + 1));
      if (length !== undefined) code.emit(jump32('jne', R1, length, ENDS.no));
      code.emit(alu64('add', R1, 2));
    }
    if (!last) {
      code.emit(jump64('jlt', R9, reg(R1), ENDS.no), alu64('add', R8, reg(R1)), alu64('sub', R9, reg(R1)));
    }
  });
  code.emit(goto(ENDS.yes));
}

const ESP = 50;
/** A header that is no extension header, in the model and among the bits of headers met. */
const UPPER_LAYER = 255;
const UPPER_BIT = 63;
const bitOf = (header: number): bigint => 1n << BigInt(header === UPPER_LAYER ? UPPER_BIT : header);
const KNOWN_BITS = EXTENSION_MASK | bitOf(ESP) | bitOf(NEXTHDR.NONE);
const NEXT = OWN - 8;
const HEADER = 40;

/**
 * ipv6header_mt6 (net/ipv6/netfilter/ip6t_ipv6header.c): r8 = offset, r9 = bits of the headers met, by number. A bit is
 * set by shifting, so that the verifier does not tell the ways apart.
 */
export function emitHeaders(payload: PayloadCode, test: Of<'headers'>): void {
  const { code } = payload;
  const ended = code.label('ended');
  const upper = code.label('upper');
  const advance = code.label('advance');
  const sized = code.label('sized');
  const setBit = (): void => code.emit(mov64(R1, 1), alu64('lsh', R1, reg(R3)), alu64('or', R9, reg(R1)));
  payload.read(6, 1, ENDS.no);
  code.emit(load(1, R1, R10, BUFFER), store(8, R10, NEXT, R1));
  payload.hide(R9);
  code.emit(mov64(R8, HEADER));
  const loop = payload.loop(MAX_EXTENSION_HEADERS);
  payload.forget(R8);
  code.emit(load(8, R3, R10, NEXT), jump64('jgt', R3, 62, upper), mov64(R1, 1), alu64('lsh', R1, reg(R3)));
  code.emit(lddw(R2, KNOWN_BITS), alu64('and', R1, reg(R2)), jump64('jeq', R1, 0, upper));
  const more = code.label('more');
  code.emit(jump64('jne', R3, NEXTHDR.NONE, more));
  setBit();
  code.emit(goto(ended));
  code.place(more);
  payload.read(reg(R8), 2, ENDS.no);
  code.emit(load(8, R3, R10, NEXT));
  setBit();
  code.emit(jump64('jeq', R3, ESP, ended), load(1, R1, R10, BUFFER + 1), mov64(R2, 8));
  code.emit(jump64('jeq', R3, NEXTHDR.FRAGMENT, advance), mov64(R2, reg(R1)), jump64('jne', R3, NEXTHDR.AUTH, sized));
  code.emit(alu64('add', R2, 2), alu64('lsh', R2, 2), goto(advance));
  code.place(sized);
  code.emit(alu64('add', R2, 1), alu64('lsh', R2, 3));
  code.place(advance);
  code.emit(alu64('add', R8, reg(R2)), load(1, R1, R10, BUFFER), store(8, R10, NEXT, R1));
  payload.length(R1);
  code.emit(jump64('jle', R8, reg(R1), loop));
  // The last header is cut off: what it names is taken for an upper layer, but for those two.
  code.emit(load(8, R3, R10, NEXT), jump64('jeq', R3, NEXTHDR.NONE, ended), jump64('jeq', R3, ESP, ended));
  code.place(upper);
  code.emit(lddw(R1, bitOf(UPPER_LAYER)), alu64('or', R9, reg(R1)));
  code.place(ended);
  const wanted = test.headers.reduce((bits, header) => bits | bitOf(header), 0n);
  if (test.soft) code.emit(lddw(R1, wanted), alu64('and', R9, reg(R1)));
  const [equal, other] = !test.soft && test.inverted ? [ENDS.no, ENDS.yes] : [ENDS.yes, ENDS.no];
  code.emit(lddw(R1, test.soft && test.inverted ? 0n : wanted), jump64('jeq', R9, reg(R1), equal), goto(other));
}

const IPV6_SRCRT_TYPE_4 = 4;

/** srh_mt6 (net/ipv6/netfilter/ip6t_srh.c). */
export function emitSegmentRouting(payload: PayloadCode, test: Of<'srh'>): void {
  const { code } = payload;
  emitFind(payload, NEXTHDR.ROUTING, ENDS.no);
  payload.read(reg(R8), 8, ENDS.no);
  emitHeaderLength(payload);
  requireWhole(payload, ENDS.no);
  code.emit(load(1, R1, R10, BUFFER + 2), jump32('jne', R1, IPV6_SRCRT_TYPE_4, ENDS.no));
  code.emit(load(1, R1, R10, BUFFER + 3), load(1, R2, R10, BUFFER + 4), jump32('jgt', R1, reg(R2), ENDS.no));
  for (const [offset, tests] of [
    [0, test.nextHeader],
    [1, test.length],
    [3, test.segmentsLeft],
    [4, test.lastEntry],
  ] as const) {
    if (tests.length === 0) continue;
    code.emit(load(1, R1, R10, BUFFER + offset));
    requireComparisons(payload, tests);
  }
  // In the order of the machine, as the kernel compares it.
  code.emit(load(2, R1, R10, BUFFER + 6));
  requireComparisons(payload, test.tag);
  code.emit(load(1, R9, R10, BUFFER + 3), load(1, R1, R10, BUFFER + 4), store(8, R10, NEXT, R1));
  for (const segment of test.segments) requireSegment(payload, segment);
  code.emit(goto(ENDS.yes));
}

/** Offset of the list of segments in the header. */
const SR_SEGMENTS = 8;

/** r8 = offset of the header, r9 = segments left, the slot NEXT = index of the last entry. */
function requireSegment(payload: PayloadCode, { which, address, mask, inverted }: SegmentTest): void {
  const { code } = payload;
  const other = code.label('other');
  const same = code.label('same');
  code.emit(mov64(R0, 0));
  if (which === 'previous') {
    code.emit(load(8, R1, R10, NEXT), jump64('jeq', R9, reg(R1), ENDS.no), mov64(R0, reg(R9)), alu64('add', R0, 1));
  } else if (which === 'next') {
    code.emit(jump64('jeq', R9, 0, ENDS.no), mov64(R0, reg(R9)), alu64('sub', R0, 1));
  }
  code.emit(alu64('lsh', R0, 4), alu64('add', R0, SR_SEGMENTS), alu64('add', R0, reg(R8)));
  payload.read(reg(R0), ADDRESS, ENDS.no);
  for (const word of [0, 1]) {
    const part = (value: bigint): bigint => (value >> BigInt(64 * (1 - word))) & 0xffffffffffffffffn;
    code.emit(load(8, R1, R10, BUFFER + 8 * word), toBigEndian(R1, 64), lddw(R2, part(address)));
    code.emit(alu64('xor', R1, reg(R2)), lddw(R2, part(mask)), alu64('and', R1, reg(R2)), jump64('jne', R1, 0, other));
  }
  code.emit(goto(inverted ? ENDS.no : same));
  code.place(other);
  if (!inverted) code.emit(goto(ENDS.no));
  code.place(same);
}

/** Of the number in r1. */
function requireComparisons({ code }: PayloadCode, tests: readonly Comparison[]): void {
  const opposite = { eq: 'jne', lt: 'jge', gt: 'jle' } as const;
  const same = { eq: 'jeq', lt: 'jlt', gt: 'jgt' } as const;
  for (const { op, value, inverted } of tests) {
    code.emit(jump32(inverted ? same[op] : opposite[op], R1, value, ENDS.no));
  }
}

/** eui64_mt6 (net/ipv6/netfilter/ip6t_eui64.c), on what the entry has read into the flow. */
export function emitEui64({ code }: PayloadCode, layout: FlowLayout): void {
  const mac = layout.offsets.get('mac.src');
  const source = layout.offsets.get('saddr');
  if (mac === undefined || source === undefined) throw new Error('eui64 needs mac.src and saddr in the flow');
  code.emit(load(8, R1, R7, mac), mov64(R2, reg(R1)), alu64('rsh', R1, 24), alu64('lsh', R1, 40));
  code.emit(alu64('lsh', R2, 40), alu64('rsh', R2, 40), alu64('or', R1, reg(R2)));
  code.emit(lddw(R2, 0xfffe000000n ^ (2n << 56n)), alu64('xor', R1, reg(R2)));
  code.emit(load(8, R2, R7, source + 8), jump64('jeq', R1, reg(R2), ENDS.yes), goto(ENDS.no));
}
