/** Frames for REJECT to answer, built byte by byte: nothing here is shared with what is tested. */

export const HOST_MAC = '02:00:00:00:00:01';
export const PEER_MAC = '02:00:00:00:00:02';
export type Bytes = readonly number[];

export const be16 = (value: number): Bytes => [(value >> 8) & 0xff, value & 0xff];
export const be32 = (value: number): Bytes => [...be16(value >>> 16), ...be16(value & 0xffff)];
export const mac = (text: string): Bytes => text.split(':').map((part) => parseInt(part, 16));
export const ip4 = (text: string): Bytes => text.split('.').map(Number);

export function ip6(text: string): Bytes {
  const [head, tail] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.flatMap((group) => be16(parseInt(group, 16)));
}

/** Bytes that differ from their neighbours, so that a shift by one shows. */
export const payload = (length: number): Bytes => Array.from({ length }, (_, i) => (i * 7 + 13) & 0xff);

/** RFC 1071, the plain way. */
export function checksum(bytes: Bytes): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** `bytes` with a 16-bit field replaced. */
export function patch(bytes: Bytes, at: number, value: number): Bytes {
  return [...bytes.slice(0, at), ...be16(value), ...bytes.slice(at + 2)];
}

export interface Ends {
  readonly from: string;
  readonly to: string;
}

export const parse = (address: string): Bytes => (address.includes(':') ? ip6(address) : ip4(address));

/** Fills the checksum field at `at` of a transport packet. */
export function seal(ends: Ends, protocol: number, bytes: Bytes, at: number): Bytes {
  const plain = patch(bytes, at, 0);
  const pseudo =
    protocol === 1 ? [] : [...parse(ends.from), ...parse(ends.to), ...be32(bytes.length), ...be32(protocol)];
  const sum = checksum([...pseudo, ...plain]);
  return patch(plain, at, protocol === 17 && sum === 0 ? 0xffff : sum);
}

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

export interface Segment {
  readonly flags: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly options?: Bytes;
  readonly data?: Bytes;
  /** Header length in words that the segment claims. */
  readonly doff?: number;
}

export function tcp(ends: Ends, segment: Segment): Bytes {
  const options = segment.options ?? [];
  const header = [
    ...be16(40000),
    ...be16(22),
    ...be32(segment.seq ?? 0x89abcdef),
    ...be32(segment.ack ?? 0),
    (segment.doff ?? 5 + options.length / 4) << 4,
    segment.flags,
    ...be16(64240),
    ...be16(0),
    ...be16(0),
  ];
  return seal(ends, 6, [...header, ...options, ...(segment.data ?? [])], 16);
}

export function udp(ends: Ends, data: Bytes): Bytes {
  return seal(ends, 17, [...be16(40001), ...be16(53), ...be16(8 + data.length), ...be16(0), ...data], 6);
}

export function icmp(type: number, data: Bytes, code = 0): Bytes {
  return seal({ from: '0.0.0.0', to: '0.0.0.0' }, 1, [type, code, 0, 0, ...be32(0x12340001), ...data], 2);
}

export function icmp6(ends: Ends, type: number, data: Bytes, code = 0): Bytes {
  return seal(ends, 58, [type, code, 0, 0, ...be32(0x12340001), ...data], 2);
}

export interface Header4 extends Ends {
  readonly protocol: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly options?: Bytes;
  /** Flags and offset. */
  readonly fragment?: number;
}

export function packet4(header: Header4, body: Bytes): Bytes {
  const options = header.options ?? [];
  const bytes = [
    0x45 + options.length / 4,
    header.tos ?? 0,
    ...be16(20 + options.length + body.length),
    ...be16(0x1234),
    ...be16(header.fragment ?? 0x4000),
    header.ttl ?? 61,
    header.protocol,
    ...be16(0),
    ...ip4(header.from),
    ...ip4(header.to),
    ...options,
  ];
  return [...patch(bytes, 10, checksum(bytes)), ...body];
}

export interface Header6 extends Ends {
  readonly next: number;
  readonly class?: number;
  readonly label?: number;
  readonly hops?: number;
}

export function packet6(header: Header6, body: Bytes): Bytes {
  return [
    ...be32((6 * 2 ** 28 + (header.class ?? 0) * 2 ** 20 + (header.label ?? 0)) >>> 0),
    ...be16(body.length),
    header.next,
    header.hops ?? 61,
    ...ip6(header.from),
    ...ip6(header.to),
    ...body,
  ];
}

/** An Ethernet frame to the host; `padding` bytes of rubbish behind the packet. */
export function frame(packet: Bytes, options: { to?: string; tags?: Bytes; padding?: number } = {}): Uint8Array {
  const type = packet[0] >> 4 === 4 ? 0x0800 : 0x86dd;
  return Uint8Array.from([
    ...mac(options.to ?? HOST_MAC),
    ...mac(PEER_MAC),
    ...(options.tags ?? []),
    ...be16(type),
    ...packet,
    ...Array<number>(options.padding ?? 0).fill(0xee),
  ]);
}
