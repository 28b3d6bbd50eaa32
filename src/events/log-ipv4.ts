import type { LogEvent } from './decode.js';
import { LOG_FLAG } from './log-flags.js';
import { endText, incomplete, tcpText, udpText, type HeaderText } from './log-transport.js';
import type { PacketReader } from './packet-reader.js';

const HEADER = 20;
const ICMP_HEADER = 8;
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, esp: 50, ah: 51, udplite: 136 } as const;
const FRAGMENT = { congestion: 0x8000, whole: 0x4000, more: 0x2000, offset: 0x1fff } as const;

/** dump_ipv4_packet (net/netfilter/nf_log_syslog.c); `at` > 0: the packet that an ICMP error quotes. */
export function ipv4Text(packet: PacketReader, event: LogEvent, at = 0): string {
  if (!packet.has(at, HEADER)) return 'TRUNCATED';
  const { flags } = event.rule;
  const [tos, ttl, protocol] = [1, 8, 9].map((offset) => packet.u8(at + offset));
  const [total, id, fragment] = [2, 4, 6].map((offset) => packet.u16(at + offset));
  // iph_totlen: a packet of more than 64 KiB has 0 in its header.
  const length = total === 0 && at === 0 && packet.length > 0xffff ? packet.length : total;
  const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');
  const parts = [
    `SRC=${packet.ipv4(at + 12)} DST=${packet.ipv4(at + 16)} `,
    `LEN=${length} TOS=0x${hex(tos & 0x1e)} PREC=0x${hex(tos & 0xe0)} TTL=${ttl} ID=${id} `,
    (fragment & FRAGMENT.congestion) === 0 ? '' : 'CE ',
    (fragment & FRAGMENT.whole) === 0 ? '' : 'DF ',
    (fragment & FRAGMENT.more) === 0 ? '' : 'MF ',
    (fragment & FRAGMENT.offset) === 0 ? '' : `FRAG:${fragment & FRAGMENT.offset} `,
  ];
  const header = (packet.u8(at) & 15) * 4;
  if ((flags & LOG_FLAG.ipOptions) !== 0 && header > HEADER) {
    if (!packet.has(at + HEADER, header - HEADER)) return `${parts.join('')}TRUNCATED`;
    parts.push(`OPT (${packet.hex(at + HEADER, header - HEADER)}) `);
  }
  const later = (fragment & FRAGMENT.offset) !== 0;
  const { text, broken } = transportText(packet, event, { at, transport: at + header, protocol, later });
  return parts.join('') + text + (broken || at > 0 ? '' : endText(event));
}

interface Place {
  readonly at: number;
  readonly transport: number;
  readonly protocol: number;
  /** No first fragment: what follows is no header. */
  readonly later: boolean;
}

function transportText(packet: PacketReader, event: LogEvent, place: Place): HeaderText {
  const { transport, protocol, later } = place;
  const on = (text: string): HeaderText => ({ text, broken: false });
  switch (protocol) {
    case PROTOCOL.tcp:
      return tcpText(packet, transport, later, event.rule.flags);
    case PROTOCOL.udp:
    case PROTOCOL.udplite:
      return udpText(packet, transport, later, protocol);
    case PROTOCOL.icmp:
      return on(`PROTO=ICMP ${later ? '' : icmpText(packet, event, place)}`);
    case PROTOCOL.ah:
      return on(later ? '' : `PROTO=AH ${spiText(packet, transport, 12, 4)}`);
    case PROTOCOL.esp:
      return on(`PROTO=ESP ${later ? '' : spiText(packet, transport, 8, 0)}`);
    default:
      return on(`PROTO=${protocol} `);
  }
}

function spiText(packet: PacketReader, at: number, header: number, offset: number): string {
  if (!packet.has(at, header)) return incomplete(packet, at);
  return `SPI=0x${packet.u32(at + offset).toString(16)} `;
}

const TYPE = { reply: 0, unreachable: 3, quench: 4, redirect: 5, request: 8, exceeded: 11, parameter: 12 } as const;
const FRAGMENTATION_NEEDED = 4;
/** Bytes without which the kernel says no more of a message, by its type. */
const NEEDED: Readonly<Partial<Record<number, number>>> = {
  [TYPE.reply]: 4,
  [TYPE.unreachable]: ICMP_HEADER + HEADER,
  [TYPE.quench]: ICMP_HEADER + HEADER,
  [TYPE.redirect]: ICMP_HEADER + HEADER,
  [TYPE.request]: 4,
  [TYPE.exceeded]: ICMP_HEADER + HEADER,
  [TYPE.parameter]: ICMP_HEADER + HEADER,
  13: 20,
  14: 20,
  17: 12,
  18: 12,
};

function icmpText(packet: PacketReader, event: LogEvent, { at, transport }: Place): string {
  if (!packet.has(transport, ICMP_HEADER)) return incomplete(packet, transport);
  const [type, code] = [packet.u8(transport), packet.u8(transport + 1)];
  const kind = `TYPE=${type} CODE=${code} `;
  if (packet.length - transport < (NEEDED[type] ?? 0)) return kind + incomplete(packet, transport);
  const quoted = (): string => (at > 0 ? '' : `[${ipv4Text(packet, event, transport + ICMP_HEADER)}] `);
  switch (type) {
    case TYPE.reply:
    case TYPE.request:
      return `${kind}ID=${packet.u16(transport + 4)} SEQ=${packet.u16(transport + 6)} `;
    case TYPE.parameter:
      return `${kind}PARAMETER=${packet.u8(transport + 4)} `;
    case TYPE.redirect:
      return `${kind}GATEWAY=${packet.ipv4(transport + 4)} ${quoted()}`;
    case TYPE.unreachable:
      return kind + quoted() + (code === FRAGMENTATION_NEEDED ? `MTU=${packet.u16(transport + 6)} ` : '');
    case TYPE.quench:
    case TYPE.exceeded:
      return kind + quoted();
    default:
      return kind;
  }
}
