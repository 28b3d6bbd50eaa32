import type { PayloadTest } from '../../../grammar/model/payload.js';
import { fromBoolean, inRange, type PayloadAnswer } from './answer.js';
import { headerPointer, u16, type PayloadPacket } from './packet.js';

type Of<K extends PayloadTest['kind']> = Extract<PayloadTest, { kind: K }>;

const TCP_HEADER = 20;
const TCPOPT_MSS = 2;
const TCPOLEN_MSS = 4;

/** tcpmss_mt (net/netfilter/xt_tcpmss.c). It looks at later fragments as at whole packets. */
export function tcpMss({ size }: Of<'tcp-mss'>, packet: PayloadPacket): PayloadAnswer {
  const header = headerPointer(packet, packet.transport, TCP_HEADER);
  if (header === undefined) return 'hotdrop';
  const headerLength = (header[12] >> 4) * 4;
  if (headerLength < TCP_HEADER) return 'hotdrop';
  const options = headerPointer(packet, packet.transport + TCP_HEADER, headerLength - TCP_HEADER);
  if (options === undefined) return 'hotdrop';
  for (let i = 0; i < options.length;) {
    if (options[i] === TCPOPT_MSS && options.length - i >= TCPOLEN_MSS && options[i + 1] === TCPOLEN_MSS) {
      return fromBoolean(inRange(size, u16(options, i + 2)));
    }
    i += optionLength(options, i);
  }
  return fromBoolean(size.inverted);
}

/** Behind the last byte the kernel reads what lies there; the walk is over either way. */
function optionLength(options: Uint8Array, at: number): number {
  return options[at] < 2 ? 1 : (options[at + 1] ?? 0) || 1;
}

const ECE = 0x40;
const CWR = 0x80;

/** match_tcp (net/netfilter/xt_ecn.c). */
export function tcpEcn({ echo, reduced }: Of<'tcp-ecn'>, packet: PayloadPacket): PayloadAnswer {
  const header = headerPointer(packet, packet.transport, TCP_HEADER);
  if (header === undefined) return 'no';
  const isSet = (bit: number): boolean => (header[13] & bit) !== 0;
  if (echo !== undefined && isSet(ECE) !== echo) return 'no';
  if (reduced !== undefined && isSet(CWR) !== reduced) return 'no';
  return 'yes';
}

/** struct dccp_hdr without the extended sequence number. */
const DCCP_HEADER = 12;
const DCCP_EXTENDED = 4;

/** Bytes behind the generic header by packet type (include/linux/dccp.h dccp_packet_hdr_len; RFC 4340 section 5). */
function dccpTypeBytes(type: number): number {
  switch (type) {
    case 0: // REQUEST
      return 4;
    case 1: // RESPONSE
      return 12;
    case 2: // DATA
      return 0;
    case 3: // ACK
    case 4: // DATAACK
    case 5: // CLOSEREQ
    case 6: // CLOSE
    case 8: // SYNC
    case 9: // SYNCACK
      return 8;
    default: // RESET, and what is not assigned
      return 12;
  }
}

/** DCCHECK around dccp_find_option (net/netfilter/xt_dccp.c). */
export function dccpOption(test: Of<'dccp-option'>, packet: PayloadPacket): PayloadAnswer {
  const found = findDccpOption(test.option, packet);
  if (found === 'hotdrop') return test.inverted ? 'dropping' : 'hotdrop';
  return fromBoolean(found !== test.inverted);
}

function findDccpOption(option: number, packet: PayloadPacket): boolean | 'hotdrop' {
  const header = headerPointer(packet, packet.transport, DCCP_HEADER);
  if (header === undefined) return 'hotdrop';
  const extended = (header[8] & 1) === 0 ? 0 : DCCP_EXTENDED;
  const optionOffset = DCCP_HEADER + extended + dccpTypeBytes((header[8] >> 1) & 0x0f);
  const optionBytes = header[4] * 4 - optionOffset;
  if (optionBytes < 0) return 'hotdrop';
  if (optionBytes === 0) return false;
  const options = headerPointer(packet, packet.transport + optionOffset, optionBytes);
  if (options === undefined) return 'hotdrop';
  for (let i = 0; i < options.length; i += optionLength(options, i)) {
    if (options[i] === option) return true;
  }
  return false;
}
