/** What lines of the kernel's log say of transport headers, and of the packet as a whole (net/netfilter/nf_log_syslog.c). */
import type { LogEvent } from './decode.js';
import { LOG_FLAG } from './log-flags.js';
import type { PacketReader } from './packet-reader.js';

/** Text, and whether nothing follows: the header is not there. */
export interface HeaderText {
  readonly text: string;
  readonly broken: boolean;
}

export function incomplete(packet: PacketReader, at: number): string {
  return `INCOMPLETE [${(packet.length - at) >>> 0} bytes] `;
}

const TCP_HEADER = 20;
/** Of the fourth word of the header, in the order in which the kernel names them. */
const TCP_FLAGS: readonly (readonly [name: string, bit: number])[] = [
  ['AE', 0x100],
  ['CWR', 0x80],
  ['ECE', 0x40],
  ['URG', 0x20],
  ['ACK', 0x10],
  ['PSH', 0x08],
  ['RST', 0x04],
  ['SYN', 0x02],
  ['FIN', 0x01],
];
/** TCP_RESERVED_BITS, which AE is not one of any more. */
const RESERVED = 0x0e00;

/** nf_log_dump_tcp_header. */
export function tcpText(packet: PacketReader, at: number, fragment: boolean, flags: number): HeaderText {
  const whole = (text: string): HeaderText => ({ text: `PROTO=TCP ${text}`, broken: false });
  const cut = (text: string): HeaderText => ({ text: `PROTO=TCP ${text}`, broken: true });
  if (fragment) return whole('');
  if (!packet.has(at, TCP_HEADER)) return cut(incomplete(packet, at));
  const word = packet.u16(at + 12);
  const sequence = (flags & LOG_FLAG.tcpSequence) === 0 ? '' : `SEQ=${packet.u32(at + 4)} ACK=${packet.u32(at + 8)} `;
  const reserved = ((word & RESERVED) >> 6).toString(16).padStart(2, '0');
  const names = TCP_FLAGS.filter(([, bit]) => (word & bit) !== 0).map(([name]) => `${name} `);
  const text = [
    `SPT=${packet.u16(at)} DPT=${packet.u16(at + 2)} ${sequence}WINDOW=${packet.u16(at + 14)} RES=0x${reserved} `,
    ...names,
    `URGP=${packet.u16(at + 18)} `,
  ].join('');
  const options = (word >> 12) * 4 - TCP_HEADER;
  if ((flags & LOG_FLAG.tcpOptions) === 0 || options <= 0) return whole(text);
  if (!packet.has(at + TCP_HEADER, options)) return cut(`${text}OPT (TRUNCATED)`);
  return whole(`${text}OPT (${packet.hex(at + TCP_HEADER, options)}) `);
}

const UDP = 17;
const UDP_HEADER = 8;

/** nf_log_dump_udp_header. */
export function udpText(packet: PacketReader, at: number, fragment: boolean, protocol: number): HeaderText {
  const name = `PROTO=${protocol === UDP ? 'UDP' : 'UDPLITE'} `;
  if (fragment) return { text: name, broken: false };
  if (!packet.has(at, UDP_HEADER)) return { text: name + incomplete(packet, at), broken: true };
  const [source, destination, length] = [0, 2, 4].map((offset) => packet.u16(at + offset));
  return { text: `${name}SPT=${source} DPT=${destination} LEN=${length} `, broken: false };
}

/** What stands at the end of a line: nf_log_dump_sk_uid_gid, and the mark. */
export function endText({ rule, owner, mark }: LogEvent): string {
  const uid = (rule.flags & LOG_FLAG.uid) === 0 || owner === undefined ? '' : `UID=${owner.user} GID=${owner.group} `;
  return uid + (mark === 0 ? '' : `MARK=0x${mark.toString(16)} `);
}
