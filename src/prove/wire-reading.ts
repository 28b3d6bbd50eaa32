import type { BuiltinChain } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import { FALSE, TRUE, type Ref } from './bdd.js';
import { transportNeed, whereReadable } from './flow.js';
import { FRAME_LENGTH, networkOffset, TOTAL_LENGTH, type Frame } from './frame.js';
import { unsupported } from './unprovable.js';
import type { Variables } from './variables.js';
import { CONTEXT, deviceName } from './wire-world.js';
import { bitAt, constantBits, slice, trim, type Bits, type Words } from './words.js';

/** What the reference reads of an IPv4 frame on the wire, as src/evaluate/read-fields.ts does. */
export interface WireReading {
  readonly words: Words;
  readonly variables: Variables;
  readonly frame: Frame;
  readonly hook: 'xdp' | 'tc';
  readonly chain: BuiltinChain;
}

/** `skb->len`: what a matched rule counts. */
export function countedLength({ variables }: WireReading): Bits {
  return variables.word(TOTAL_LENGTH, 16);
}

/** Bytes from the transport header on. */
export function transportLength(reading: WireReading): Bits {
  const { words, frame } = reading;
  return words.subtract(countedLength(reading), constantBits(BigInt(frame.shape.header)), 16);
}

/** The value of a field of an IPv4 frame; `wanted`: transport fields are 0 unless so many bytes are there. */
export function readField(reading: WireReading, field: Field, wanted = transportNeed(field)): Bits {
  const bits = rawField(reading, field);
  return wanted === undefined || transportNeed(field) === undefined
    ? bits
    : whereReadable(reading.words, bits, transportLength(reading), wanted);
}

function rawField(reading: WireReading, field: Field): Bits {
  const { words, frame, variables, hook, chain } = reading;
  switch (field) {
    case 'saddr':
      return frame.ip(12, 4);
    case 'daddr':
      return frame.ip(16, 4);
    case 'proto':
      return frame.ip(9);
    case 'l4found':
      return [TRUE];
    case 'fragoff':
      return slice(frame.ip(6, 2), 0, 13);
    case 'tos':
      return frame.ip(1);
    case 'ttl':
      return chain === 'FORWARD' ? words.subtract(frame.ip(8), [TRUE], 8) : frame.ip(8);
    case 'length':
      return countedLength(reading);
    case 'l4len':
      return transportLength(reading);
    case 'sport':
      return frame.transport(0, 2);
    case 'dport':
    case 'ipcomp.cpi':
      return frame.transport(2, 2);
    case 'tcp.flags':
      return frame.transport(13);
    case 'tcp.doff':
      return slice(frame.transport(12), 4, 4);
    case 'tcp.whole':
      return [wholeHeader(reading)];
    case 'icmp.type':
    case 'mh.next':
      return frame.transport(0);
    case 'icmp.code':
      return frame.transport(1);
    case 'mh.type':
      return frame.transport(2);
    case 'esp.spi':
      return frame.transport(0, 4);
    case 'ah.spi':
      return frame.transport(4, 4);
    case 'dccp.type':
      return slice(frame.transport(8), 1, 4);
    case 'mark':
      return hook === 'tc' ? variables.word(CONTEXT.mark, 32) : [];
    case 'iif':
      return chain === 'OUTPUT' ? [] : interfaceNumber(words, deviceName(variables, 'device'));
    case 'oif':
      return chain === 'OUTPUT' ? interfaceNumber(words, deviceName(variables, 'device')) : [];
    case 'pkttype':
      return packetType(reading);
    case 'mac.src':
      return chain === 'OUTPUT' ? [] : frame.number(6, 6);
    case 'mac.ether':
      return chain === 'OUTPUT'
        ? []
        : trim([words.bdd.xor(isLoopback(reading), TRUE) === FALSE ? TRUE : isLoopback(reading) ^ 1]);
    case 'tcp.options':
      throw unsupported('--tcp-option');
  }
}

/** The header says how long it is (0 where that byte is missing), and so much is there. */
function wholeHeader(reading: WireReading): Ref {
  const { words, frame } = reading;
  const length = transportLength(reading);
  const offset = whereReadable(words, slice(frame.transport(12), 4, 4), length, 13);
  return words.bdd.and(TRUE, words.below(length, words.shiftLeft(offset, 2, 16)) ^ 1);
}

/** eth_skb_pkt_type of the frame at XDP; what the kernel has found at tc. */
function packetType({ words, frame, variables, hook, chain }: WireReading): Bits {
  if (chain === 'OUTPUT') return [];
  if (hook === 'tc') return variables.word(CONTEXT.packetType, 3);
  const destination = frame.number(0, 6);
  const broadcast = words.equal(destination, constantBits(0xffffffffffffn));
  const group = bitAt(frame.byte(0), 0);
  return trim([broadcast, words.bdd.without(group, broadcast)]);
}

export function isLoopback({ words, variables }: WireReading): Ref {
  return words.equal(variables.word(CONTEXT.ifindex, 32), [TRUE]);
}

/** A device's name as a number: what stands behind the first NUL does not count. */
export function interfaceNumber(words: Words, name: Bits): Bits {
  const out: Ref[] = new Array<Ref>(128).fill(FALSE);
  let before: Ref = TRUE;
  for (let byte = 0; byte < 16; byte++) {
    const bits = name.slice(byte * 8, byte * 8 + 8);
    bits.forEach((bit, i) => (out[(15 - byte) * 8 + i] = words.bdd.and(before, bit)));
    before = words.bdd.and(before, words.bdd.anyOf(bits));
  }
  return trim(out);
}

/** Where the frame ends, from the IP header. */
export function networkBytes({ words, frame, variables }: WireReading): Bits {
  return words.subtract(variables.word(FRAME_LENGTH, 16), constantBits(BigInt(networkOffset(frame.shape))), 17);
}
