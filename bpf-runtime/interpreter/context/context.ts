import { Fault } from '../fault.js';
import type { ContextFields } from '../memory.js';
import type { Packet } from '../packet.js';
import type { ContextField, ContextLayout } from './layout.js';

/** Values of a context's fields by their UAPI names; undefined is as if not named. */
export type ContextValues = Readonly<Record<string, number | bigint | undefined>>;

/** A context struct as the program sees it: rewritten by the kernel field by field, so each access must fit one. */
export class Context implements ContextFields {
  low = 0;
  high = 0;
  /** High half of the socket's address; 0 for none. */
  socketHigh = 0;
  private readonly values: DataView;
  /** The field that each byte of the struct belongs to. */
  private readonly byOffset: readonly (ContextField | undefined)[];
  private readonly writable: readonly ContextField[];
  private readonly byName: ReadonlyMap<string, ContextField>;

  constructor(
    private readonly layout: ContextLayout,
    private readonly packet: Packet,
  ) {
    this.values = new DataView(new ArrayBuffer(layout.bytes));
    const byOffset: (ContextField | undefined)[] = Array.from({ length: layout.bytes });
    for (const field of layout.fields) byOffset.fill(field, field.offset, field.offset + field.bytes);
    this.byOffset = byOffset;
    this.writable = layout.fields.filter((field) => field.writable === true);
    this.byName = new Map(layout.fields.map((field) => [field.name, field]));
  }

  /** Sets all fields, those not named to 0. Throws a RangeError for a name that the struct has not. */
  reset(values: ContextValues, socketHigh: number): void {
    for (let at = 0; at + 4 <= this.layout.bytes; at += 4) this.values.setInt32(at, 0, true);
    for (const name in values) {
      const value = values[name];
      if (value === undefined) continue;
      const field = this.byName.get(name);
      if (field?.kind !== 'value') throw new RangeError(`${this.layout.struct} has no field ${name} to set`);
      this.setValue(field, value);
    }
    this.socketHigh = socketHigh;
  }

  private setValue({ offset, bytes }: ContextField, value: number | bigint): void {
    switch (bytes) {
      case 1:
        return this.values.setUint8(offset, Number(value));
      case 4:
        return this.values.setUint32(offset, Number(value), true);
      case 8:
        return this.values.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    }
  }

  /** A field that the kernel works out where the user gave none. */
  setDefault(name: string, given: ContextValues, value: number): void {
    const field = this.byName.get(name);
    if (field !== undefined && given[name] === undefined) this.setValue(field, value);
  }

  /** The 32-bit value of a field, as a helper uses it. */
  value32(name: string): number {
    const field = this.byName.get(name);
    return field === undefined ? 0 : this.values.getUint32(field.offset, true);
  }

  /** The fields that the program may have written. */
  written(): Record<string, number | bigint> {
    const out: Record<string, number | bigint> = {};
    for (const { name, offset, bytes } of this.writable) {
      out[name] = bytes === 8 ? this.values.getBigUint64(offset, true) : this.values.getUint32(offset, true);
    }
    return out;
  }

  load(offset: number, size: number, signExtend: boolean): void {
    const field = this.fieldOf(offset, size);
    switch (field.kind) {
      case 'value':
        return this.loadValue(field, offset, size, signExtend);
      case 'length':
        this.values.setUint32(field.offset, this.packet.length, true);
        return this.loadValue(field, offset, size, signExtend);
      case 'data':
        return this.loadPointer(offset, size, signExtend, this.packet.start - this.packet.metaStart);
      case 'data_end':
        return this.loadPointer(offset, size, signExtend, this.packet.visibleEnd - this.packet.metaStart);
      case 'data_meta':
        return this.loadPointer(offset, size, signExtend, 0);
      case 'socket':
        if (size !== 8) throw this.misfit('read', offset, size);
        this.low = 0;
        this.high = this.socketHigh;
    }
  }

  private loadPointer(offset: number, size: number, signExtend: boolean, low: number): void {
    if (size !== 4 || signExtend) throw this.misfit('read', offset, size);
    this.low = low;
    this.high = this.packet.high;
  }

  private loadValue(field: ContextField, offset: number, size: number, signExtend: boolean): void {
    if (size !== field.bytes && !this.layout.narrow) throw this.misfit('read', offset, size);
    this.low = this.readLow(offset, size, signExtend);
    this.high = size === 8 ? this.values.getInt32(offset + 4, true) : signExtend ? this.low >> 31 : 0;
  }

  private readLow(offset: number, size: number, signExtend: boolean): number {
    switch (size) {
      case 1:
        return signExtend ? this.values.getInt8(offset) : this.values.getUint8(offset);
      case 2:
        return signExtend ? this.values.getInt16(offset, true) : this.values.getUint16(offset, true);
      default:
        return this.values.getInt32(offset, true);
    }
  }

  /** A field takes whole values only; the control block takes any part. */
  store(offset: number, size: number, low: number, high: number): void {
    const field = this.fieldOf(offset, size);
    if (field.writable !== true) throw new Fault('read-only', `${this.layout.struct}.${field.name} cannot be written`);
    if (size !== field.bytes && !field.name.startsWith('cb')) throw this.misfit('write', offset, size);
    switch (size) {
      case 1:
        return this.values.setInt8(offset, low);
      case 2:
        return this.values.setInt16(offset, low, true);
      case 4:
        return this.values.setInt32(offset, low, true);
      default:
        this.values.setInt32(offset, low, true);
        this.values.setInt32(offset + 4, high, true);
    }
  }

  private fieldOf(offset: number, size: number): ContextField {
    const first = this.byOffset[offset];
    const last = this.byOffset[offset + size - 1];
    const isControlBlock = first?.name.startsWith('cb') === true && last?.name.startsWith('cb') === true;
    if (first === undefined || offset % size !== 0 || (first !== last && !isControlBlock)) {
      throw this.misfit('access', offset, size);
    }
    return first;
  }

  private misfit(what: string, offset: number, size: number): Fault {
    return new Fault('bad-width', `${what} of ${size} bytes at offset ${offset} of ${this.layout.struct}`);
  }
}
