import { type BuiltinChain, isLeaving } from '../../grammar/model/family.js';
import type { Family } from '../../grammar/model/family.js';
import { not, TRUE, type Ref } from './bdd.js';
import { transportNeed, type Known } from './flow.js';
import { interfaceNumber, isBeside, readPacketField } from './ip-reading.js';
import { FRAME_LENGTH, HOP_BY_HOP, networkOffset, TOTAL_LENGTH, type Frame } from './frame.js';
import { unsupported } from './unprovable.js';
import type { Variables } from './variables.js';
import { connectionState } from './connection.js';
import { CONTEXT, deviceName } from './wire-world.js';
import { bitAt, constantBits, trim, type Bits, type Words } from './words.js';

/** What the reference reads of a frame on the wire, as src/evaluate/read-fields.ts does. */
export interface WireReading {
  readonly words: Words;
  readonly variables: Variables;
  readonly frame: Frame;
  readonly hook: 'xdp' | 'tc';
  readonly family: Family;
  readonly chain: BuiltinChain;
}

/** BPF_FIB_LKUP_RET_* (include/uapi/linux/bpf.h). */
export const FIB = { SUCCESS: 0n, NOT_FWDED: 4n, FWD_DISABLED: 5n } as const;

const IPV6_HEADER = 40n;

/**
 * `skb->len` at the chain: what a matched rule counts. ip_rcv_core and ip6_rcv_core trim packets to the length that they
 * say, but for an IPv6 payload length of 0 in front of a hop-by-hop header, and for IPv6 that leaves.
 */
export function countedLength(reading: WireReading): Bits {
  const { words, variables, family, chain, frame } = reading;
  const said = variables.word(TOTAL_LENGTH, 16);
  if (family === 'v4') return said;
  if (isLeaving(chain)) return thereBytes(reading);
  const length = words.add(said, constantBits(IPV6_HEADER), 17);
  if (frame.shape.extensions?.at(0)?.kind !== HOP_BY_HOP) return length;
  return words.choose(words.equal(said, []), thereBytes(reading), length);
}

/** Bytes from the IP header to the end of the packet as it arrived. */
export function thereBytes(reading: WireReading): Bits {
  const { words, frame, variables, hook } = reading;
  if (hook === 'xdp') return networkBytes(reading);
  return words.subtract(variables.word(CONTEXT.skbLength, 16), constantBits(BigInt(networkOffset(frame.shape))), 17);
}

/** The value of a field of a frame; `wanted`: transport fields are 0 unless so many bytes are there. */
export function readField(reading: WireReading, field: Known, wanted = transportNeed(field)): Bits {
  const { words, frame, variables, hook, chain, family } = reading;
  if (!isBeside(field)) return readPacketField({ words, frame, family, length: countedLength(reading) }, field, wanted);
  switch (field) {
    case 'ttl': {
      const ttl = frame.ip(family === 'v4' ? 8 : 7);
      return chain === 'FORWARD' ? words.subtract(ttl, [TRUE], 8) : ttl;
    }
    case 'mark':
      return hook === 'tc' ? variables.word(CONTEXT.mark, 32) : [];
    case 'iif':
      return isLeaving(chain) ? [] : interfaceNumber(words, deviceName(variables, 'device'));
    case 'oif':
      return isLeaving(chain) ? interfaceNumber(words, deviceName(variables, 'device')) : [];
    case 'pkttype':
      return packetType(reading);
    case 'mac.src':
      return isLeaving(chain) ? [] : frame.number(6, 6);
    case 'mac.ether':
      return isLeaving(chain) ? [] : trim([not(isLoopback(reading))]);
    case 'connection state':
      return connectionState(words, variables);
    case 'route type':
    case 'socket':
    case 'socket user':
    case 'socket group':
    case 'answers':
      throw unsupported(`${field} on the wire`);
  }
}

/** eth_skb_pkt_type of the frame at XDP; what the kernel has found at tc. */
function packetType({ words, frame, variables, hook, chain }: WireReading): Bits {
  if (isLeaving(chain)) return [];
  if (hook === 'tc') return variables.word(CONTEXT.packetType, 3);
  const destination = frame.number(0, 6);
  const broadcast = words.equal(destination, constantBits(0xffffffffffffn));
  const group = bitAt(frame.byte(0), 0);
  return trim([broadcast, words.bdd.without(group, broadcast)]);
}

export function isLoopback({ words, variables }: WireReading): Ref {
  return words.equal(variables.word(CONTEXT.ifindex, 32), [TRUE]);
}

/** Where the frame ends, from the IP header. */
function networkBytes({ words, frame, variables }: WireReading): Bits {
  return words.subtract(variables.word(FRAME_LENGTH, 16), constantBits(BigInt(networkOffset(frame.shape))), 17);
}
