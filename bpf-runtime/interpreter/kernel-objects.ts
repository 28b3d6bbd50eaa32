import { findMember } from '../../codegen/object/kernel-struct.js';
import type { KernelStruct } from '../../codegen/object/spec.js';
import { LoadError } from './fault.js';
import type { Memory } from './memory.js';

/** What a place in a kernel object holds. */
export type KernelValue =
  /** Little endian. */
  | { readonly kind: 'number'; readonly bytes: 1 | 2 | 4 | 8; readonly value: number | bigint }
  /** Text, the rest of the place zero. */
  | { readonly kind: 'chars'; readonly value: string }
  /** The address of another object, or of a place in it. */
  | { readonly kind: 'pointer'; readonly to: string; readonly offset?: number };

/** A piece of the kernel's memory that a program may read, e.g. a struct net_device. Other bytes are 0. */
export interface KernelObject {
  readonly name: string;
  readonly bytes: number;
  readonly values: readonly { readonly offset: number; readonly value: KernelValue }[];
}

export interface KernelAddress {
  readonly low: number;
  readonly high: number;
}

/** Puts the objects into memory, read only. Throws {@link LoadError} `bad-kernel-object`. */
export function mapKernelObjects(memory: Memory, objects: readonly KernelObject[]): ReadonlyMap<string, KernelAddress> {
  const placed = objects.map((object) => {
    const view = new DataView(new ArrayBuffer(object.bytes));
    return { object, view, high: memory.map(view, 0, object.bytes, `kernel object ${object.name}`, 'read') };
  });
  const addresses = new Map(placed.map(({ object, high }) => [object.name, { low: 0, high }]));
  for (const { object, view } of placed) {
    for (const { offset, value } of object.values) writeValue(object, view, offset, value, addresses);
  }
  return addresses;
}

function writeValue(
  object: KernelObject,
  view: DataView,
  offset: number,
  value: KernelValue,
  addresses: ReadonlyMap<string, KernelAddress>,
): void {
  const bytes = value.kind === 'chars' ? value.value.length : value.kind === 'number' ? value.bytes : 8;
  if (offset < 0 || offset + bytes > object.bytes) {
    throw new LoadError('bad-kernel-object', `${object.name} has no ${bytes} bytes at ${offset}`);
  }
  switch (value.kind) {
    case 'number':
      for (let i = 0; i < bytes; i++) {
        view.setUint8(offset + i, Number((BigInt(value.value) >> BigInt(8 * i)) & 0xffn));
      }
      return;
    case 'chars':
      for (let i = 0; i < bytes; i++) view.setUint8(offset + i, value.value.charCodeAt(i));
      return;
    case 'pointer': {
      const target = addresses.get(value.to);
      if (target === undefined) throw new LoadError('bad-kernel-object', `${object.name} points to no ${value.to}`);
      view.setInt32(offset, target.low + (value.offset ?? 0), true);
      view.setInt32(offset + 4, target.high, true);
    }
  }
}

/** Values of a struct's members by their names (`nd_net.net`), at the offsets of the spec's layout. */
export function structObject(
  structs: readonly KernelStruct[],
  struct: string,
  name: string,
  members: Readonly<Record<string, KernelValue>>,
): KernelObject {
  const byName = new Map(structs.map((candidate) => [candidate.name, candidate]));
  const bytes = byName.get(struct)?.bytes;
  if (bytes === undefined) throw new LoadError('bad-kernel-object', `the object has no layout of struct ${struct}`);
  const values = Object.entries(members).map(([member, value]) => ({
    offset: findMember(byName, struct, member).offset,
    value,
  }));
  return { name, bytes, values };
}
