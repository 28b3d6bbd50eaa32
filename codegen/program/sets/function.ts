import { all, any, atLeast, equals, inSet, not, type Condition } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import type { Family } from '../../../grammar/model/family.js';
import { intervals } from '../../../grammar/model/interval.js';
import type { CounterTest, IpSet, SetTest } from '../../../grammar/model/ip-set.js';
import { PROTOCOL } from '../../../grammar/sets/element.js';
import { ELEMENT_PARTS, type ElementPart } from '../../../grammar/sets/types.js';
import {
  alu32,
  alu64,
  atomic,
  ATOMIC_OP,
  callHelper,
  exit,
  goto,
  jump64,
  lddw,
  load,
  loadMap,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R6,
  R7,
  R8,
  reg,
  store,
  storeImm,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { emitCondition } from '../conditions.js';
import { FLOW_LENGTH, type FlowLayout } from '../flow.js';
import { COUNTERS, ELEMENT, keyLayout, NOMATCH, type KeyLayout } from './layout.js';

/** What the function of a set answers. */
export const MEMBER = { OUT: 0, IN: 1, NOMATCH: 2 } as const;

/** Bytes of stack of such a function, as the kernel rounds them up. */
export const SET_STACK = 64;

type Direction = SetTest['directions'][number];

const { ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE } = PROTOCOL;
const WITH_PORTS = intervals([TCP, TCP], [UDP, UDP], [SCTP, SCTP], [UDPLITE, UDPLITE]);
const IPV6_NO_NEXT_HEADER = 59;

/** Bytes that must be there of the header (get_port, net/netfilter/ipset/ip_set_getport.c). */
const HEADERS: readonly (readonly [protocol: number, bytes: number])[] = [
  [TCP, 20],
  [SCTP, 12],
  [UDP, 8],
  [UDPLITE, 8],
  [ICMP, 8],
  [ICMPV6, 8],
];

const whenProtocol = (protocol: number, then: Condition): Condition => any(not(equals('proto', protocol)), then);

/** Whether a packet has protocol and port (ip_set_get_ip4_port, ip_set_get_ip6_port). */
function portKnown(family: Family, withProtocol: boolean): Condition {
  const whole = all(...HEADERS.map(([protocol, bytes]) => whenProtocol(protocol, atLeast('l4len', bytes))));
  const wanted = withProtocol ? [] : [inSet('proto', intervals([TCP, TCP], [UDP, UDP]))];
  if (family === 'v6') {
    const found = [equals('l4found', 1), equals('fragoff', 0), not(equals('proto', IPV6_NO_NEXT_HEADER))];
    return all(...wanted, ...found, whole);
  }
  const portless = not(inSet('proto', intervals(...WITH_PORTS, [ICMP, ICMP])));
  const piece = all(not(equals('fragoff', 0)), portless);
  return all(...wanted, not(equals('proto', 0)), any(piece, all(equals('fragoff', 0), whole)));
}

const DPORT = ['dport'] as const;
const L4_FOUND = ['l4found'] as const;

/** Fields that the function of a set reads. */
export function setFields(set: IpSet, directions: readonly Direction[], family: Family): readonly Field[] {
  return ELEMENT_PARTS[set.type].flatMap((part): readonly Field[] => {
    const source = directions[part.dimension] === 'src';
    switch (part.kind) {
      case 'address':
      case 'net':
        return [source ? 'saddr' : 'daddr'];
      case 'port':
        // Type and code of ICMP lie where the source port would.
        return ['proto', 'fragoff', 'l4len', 'sport', ...(source ? [] : DPORT), ...(family === 'v6' ? L4_FOUND : [])];
      case 'mac':
        return ['mac.ether', 'mac.src'];
      case 'set':
        return [];
    }
  });
}

interface SetContext {
  readonly code: Code;
  readonly set: IpSet;
  readonly family: Family;
  readonly flow: FlowLayout;
  readonly key: KeyLayout;
  readonly directions: readonly Direction[];
  readonly counting?: Counting;
}

/** What a test does with the counters of the element that it finds (ip_set_match_extensions). */
export interface Counting {
  /** The element does not count the packet. */
  readonly quiet: boolean;
  /** What must hold behind that, or the element is none. */
  readonly compared: readonly CounterTest[];
}

/**
 * `(flow) → MEMBER`: the `kadt` function of the set's type for IPSET_TEST. r6 = flow; the key lies at the end of the
 * stack, so that its addresses are aligned.
 */
export function setFunction(
  set: IpSet,
  map: string,
  directions: readonly Direction[],
  family: Family,
  flow: FlowLayout,
  counting?: Counting,
): Code {
  const code = new Code();
  const key = keyLayout(set);
  const counts = counting === undefined ? {} : { counting };
  const context: SetContext = { code, set, family, flow, key, directions, ...counts };
  const given = code.label('given');
  code.emit(jump64('jne', R1, 0, given));
  code.place('out');
  code.emit(mov64(R0, MEMBER.OUT), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R1)));
  for (const { part, offset } of key.parts) emitPart(context, part, offset - key.bytes);
  emitLookUp(context, map);
  return code;
}

function offsetOf({ flow }: SetContext, field: Field): number {
  const offset = flow.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is looked up but not in the flow`);
  return offset;
}

function require(context: SetContext, condition: Condition): void {
  const { code, family, flow } = context;
  const yes = code.label('known');
  const opaque = (): never => {
    throw new Error('a set asks for nothing but fields');
  };
  emitCondition({ code, family, layout: flow, flow: R6, hotdrop: 'out', opaque }, condition, yes, 'out', 'true');
  code.place(yes);
}

/** Writes a part of the key at an offset from r10; a packet that has none goes to `out`. */
function emitPart(context: SetContext, part: ElementPart, at: number): void {
  const source = context.directions[part.dimension] === 'src';
  switch (part.kind) {
    case 'address':
    case 'net':
      emitAddress(context, source ? 'saddr' : 'daddr', part.dimension === 0 ? context.set.mask : undefined, at);
      return;
    case 'port':
      emitPort(context, source, part.withProtocol, at);
      return;
    case 'mac':
      emitMac(context, at);
      return;
    case 'set':
      return;
  }
}

function emitAddress(context: SetContext, field: Field, mask: bigint | undefined, at: number): void {
  const { code, key } = context;
  const offset = offsetOf(context, field);
  if (key.addressBytes === 4) {
    code.emit(load(4, R1, R6, offset));
    if (mask !== undefined) code.emit(alu32('and', R1, Number(BigInt.asIntN(32, mask))));
    code.emit(toBigEndian(R1, 32), store(4, R10, at, R1));
    return;
  }
  for (const word of [0, 1]) {
    code.emit(load(8, R1, R6, offset + 8 * word));
    if (mask !== undefined) {
      const bits = BigInt.asUintN(64, mask >> BigInt(64 * (1 - word)));
      code.emit(lddw(R2, bits), alu64('and', R1, reg(R2)));
    }
    code.emit(toBigEndian(R1, 64), store(8, R10, at + 8 * word, R1));
  }
}

function emitPort(context: SetContext, source: boolean, withProtocol: boolean, at: number): void {
  const { code, family } = context;
  require(context, portKnown(family, withProtocol));
  const portless = code.label('portless');
  const message = code.label('message');
  const read = code.label('port');
  code.emit(mov32(R2, 0), load(1, R1, R6, offsetOf(context, 'proto')));
  for (const protocol of [TCP, UDP, SCTP, UDPLITE]) code.emit(jump64('jeq', R1, protocol, read));
  code.emit(jump64('jeq', R1, ICMP, message), jump64('jne', R1, ICMPV6, portless));
  // A piece of an IPv4 datagram has no ICMPv6 header.
  if (family === 'v4') code.emit(load(2, R2, R6, offsetOf(context, 'fragoff')), jump64('jeq', R2, 0, message));
  if (family === 'v4') code.emit(mov32(R2, 0), goto(portless));
  code.place(message);
  code.emit(load(2, R2, R6, offsetOf(context, 'sport')), goto(portless));
  code.place(read);
  code.emit(load(2, R2, R6, offsetOf(context, source ? 'sport' : 'dport')));
  code.place(portless);
  code.emit(toBigEndian(R2, 16), storeImm(4, R10, at, 0), store(2, R10, at, R2));
  if (withProtocol) code.emit(store(1, R10, at + 2, R1));
}

function emitMac(context: SetContext, at: number): void {
  const { code } = context;
  require(context, equals('mac.ether', 1));
  code.emit(load(8, R1, R6, offsetOf(context, 'mac.src')), jump64('jeq', R1, 0, 'out'));
  code.emit(alu64('lsh', R1, 16), toBigEndian(R1, 64), store(8, R10, at, R1));
}

/**
 * Looks the key up; an element whose time is over is none, nor is one with other counters: in a trie a shorter network may be there.
 * r6 = flow.
 */
function emitLookUp({ code, set, key, counting }: SetContext, map: string): void {
  const at = -key.bytes;
  const { fixedBits } = key;
  const again = code.label('again');
  const alive = code.label('alive');
  const exception = code.label('exception');
  const other = code.label('other');
  if (fixedBits !== undefined) code.emit(storeImm(4, R10, at, fixedBits + 8 * key.addressBytes));
  const compared = counting?.compared ?? [];
  const rounds = set.timeout === undefined && compared.length === 0 ? undefined : 8 * key.addressBytes + 1;
  if (rounds !== undefined && fixedBits !== undefined) code.emit(mov64(R7, rounds));
  if (counting !== undefined) code.emit(load(4, R8, R6, FLOW_LENGTH));
  code.place(again);
  code.emit(loadMap(R1, map), mov64(R2, reg(R10)), alu64('add', R2, at), callHelper('map_lookup_elem'));
  code.emit(jump64('jeq', R0, 0, 'out'));
  if (rounds !== undefined) {
    // r6 is free by now.
    code.emit(mov64(R6, reg(R0)));
    if (set.timeout === undefined) code.emit(goto(alive));
    else {
      code.emit(load(8, R1, R6, ELEMENT.expires), jump64('jeq', R1, 0, alive), callHelper('ktime_get_ns'));
      code.emit(load(8, R1, R6, ELEMENT.expires), jump64('jgt', R1, reg(R0), alive));
    }
    code.place(other);
    if (fixedBits === undefined) code.emit(goto('out'));
    else {
      code.emit(load(4, R1, R6, ELEMENT.bits), jump64('jle', R1, fixedBits, 'out'));
      code.emit(
        alu64('sub', R1, 1),
        store(4, R10, at, R1),
        alu64('sub', R7, 1),
        jump64('jne', R7, 0, again),
        goto('out'),
      );
    }
    code.place(alive);
    code.emit(mov64(R0, reg(R6)));
  }
  if (counting !== undefined) emitCounters(code, counting, other);
  code.emit(load(4, R1, R0, ELEMENT.flags), alu32('and', R1, NOMATCH), jump64('jne', R1, 0, exception));
  code.emit(mov64(R0, MEMBER.IN), exit());
  code.place(exception);
  code.emit(mov64(R0, MEMBER.NOMATCH), exit());
}

const FAILS = { eq: 'jne', ne: 'jeq', lt: 'jge', gt: 'jle' } as const;

/** Counts the packet of r8 bytes in the element at r0, then compares: to `other` where that fails. Clobbers r1, r2. */
function emitCounters(code: Code, { quiet, compared }: Counting, other: string): void {
  if (!quiet) {
    code.emit(mov64(R1, reg(R8)), atomic(8, ATOMIC_OP.add, R0, COUNTERS.bytes, R1));
    code.emit(mov64(R1, 1), atomic(8, ATOMIC_OP.add, R0, COUNTERS.packets, R1));
  }
  for (const { counter, is, value } of compared) {
    code.emit(load(8, R1, R0, COUNTERS[counter]), lddw(R2, value), jump64(FAILS[is], R1, reg(R2), other));
  }
}
