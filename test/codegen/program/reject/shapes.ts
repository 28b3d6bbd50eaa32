import type { BuiltinChain } from '../../../../grammar/model/family.js';
import {
  ACK,
  checksum,
  parse,
  be16,
  be32,
  type Bytes,
  FIN,
  frame,
  icmp,
  icmp6,
  packet4,
  packet6,
  patch,
  payload,
  PSH,
  RST,
  seal,
  SYN,
  tcp,
  udp,
} from './packets.js';
import { FAR, HOST, PEER, REMOTE, type Sent } from './wire.js';

export interface Shape extends Sent {
  readonly name: string;
}

const repeat = (kind: Bytes, times: number): Bytes => Array.from({ length: times }, () => kind).flat();

/** TCP segments as their headers differ. */
const SEGMENTS = [
  { name: 'SYN', flags: SYN, options: [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7] },
  { name: 'SYN without options', flags: SYN },
  { name: 'SYN and data', flags: SYN, data: payload(100) },
  { name: 'ACK', flags: ACK, ack: 0xfedcba98 },
  { name: 'data', flags: PSH | ACK, ack: 0x01020304, data: payload(999) },
  { name: 'odd data without ACK', flags: PSH, data: payload(333) },
  { name: 'FIN', flags: FIN, seq: 0xffffffff },
  { name: 'FIN and ACK', flags: FIN | ACK, ack: 7 },
  { name: 'SYN and FIN, wrapping', flags: SYN | FIN, seq: 0xfffffff0, data: payload(15) },
  { name: 'RST', flags: RST, seq: 99 },
  { name: 'RST and ACK', flags: RST | ACK, ack: 99 },
  { name: 'no flags', flags: 0 },
  { name: 'header longer than the segment', flags: SYN, doff: 15 },
  { name: 'header shorter than a header', flags: SYN, doff: 1, data: payload(6) },
  { name: 'largest', flags: ACK, ack: 5, data: payload(1400) },
] as const;

export function shapes4(chain: BuiltinChain): readonly Shape[] {
  const to = chain === 'INPUT' ? HOST.v4 : FAR.v4;
  const ends = { from: PEER.v4, to };
  const shapes: Shape[] = [];
  const add = (name: string, packet: Bytes, options: Parameters<typeof frame>[1] = {}): void => {
    shapes.push({ name, frame: frame(packet, options) });
  };
  for (const { name, ...segment } of SEGMENTS)
    add(`tcp ${name}`, packet4({ ...ends, protocol: 6 }, tcp(ends, segment)));
  const syn = tcp(ends, { flags: SYN });
  const data = tcp(ends, { flags: ACK, ack: 3, data: payload(700) });
  add('tcp padded', packet4({ ...ends, protocol: 6 }, syn), { padding: 6 });
  add('tcp padded, long', packet4({ ...ends, protocol: 6 }, data), { padding: 100 });
  add('tcp of bad checksum', packet4({ ...ends, protocol: 6 }, patch(syn, 16, 0x1234)));
  add('tcp of zero checksum', packet4({ ...ends, protocol: 6 }, patch(syn, 16, 0)));
  add('tcp cut', packet4({ ...ends, protocol: 6 }, syn.slice(0, 19)));
  add('tcp empty', packet4({ ...ends, protocol: 6 }, []));
  for (const tos of [0x02, 0x03, 0x08, 0x1c, 0xb8, 0xff]) {
    add(`tcp TOS ${tos}`, packet4({ ...ends, protocol: 6, tos }, syn));
  }
  add('tcp TTL 2', packet4({ ...ends, protocol: 6, ttl: 2 }, syn));
  add('tcp TTL 255', packet4({ ...ends, protocol: 6, ttl: 255 }, syn));
  add('tcp without DF', packet4({ ...ends, protocol: 6, fragment: 0 }, syn));
  const remote = { from: REMOTE.v4, to };
  add('tcp from afar', packet4({ ...remote, protocol: 6 }, tcp(remote, { flags: SYN })));
  const second = { from: PEER.v4, to: chain === 'INPUT' ? '192.0.2.77' : '198.51.100.3' };
  add('tcp to another address', packet4({ ...second, protocol: 6 }, tcp(second, { flags: SYN })));

  for (const length of [0, 1, 2, 3, 4, 7, 63, 64, 65, 500, 515, 519, 520, 521, 522, 530, 1000, 1471, 1472]) {
    add(`udp of ${length}`, packet4({ ...ends, protocol: 17 }, udp(ends, payload(length))));
  }
  const datagram = udp(ends, payload(31));
  add('udp padded', packet4({ ...ends, protocol: 17 }, udp(ends, [1])), { padding: 17 });
  add('udp without checksum', packet4({ ...ends, protocol: 17 }, patch(datagram, 6, 0)));
  add('udp of bad checksum', packet4({ ...ends, protocol: 17 }, patch(datagram, 6, 0x4321)));
  add('udp cut to 7', packet4({ ...ends, protocol: 17 }, datagram.slice(0, 7)));
  add('udp longer than its length', packet4({ ...ends, protocol: 17 }, [...datagram, 1, 2, 3]));
  add('udp remote', packet4({ ...remote, protocol: 17 }, udp(remote, payload(5))));

  for (let type = 0; type <= 20; type++)
    add(`icmp ${type}`, packet4({ ...ends, protocol: 1 }, icmp(type, payload(56))));
  add('icmp 40', packet4({ ...ends, protocol: 1 }, icmp(40, payload(8))));
  add('icmp odd', packet4({ ...ends, protocol: 1 }, icmp(8, payload(57))));
  add('icmp long', packet4({ ...ends, protocol: 1 }, icmp(8, payload(1400))));
  add('icmp of bad checksum', packet4({ ...ends, protocol: 1 }, patch(icmp(8, payload(8)), 2, 1)));
  add('icmp empty', packet4({ ...ends, protocol: 1 }, []));

  for (const protocol of [0, 2, 33, 46, 47, 50, 51, 132, 136, 253]) {
    add(`protocol ${protocol}`, packet4({ ...ends, protocol }, payload(40)));
    add(`protocol ${protocol} of zeros`, packet4({ ...ends, protocol }, repeat([0], 20)));
    add(`protocol ${protocol} empty`, packet4({ ...ends, protocol }, []));
    add(`protocol ${protocol} with a sum`, packet4({ ...ends, protocol }, seal(ends, 1, payload(41), 0)));
  }

  for (const [name, options] of [
    ['no-operations', repeat([1], 8)],
    ['end', [0, 0, 0, 0]],
    ['router alert', [148, 4, 0, 0]],
    ['security', [130, 11, ...payload(9), 0]],
    ['40 bytes', repeat([1], 40)],
  ] as const) {
    add(`tcp, IP options ${name}`, packet4({ ...ends, protocol: 6, options }, syn));
    add(`udp, IP options ${name}`, packet4({ ...ends, protocol: 17, options }, udp(ends, payload(600))));
  }
  const zero = patch(udp(ends, payload(5)), 6, 0);
  for (const [name, options] of [
    ['record route with room', [7, 11, 4, ...repeat([0], 8), 0]],
    ['timestamps with room', [68, 12, 5, 0, ...repeat([0], 8)]],
    ['timestamps without room', [68, 12, 13, 0, ...payload(8)]],
    ['addresses and timestamps', [68, 12, 5, 1, ...repeat([0], 8)]],
    ['loose source route', [131, 7, 4, 192, 0, 2, 9, 0]],
    ['loose source route, at its end', [131, 7, 8, 192, 0, 2, 9, 0]],
    ['strict source route, at its end', [137, 7, 8, 192, 0, 2, 9, 0]],
    ['unknown', [77, 4, 1, 2]],
    ['router alert of a value', [148, 4, 1, 2]],
  ] as const) {
    add(`tcp, IP options ${name}`, packet4({ ...ends, protocol: 6, options }, syn));
    if (!/record|times/.test(name)) add(`udp, IP options ${name}`, packet4({ ...ends, protocol: 17, options }, zero));
  }
  add('later fragment', packet4({ ...ends, protocol: 17, fragment: 0x0010 }, payload(64)));
  add('later fragment, more', packet4({ ...ends, protocol: 6, fragment: 0x2002 }, payload(64)));
  add(
    'first fragment of udp',
    packet4({ ...ends, protocol: 17, fragment: 0x2000 }, udp(ends, payload(600)).slice(0, 408)),
  );
  if (chain === 'FORWARD') {
    const without = patch(udp(ends, payload(600)), 6, 0).slice(0, 408);
    add('first fragment of udp without checksum', packet4({ ...ends, protocol: 17, fragment: 0x2000 }, without));
    add('first fragment of tcp', packet4({ ...ends, protocol: 6, fragment: 0x2000 }, data.slice(0, 408)));
  }
  if (chain === 'INPUT') {
    add('group MAC', packet4({ ...ends, protocol: 17 }, datagram), { to: '01:00:5e:00:00:01' });
    add('broadcast MAC', packet4({ ...ends, protocol: 17 }, datagram), { to: 'ff:ff:ff:ff:ff:ff' });
    add('group MAC, tcp', packet4({ ...ends, protocol: 6 }, syn), { to: '01:00:5e:00:00:01' });
    for (const address of ['255.255.255.255', '192.0.2.255', '224.0.0.1']) {
      const all = { from: PEER.v4, to: address };
      const group = address.startsWith('224') ? '01:00:5e:00:00:01' : 'ff:ff:ff:ff:ff:ff';
      add(`udp to ${address}`, packet4({ ...all, protocol: 17 }, udp(all, payload(20))), { to: group });
      if (address !== '192.0.2.255') {
        add(`udp to ${address}, host MAC`, packet4({ ...all, protocol: 17 }, udp(all, payload(20))));
        add(`tcp to ${address}, host MAC`, packet4({ ...all, protocol: 6 }, tcp(all, { flags: SYN })));
      }
    }
  }
  return shapes;
}

export function shapes6(chain: BuiltinChain): readonly Shape[] {
  const to = chain === 'INPUT' ? HOST.v6 : FAR.v6;
  const ends = { from: PEER.v6, to };
  const shapes: Shape[] = [];
  const add = (name: string, packet: Bytes, options: Parameters<typeof frame>[1] = {}): void => {
    shapes.push({ name, frame: frame(packet, options) });
  };
  for (const { name, ...segment } of SEGMENTS) add(`tcp ${name}`, packet6({ ...ends, next: 6 }, tcp(ends, segment)));
  const syn = tcp(ends, { flags: SYN });
  add('tcp padded', packet6({ ...ends, next: 6 }, syn), { padding: 9 });
  add('tcp of bad checksum', packet6({ ...ends, next: 6 }, patch(syn, 16, 0x1234)));
  add('tcp cut', packet6({ ...ends, next: 6 }, syn.slice(0, 19)));
  add('tcp empty', packet6({ ...ends, next: 6 }, []));
  add('tcp class and label', packet6({ ...ends, next: 6, class: 0xb9, label: 0x54321 }, syn));
  add('tcp hop limit 2', packet6({ ...ends, next: 6, hops: 2 }, syn));
  const remote = { from: REMOTE.v6, to };
  add('tcp from afar', packet6({ ...remote, next: 6 }, tcp(remote, { flags: SYN })));

  for (const length of [0, 1, 2, 3, 4, 7, 63, 64, 65, 500, 1000, 1183, 1184, 1185, 1186, 1452]) {
    add(`udp of ${length}`, packet6({ ...ends, next: 17 }, udp(ends, payload(length))));
  }
  const datagram = udp(ends, payload(31));
  add('udp padded', packet6({ ...ends, next: 17 }, datagram), { padding: 17 });
  add('udp without checksum', packet6({ ...ends, next: 17 }, patch(datagram, 6, 0)));
  add('udp of bad checksum', packet6({ ...ends, next: 17 }, patch(datagram, 6, 0x4321)));
  add('udp cut to 7', packet6({ ...ends, next: 17 }, datagram.slice(0, 7)));
  add('udp from afar', packet6({ ...remote, next: 17 }, udp(remote, payload(5))));
  add('udp class and label', packet6({ ...ends, next: 17, class: 0xff, label: 0xfffff }, datagram));

  for (const type of [0, 1, 2, 3, 4, 100, 127, 128, 129, 139, 200, 255]) {
    add(`icmp6 ${type}`, packet6({ ...ends, next: 58 }, icmp6(ends, type, payload(55))));
  }
  add('icmp6 long', packet6({ ...ends, next: 58 }, icmp6(ends, 128, payload(1400))));
  add('icmp6 of bad checksum', packet6({ ...ends, next: 58 }, patch(icmp6(ends, 128, payload(8)), 2, 1)));
  add('icmp6 empty', packet6({ ...ends, next: 58 }, []));
  for (const next of [33, 46, 47, 50, 59, 132, 136, 253]) {
    add(`next header ${next}`, packet6({ ...ends, next }, payload(40)));
    add(`next header ${next} empty`, packet6({ ...ends, next }, []));
    add(`next header ${next} with a sum`, packet6({ ...ends, next }, seal(ends, next, payload(41), 0)));
  }

  const options = (next: number): Bytes => [next, 0, 1, 4, 0, 0, 0, 0];
  const fragment = (next: number, field: number): Bytes => [next, 0, ...be16(field), ...be32(77)];
  for (const [name, body, next] of [
    ['tcp', syn, 6],
    ['udp', datagram, 17],
    ['icmp6', icmp6(ends, 128, payload(9)), 58],
    ['icmp6 error', icmp6(ends, 1, payload(60)), 58],
  ] as const) {
    add(`${name} behind destination options`, packet6({ ...ends, next: 60 }, [...options(next), ...body]));
    add(`${name} behind two`, packet6({ ...ends, next: 0 }, [...options(60), ...options(next), ...body]));
    add(`${name} behind an atomic fragment`, packet6({ ...ends, next: 44 }, [...fragment(next, 0), ...body]));
    add(`${name} in a first fragment`, packet6({ ...ends, next: 44 }, [...fragment(next, 1), ...body]));
    add(`${name} in a later fragment`, packet6({ ...ends, next: 44 }, [...fragment(next, 0x100), ...body]));
    add(`${name} cut in an extension`, packet6({ ...ends, next: 60 }, options(next).slice(0, 6)));
    add(`${name}: extension alone`, packet6({ ...ends, next: 60 }, options(next)));
  }
  if (chain === 'INPUT') {
    add('group MAC', packet6({ ...ends, next: 17 }, datagram), { to: '33:33:00:00:00:01' });
    add('group MAC, tcp', packet6({ ...ends, next: 6 }, syn), { to: '33:33:00:00:00:01' });
    const all = { from: PEER.v6, to: 'ff02::1' };
    add('udp to all nodes', packet6({ ...all, next: 17 }, udp(all, payload(3))), { to: '33:33:00:00:00:01' });
    add('udp to all nodes, host MAC', packet6({ ...all, next: 17 }, udp(all, payload(3))));
    add('tcp to all nodes', packet6({ ...all, next: 6 }, tcp(all, { flags: SYN })), { to: '33:33:00:00:00:01' });
    for (const from of ['::', '::ffff:203.0.113.9'.replace('203.0.113.9', 'cb00:7109')]) {
      const odd = { from, to };
      add(`tcp from ${from}`, packet6({ ...odd, next: 6 }, tcp(odd, { flags: SYN })));
      add(`udp from ${from}`, packet6({ ...odd, next: 17 }, udp(odd, payload(3))));
    }
  }
  return shapes;
}

const TRANSPORT = { 6: 16, 17: 6 } as const;

/** Frames whose checksum or segmentation the sender's device has left to the receiver's. */
export function offloadedShapes(family: 'v4' | 'v6', chain: BuiltinChain): readonly Shape[] {
  const ends = { from: PEER[family], to: chain === 'INPUT' ? HOST[family] : FAR[family] };
  const shapes: Shape[] = [];
  const add = (name: string, protocol: 6 | 17, body: Bytes, extra: Bytes = [], gso?: number): void => {
    const v4 = family === 'v4';
    const at = TRANSPORT[protocol];
    const pseudo =
      ~checksum([...parse(ends.from), ...parse(ends.to), ...be32(body.length), ...be32(protocol)]) & 0xffff;
    const make = (transport: Bytes): Uint8Array =>
      frame(
        v4
          ? packet4({ ...ends, protocol, options: extra }, transport)
          : extra.length > 0
            ? packet6({ ...ends, next: 60 }, [protocol, extra.length / 8 - 1, ...extra.slice(2), ...transport])
            : packet6({ ...ends, next: protocol }, transport),
      );
    const start = 14 + (v4 ? 20 : 40) + extra.length;
    const segments =
      gso === undefined ? {} : { segments: { type: v4 ? 'tcp4' : 'tcp6', size: gso, header: start + 20 } as const };
    const left = make(patch(body, at, pseudo));
    shapes.push({ name: `${name}, left`, frame: left, offload: { checksum: { start, offset: at }, ...segments } });
    if (gso !== undefined) return;
    shapes.push({ name: `${name}, made`, frame: make(body) });
    shapes.push({ name: `${name}, wrong`, frame: make(patch(body, at, 0x4711)) });
  };
  const options = family === 'v4' ? repeat([1], 40) : [0, 0, 1, 36, ...repeat([0], 36)];
  for (const length of [0, 1, 30, 600, 1300]) {
    const data = payload(length);
    add(`tcp of ${length}`, 6, tcp(ends, { flags: SYN, data }));
    add(`udp of ${length}`, 17, udp(ends, data));
    add(`tcp of ${length} behind options`, 6, tcp(ends, { flags: ACK, ack: 5, data }), options);
    add(`udp of ${length} behind options`, 17, udp(ends, data), options);
  }
  add('tcp segments', 6, tcp(ends, { flags: ACK, ack: 5, data: payload(9000) }), [], 1000);
  return shapes;
}
