import type { Family } from '../../grammar/model/family.js';
import { printAddress } from '../../grammar/modules/value/address.js';
import { ETHERTYPE, readLink } from '../packet/index.js';
import { chainOfPacket, type SequencePacket } from './netfilter-machine.js';
import { assumedAddressType } from './reference.js';

/**
 * What a host has to call its own, for rules that ask whether an address is: the destinations of the packets for INPUT,
 * as prefixes of one address. Packets for other chains with such a destination are left out: they would come to INPUT.
 */
export function settleLocal(
  packets: readonly SequencePacket[],
  family: Family,
): { readonly packets: readonly SequencePacket[]; readonly local: readonly string[] } {
  const own = new Set<bigint>();
  for (const packet of packets) {
    const destination = chainOfPacket(packet) === 'INPUT' ? destinationOf(packet, family) : undefined;
    if (destination !== undefined && assumedAddressType(family, destination) === 'LOCAL') own.add(destination);
  }
  const stays = (packet: SequencePacket): boolean => {
    const destination = chainOfPacket(packet) === 'INPUT' ? undefined : destinationOf(packet, family);
    return destination === undefined || !(own.has(destination) || isLoopback(destination, family));
  };
  const bits = family === 'v4' ? 32 : 128;
  return {
    packets: packets.filter(stays),
    local: [...own].map((address) => `${printAddress(address, family)}/${bits}`),
  };
}

function destinationOf(packet: SequencePacket, family: Family): bigint | undefined {
  const link = readLink(packet.frame);
  const [from, to] = family === 'v4' ? [16, 20] : [24, 40];
  if (link?.etherType !== (family === 'v4' ? ETHERTYPE.IPV4 : ETHERTYPE.IPV6)) return undefined;
  if (packet.frame.length < link.network + to) return undefined;
  const bytes = packet.frame.subarray(link.network + from, link.network + to);
  return bytes.reduce((address, byte) => (address << 8n) | BigInt(byte), 0n);
}

/** 127.0.0.0/8 and ::1 are every host's own. */
function isLoopback(address: bigint, family: Family): boolean {
  return family === 'v4' ? address >> 24n === 127n : address === 1n;
}
