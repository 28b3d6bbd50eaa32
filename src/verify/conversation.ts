import type { Packet } from '../../grammar/model/packet.js';
import {
  buildIpPacket,
  buildPacket,
  readSpec,
  TCP_FLAG,
  type PacketPlace,
  type PacketSpec,
  type TransportSpec,
} from '../packet/index.js';
import type { Random } from './random.js';

/** Conversations that are under way at the same time. */
const OPEN = 6;
/** Bytes of the packet that an ICMP error quotes: enough for IPv6 with a header or two. */
const QUOTED = 120;
const { ACK, FIN, RST, SYN } = TCP_FLAG;

/**
 * A sequence in which each of the packets is part of a conversation: it comes alone, again, is answered, has an ICMP
 * error sent about it, or, as TCP, begins, goes on and ends a connection, with a segment out of place now and then.
 * Answers go the other way: from OUTPUT what came to INPUT, and back at FORWARD. Conversations are interleaved, each
 * in its own order. The same random numbers give the same sequence.
 */
export function converse(packets: readonly Packet[], random: Random): readonly Packet[] {
  const waiting = packets.map((packet) => [...conversationOf(packet, random)]).reverse();
  const open: Packet[][] = [];
  const sequence: Packet[] = [];
  for (;;) {
    while (open.length < OPEN && waiting.length > 0) open.push(waiting.pop() ?? []);
    if (open.length === 0) return sequence;
    const at = random.below(open.length);
    const next = open[at].shift();
    if (next === undefined) open.splice(at, 1);
    else sequence.push(next);
  }
}

/** A packet whose description is known, to make others from. */
interface Known {
  readonly spec: PacketSpec;
  readonly place: PacketPlace;
}

function conversationOf(packet: Packet, random: Random): readonly Packet[] {
  const spec = readSpec(packet.frame);
  if (spec === undefined || !isOrdinary(spec)) return [packet];
  const { inInterface, outInterface, mark } = packet;
  const known: Known = { spec, place: { inInterface, outInterface, mark } };
  const build = ({ spec: one, place }: Known): Packet => buildPacket(one, place);
  const kind = random.below(4);
  if (kind === 0) return [packet];
  if (kind === 1) return [packet, build(errorAbout(known, random)), packet];
  if (spec.transport?.kind === 'tcp' && kind === 2) return connection(known, spec.transport, random).map(build);
  const answer = build(answerTo(known));
  return random.chance(0.5) ? [packet, answer, packet, answer] : [answer, packet, packet];
}

/** Between two single hosts, whole and not in pieces: somebody could answer it. */
function isOrdinary({ ip, cut }: PacketSpec): boolean {
  if (cut !== undefined || ip.version !== undefined) return false;
  if (ip.family === 'v6') return [ip.source, ip.destination].every((address) => isHost6(address));
  if (ip.moreFragments === true || (ip.fragmentOffset ?? 0) !== 0) return false;
  if (ip.headerLength !== undefined || ip.totalLength !== undefined || ip.options !== undefined) return false;
  return [ip.source, ip.destination].every((address) => isHost4(address));
}

function isHost4(address: bigint): boolean {
  const first = address >> 24n;
  return first !== 0n && first !== 127n && first < 224n;
}

/** Of the global unicast addresses (2000::/3). */
function isHost6(address: bigint): boolean {
  return address >> 125n === 1n;
}

function reversed({ spec, place }: Known): Known {
  const { ip } = spec;
  const { link } = spec;
  const turned = { source: ip.destination, destination: ip.source };
  return {
    spec: {
      ...(link?.vlans === undefined ? {} : { link: { vlans: link.vlans } }),
      ip: ip.family === 'v4' ? { family: 'v4', ...turned } : { family: 'v6', ...turned },
      ...(spec.transport === undefined ? {} : { transport: spec.transport }),
    },
    place: { inInterface: place.outInterface ?? '', outInterface: place.inInterface ?? '', mark: 0 },
  };
}

function answerTo(known: Known): Known {
  const back = reversed(known);
  const { transport, ip } = known.spec;
  const other = transport === undefined ? undefined : answerHeader(transport);
  const protocol = ip.family === 'v4' ? ip.protocol : undefined;
  const turned = protocol === undefined || back.spec.ip.family !== 'v4' ? back.spec.ip : { ...back.spec.ip, protocol };
  return { ...back, spec: { ...back.spec, ip: turned, ...(other === undefined ? {} : { transport: other }) } };
}

/** Types of ICMP and ICMPv6 messages that are answered, and the answers' (net/netfilter/nf_conntrack_proto_icmp*.c). */
const ICMP_ANSWERS: Readonly<Record<number, number>> = { 8: 0, 13: 14, 15: 16, 17: 18, 0: 8 };
const ICMP6_ANSWERS: Readonly<Record<number, number>> = { 128: 129, 139: 140, 129: 128 };

function answerHeader(transport: TransportSpec): TransportSpec {
  switch (transport.kind) {
    case 'tcp': {
      const flags = transport.flags ?? 0;
      const opens = (flags & (SYN | ACK)) === SYN;
      return tcp(transport, false, opens ? SYN | ACK : ACK, transport.acknowledgment ?? 0, next(transport));
    }
    case 'udp':
    case 'udplite':
      return { kind: transport.kind, sport: transport.dport, dport: transport.sport };
    case 'icmp':
      return { ...transport, type: ICMP_ANSWERS[transport.type] ?? transport.type };
    case 'icmp6':
      return { ...transport, type: ICMP6_ANSWERS[transport.type] ?? transport.type };
    case 'other':
      return transport;
  }
}

type Tcp = Extract<TransportSpec, { kind: 'tcp' }>;

/** The sequence number behind a segment. */
function next({ sequence = 1, payload, flags = 0 }: Tcp): number {
  const length = (payload?.length ?? 0) + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
  return (sequence + length) >>> 0;
}

function tcp({ sport, dport }: Tcp, forth: boolean, flags: number, sequence: number, acknowledgment: number): Tcp {
  const ports = forth ? { sport, dport } : { sport: dport, dport: sport };
  return { kind: 'tcp', ...ports, flags, sequence, acknowledgment };
}

/** A connection from the sender of the packet, up to its end or a part of it. */
function connection(known: Known, header: Tcp, random: Random): readonly Known[] {
  const back = reversed(known);
  const forth = reversed(back);
  const [client, server] = [random.word(), random.word()];
  const at = (start: number, offset: number): number => (start + offset) >>> 0;
  const segment = (isForth: boolean, flags: number, own: number, other: number): Known => {
    const [from, to] = isForth ? [client, server] : [server, client];
    const transport = tcp(header, isForth, flags, at(from, own), (flags & ACK) === 0 ? 0 : at(to, other));
    const base = isForth ? { ...forth, place: known.place } : back;
    return { ...base, spec: { ...base.spec, transport } };
  };
  const segments = [
    segment(true, SYN, 0, 0),
    segment(false, SYN | ACK, 0, 1),
    segment(true, ACK, 1, 1),
    segment(false, ACK, 1, 1),
    segment(true, FIN | ACK, 1, 1),
    segment(false, FIN | ACK, 1, 2),
    segment(true, ACK, 2, 2),
    segment(true, ACK, 2, 2),
  ];
  const stray = [segment(true, ACK, 0x20000000, 1), segment(false, RST, 1, 1), segment(true, SYN, 0, 0)];
  const told = segments.slice(0, 1 + random.below(segments.length));
  if (random.chance(0.5)) told.splice(random.below(told.length + 1), 0, random.pick(stray));
  return told;
}

/** An ICMP error about the packet to its sender, from its destination or from a router on the way. */
function errorAbout(known: Known, random: Random): Known {
  const back = reversed(known);
  const { ip } = back.spec;
  const payload = buildIpPacket(known.spec).slice(0, QUOTED);
  const source = random.chance(0.5) ? ip.source : ip.source ^ 1n;
  const transport: TransportSpec =
    ip.family === 'v4' ? { kind: 'icmp', type: 3, code: 3, payload } : { kind: 'icmp6', type: 1, code: 4, payload };
  return { ...back, spec: { ...back.spec, ip: { ...ip, source }, transport } };
}
