import type { Field } from '../../../grammar/model/fields.js';
import { alu32, load, R1, toBigEndian, type AccessSize } from '../../bytecode/instruction.js';
import type { Code } from '../code.js';

/** A number at a fixed place in some transport header. */
export interface TransportField {
  readonly field: Field;
  /** From the transport header. */
  readonly offset: number;
  readonly bytes: Exclude<AccessSize, 8>;
  /** Bits below it in its last byte, and its own bits. */
  readonly bits?: { readonly shift: number; readonly mask: number };
}

/** Those of all protocols, by what must be there of the header. */
const TRANSPORT_FIELDS: readonly TransportField[] = [
  { field: 'sport', offset: 0, bytes: 2 },
  { field: 'dport', offset: 2, bytes: 2 },
  { field: 'icmp.type', offset: 0, bytes: 1 },
  { field: 'icmp.code', offset: 1, bytes: 1 },
  { field: 'esp.spi', offset: 0, bytes: 4 },
  { field: 'ipcomp.cpi', offset: 2, bytes: 2 },
  { field: 'mh.next', offset: 0, bytes: 1 },
  { field: 'mh.type', offset: 2, bytes: 1 },
  { field: 'ah.spi', offset: 4, bytes: 4 },
  { field: 'dccp.type', offset: 8, bytes: 1, bits: { shift: 1, mask: 15 } },
];

/** Bytes of the header that one of the fields is read behind: no header of these protocols is shorter. */
export const LEAST_HEADER = 4;

/** The fields that rules use, in groups by the bytes of the header that must be there. */
export function transportFields(used: ReadonlySet<Field>): readonly (readonly [number, readonly TransportField[]])[] {
  const groups = new Map<number, TransportField[]>();
  for (const one of TRANSPORT_FIELDS) {
    if (!used.has(one.field)) continue;
    const end = Math.max(LEAST_HEADER, one.offset + one.bytes);
    groups.set(end, [...(groups.get(end) ?? []), one]);
  }
  return [...groups].sort(([a], [b]) => a - b);
}

/** r1 = the field, of a header at a register. */
export function emitTransportField(code: Code, { offset, bytes, bits }: TransportField, header: number, at = 0): void {
  code.emit(load(bytes, R1, header, at + offset));
  if (bytes > 1) code.emit(toBigEndian(R1, bytes === 2 ? 16 : 32));
  if (bits !== undefined) code.emit(alu32('rsh', R1, bits.shift), alu32('and', R1, bits.mask));
}
