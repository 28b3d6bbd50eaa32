import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import type { Packet } from '../../../grammar/model/packet.js';
import type { PayloadTest } from '../../../grammar/model/payload.js';
import type { PayloadAnswer } from './answer.js';
import { authentication, eui64, fragment, headers, options, routing, segmentRouting } from './ipv6.js';
import { payloadPacket, type PayloadPacket } from './packet.js';
import { sctpChunks } from './sctp.js';
import { string } from './string.js';
import { dccpOption, tcpEcn, tcpMss } from './transport.js';
import { u32 } from './u32.js';
import { classicBpf } from './classic-bpf.js';

export type { PayloadAnswer } from './answer.js';
export { type PayloadPacket } from './packet.js';

export type PayloadReader = (test: PayloadTest) => PayloadAnswer;

/** Answers about one packet, which is looked at when the first of them is asked for. */
export function payloadReader(packet: Packet, family: Family, hook: BuiltinChain): PayloadReader {
  let seen: PayloadPacket | undefined;
  return (test) => answerPayload(test, (seen ??= payloadPacket(packet, family, hook)));
}

/** What the kernel's match answers about the packet. */
export function answerPayload(test: PayloadTest, packet: PayloadPacket): PayloadAnswer {
  switch (test.kind) {
    case 'sctp-chunks':
      return sctpChunks(test, packet);
    case 'dccp-option':
      return dccpOption(test, packet);
    case 'tcp-mss':
      return tcpMss(test, packet);
    case 'tcp-ecn':
      return tcpEcn(test, packet);
    case 'ah':
      return authentication(test, packet);
    case 'frag':
      return fragment(test, packet);
    case 'rt':
      return routing(test, packet);
    case 'options':
      return options(test, packet);
    case 'headers':
      return headers(test, packet);
    case 'srh':
      return segmentRouting(test, packet);
    case 'eui64':
      return eui64(packet);
    case 'u32':
      return u32(test, packet);
    case 'string':
      return string(test, packet);
    case 'classic-bpf':
      return classicBpf(test, packet);
  }
}
