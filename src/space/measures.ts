import type { Family } from '../../grammar/model/family.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';

/**
 * What a packet is measured by: numbers that can be chosen freely of each other, from which all fields follow. Fields
 * that read the same bytes (source port, ICMP type, …) share a measure.
 */
export type Measure =
  | Exclude<Field, TransportField | 'l4len' | 'length' | 'tcp.whole' | 'tcp.options' | 'mac.ether'>
  /** Bytes from the transport header on (IPv6: where one is found in a packet that is no later fragment). */
  | 'l4len'
  /** IPv4: 32-bit words of the IP header. */
  | 'ihl'
  /** IPv6: bytes of the packet. */
  | 'length'
  /** Bytes 0–3, 4–7, 8 and 12–13 from the transport header on. */
  | 'l4.0'
  | 'l4.4'
  | 'l4.8'
  | 'l4.12';

/** Fields that are read from fixed bytes behind the transport header's start. */
export type TransportField =
  | 'sport'
  | 'dport'
  | 'tcp.flags'
  | 'tcp.doff'
  | 'icmp.type'
  | 'icmp.code'
  | 'esp.spi'
  | 'ah.spi'
  | 'ipcomp.cpi'
  | 'dccp.type'
  | 'mh.next'
  | 'mh.type';

/** Where a field stands in a measure. */
export interface FieldPlace {
  readonly measure: Measure;
  /** Bits below the field. */
  readonly shift: number;
  readonly bits: number;
  /** Bytes from the transport header on that must be there; the field reads 0 if they are not. */
  readonly needs: number;
}

const TRANSPORT: Readonly<Record<TransportField, FieldPlace>> = {
  sport: { measure: 'l4.0', shift: 16, bits: 16, needs: 2 },
  dport: { measure: 'l4.0', shift: 0, bits: 16, needs: 4 },
  'icmp.type': { measure: 'l4.0', shift: 24, bits: 8, needs: 1 },
  'icmp.code': { measure: 'l4.0', shift: 16, bits: 8, needs: 2 },
  'mh.next': { measure: 'l4.0', shift: 24, bits: 8, needs: 1 },
  'mh.type': { measure: 'l4.0', shift: 8, bits: 8, needs: 3 },
  'esp.spi': { measure: 'l4.0', shift: 0, bits: 32, needs: 4 },
  'ipcomp.cpi': { measure: 'l4.0', shift: 0, bits: 16, needs: 4 },
  'ah.spi': { measure: 'l4.4', shift: 0, bits: 32, needs: 8 },
  'dccp.type': { measure: 'l4.8', shift: 1, bits: 4, needs: 9 },
  'tcp.doff': { measure: 'l4.12', shift: 12, bits: 4, needs: 13 },
  'tcp.flags': { measure: 'l4.12', shift: 0, bits: 8, needs: 14 },
};

/** Fields of one byte in the first word: they are tested by ranges of the half that they lie in. */
export function isByteOfFirstWord(field: Field): field is 'icmp.type' | 'icmp.code' | 'mh.next' | 'mh.type' {
  return field === 'icmp.type' || field === 'icmp.code' || field === 'mh.next' || field === 'mh.type';
}

export function isTransportField(field: Field): field is TransportField {
  return field in TRANSPORT;
}

export function transportPlace(field: TransportField): FieldPlace {
  return TRANSPORT[field];
}

export function measureBits(measure: Measure, family: Family): number {
  switch (measure) {
    case 'l4.0':
    case 'l4.4':
      return 32;
    case 'l4.12':
      return 16;
    case 'l4.8':
      return 8;
    case 'ihl':
      return 4;
    case 'fragoff':
      // In units of 8 bytes, as the header has it; the field counts bytes in IPv6.
      return 13;
    case 'iif':
    case 'oif':
    case 'saddr':
    case 'daddr':
    case 'proto':
    case 'l4found':
    case 'l4len':
    case 'tos':
    case 'ttl':
    case 'length':
    case 'pkttype':
    case 'mac.src':
    case 'mark':
      return fieldBits(measure, family);
  }
}

/** The order in which measures are tested: what splits rules into unlike groups first. */
export const MEASURE_ORDER: readonly Measure[] = [
  'iif',
  'oif',
  'l4found',
  'proto',
  'fragoff',
  'l4len',
  'daddr',
  'saddr',
  'l4.0',
  'l4.12',
  'l4.4',
  'l4.8',
  'tos',
  'ttl',
  'ihl',
  'length',
  'pkttype',
  'mac.src',
  'mark',
];
