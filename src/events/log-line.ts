import type { Family } from '../../grammar/model/family.js';
import type { LogEvent } from './decode.js';
import { hexByte, PacketReader } from './packet-reader.js';
import { LOG_FLAG } from './log-flags.js';
import { ipv4Text } from './log-ipv4.js';
import { ipv6Text } from './log-ipv6.js';

/**
 * The line that LOG writes to the kernel's log for a packet, without what the log puts in front of it:
 * nf_log_ip_packet and nf_log_ip6_packet (net/netfilter/nf_log_syslog.c, Linux 6.18). It ends in a blank, as there.
 */
export function logLine(event: LogEvent, family: Family): string {
  const { rule, input, output } = event;
  const packet = new PacketReader(event.packet, event.length);
  const devices = `IN=${input} OUT=${output} `;
  const body = family === 'v4' ? ipv4Text(packet, event) : ipv6Text(packet, event);
  return rule.prefix + devices + (input === '' ? '' : linkText(event)) + body;
}

/** dump_mac_header. */
function linkText({ rule, link }: LogEvent): string {
  if ((rule.flags & LOG_FLAG.macDecode) !== 0 && link?.ethernet === true && link.bytes.length >= 14) {
    const [to, from] = [0, 6].map((at) => macText(link.bytes.subarray(at, at + 6)));
    return `MACSRC=${from} MACDST=${to} MACPROTO=${macText(link.bytes.subarray(12, 14)).replace(':', '')} `;
  }
  return `MAC=${link === undefined ? '' : macText(link.bytes)} `;
}

const macText = (bytes: Uint8Array): string => [...bytes].map(hexByte).join(':');
