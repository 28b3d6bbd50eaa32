import type { LogEvent } from './decode.js';
import { LOG_FLAG } from './log-flags.js';
import { endText, incomplete, tcpText, udpText, type HeaderText } from './log-transport.js';
import type { PacketReader } from './packet-reader.js';

const HEADER = 40;
const ICMP_HEADER = 8;
const NEXT = {
  hop: 0,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  esp: 50,
  ah: 51,
  icmp: 58,
  none: 59,
  options: 60,
  udplite: 136,
} as const;
const EXTENSIONS: ReadonlySet<number> = new Set([
  NEXT.hop,
  NEXT.routing,
  NEXT.fragment,
  NEXT.esp,
  NEXT.ah,
  NEXT.options,
]);

/** dump_ipv6_packet (net/netfilter/nf_log_syslog.c); `quoted`: the packet that an ICMP error quotes. */
export function ipv6Text(packet: PacketReader, event: LogEvent, at = 0, quoted = false): string {
  if (!packet.has(at, HEADER)) return 'TRUNCATED';
  const word = packet.u32(at);
  const payload = packet.u16(at + 4);
  // ipv6_payload_len: a packet of more than 64 KiB has 0 in its header.
  const length = payload === 0 && !quoted && packet.length > 0xffff + HEADER ? packet.length : payload + HEADER;
  const start = [
    `SRC=${packet.ipv6(at + 8)} DST=${packet.ipv6(at + 24)} `,
    `LEN=${length} TC=${(word >>> 20) & 0xff} HOPLIMIT=${packet.u8(at + 7)} FLOWLBL=${word & 0xfffff} `,
  ].join('');
  const walk = walkHeaders(packet, {
    at: at + HEADER,
    next: packet.u8(at + 6),
    options: (event.rule.flags & LOG_FLAG.ipOptions) !== 0,
  });
  if (walk.ended) return start + walk.text;
  const { text, broken } = transportText(packet, event, { ...walk, quoted });
  return start + walk.text + text + (broken || quoted ? '' : endText(event));
}

interface Walk {
  readonly text: string;
  /** The line ends here. */
  readonly ended: boolean;
  readonly at: number;
  readonly next: number;
  readonly fragment: boolean;
}

interface WalkStart {
  readonly at: number;
  readonly next: number;
  /** Extension headers are shown. */
  readonly options: boolean;
}

function walkHeaders(packet: PacketReader, start: WalkStart): Walk {
  const { options } = start;
  let { at, next } = start;
  let text = '';
  let fragment = false;
  const end = (more = ''): Walk => ({ text: text + more, ended: true, at, next, fragment });
  while (EXTENSIONS.has(next)) {
    if (!packet.has(at, 2)) return end('TRUNCATED');
    if (options) text += 'OPT ( ';
    let size = (packet.u8(at + 1) + 1) * 8;
    if (next === NEXT.fragment) {
      text += 'FRAG:';
      if (!packet.has(at, 8)) return end('TRUNCATED ');
      const field = packet.u16(at + 2);
      const id = packet
        .u32(at + 4)
        .toString(16)
        .padStart(8, '0');
      text += `${field & 0xfff8} ${(field & 1) === 0 ? '' : 'INCOMPLETE '}ID:${id} `;
      fragment ||= (field & 0xfff8) !== 0;
      size = 8;
    } else if (next === NEXT.esp) {
      return end(
        options ? securityText(packet, { at, fragment, name: 'ESP', header: 8, spi: 0, close: ')' }).text : '',
      );
    } else if (next === NEXT.ah) {
      size = (packet.u8(at + 1) + 2) * 4;
      const shown = securityText(packet, { at, fragment, name: 'AH', header: 12, spi: 4, close: '' });
      if (options && shown.broken) return end(shown.text);
      if (options) text += shown.text;
    } else if (fragment) {
      return end(options ? ')' : '');
    }
    if (options) text += ') ';
    next = packet.u8(at);
    at += size;
  }
  return { text, ended: false, at, next, fragment };
}

interface Security {
  readonly at: number;
  readonly fragment: boolean;
  readonly name: string;
  /** Bytes of the header, and the place of the SPI in it. */
  readonly header: number;
  readonly spi: number;
  readonly close: string;
}

function securityText(packet: PacketReader, { at, fragment, name, header, spi, close }: Security): HeaderText {
  if (fragment) return { text: `${name} )`, broken: true };
  if (!packet.has(at, header)) return { text: `${name} ${incomplete(packet, at)})`, broken: true };
  return { text: `${name} SPI=0x${packet.u32(at + spi).toString(16)} ${close}`, broken: false };
}

interface Place {
  readonly at: number;
  readonly next: number;
  readonly fragment: boolean;
  readonly quoted: boolean;
}

function transportText(packet: PacketReader, event: LogEvent, place: Place): HeaderText {
  const { at, next, fragment } = place;
  switch (next) {
    case NEXT.tcp:
      return tcpText(packet, at, fragment, event.rule.flags);
    case NEXT.udp:
    case NEXT.udplite:
      return udpText(packet, at, fragment, next);
    case NEXT.icmp:
      return icmpText(packet, event, place);
    default:
      return { text: `PROTO=${next} `, broken: false };
  }
}

const TYPE = { unreachable: 1, tooBig: 2, exceeded: 3, parameter: 4, request: 128, reply: 129 } as const;

function icmpText(packet: PacketReader, event: LogEvent, { at, fragment, quoted }: Place): HeaderText {
  const name = 'PROTO=ICMPv6 ';
  if (fragment) return { text: name, broken: false };
  if (!packet.has(at, ICMP_HEADER)) return { text: name + incomplete(packet, at), broken: true };
  const type = packet.u8(at);
  const kind = `${name}TYPE=${type} CODE=${packet.u8(at + 1)} `;
  const on = (text: string): HeaderText => ({ text: kind + text, broken: false });
  const quote = (): string => (quoted ? '' : `[${ipv6Text(packet, event, at + ICMP_HEADER, true)}] `);
  switch (type) {
    case TYPE.request:
    case TYPE.reply:
      return on(`ID=${packet.u16(at + 4)} SEQ=${packet.u16(at + 6)} `);
    case TYPE.parameter:
      return on(
        `POINTER=${packet
          .u32(at + 4)
          .toString(16)
          .padStart(8, '0')} ${quote()}`,
      );
    case TYPE.tooBig:
      return on(`${quote()}MTU=${packet.u32(at + 4)} `);
    case TYPE.unreachable:
    case TYPE.exceeded:
      return on(quote());
    default:
      return on('');
  }
}
