import { addressOf } from './libc.js';

/** Memory that system calls read and write, with its address. Little or big endian as the caller says in `view`. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
  /** What the pointers in it point to, by their offset: it lives as long as this does (see {@link setPointer}). */
  readonly pointees: Map<number, Memory>;
}

/** `size` zero bytes that never move (at least 1, so that there is an address). */
export function allocate(size: number): Memory {
  const buffer = new ArrayBuffer(Math.max(size, 1));
  const bytes = new Uint8Array(buffer);
  return { bytes, view: new DataView(buffer), address: addressOf(bytes), pointees: new Map() };
}

/** A copy of `content` in memory of its own. */
export function memoryOf(content: Uint8Array): Memory {
  const memory = allocate(content.length);
  memory.bytes.set(content);
  return memory;
}

/**
 * Puts a pointer to `target` (NULL if there is none) at a byte offset. An address alone keeps no memory alive: the
 * collector may take what nobody reads any more before the kernel does.
 */
export function setPointer(memory: Memory, offset: number, target: Memory | undefined): void {
  memory.view.setBigUint64(offset, BigInt(target?.address ?? 0), true);
  if (target === undefined) memory.pointees.delete(offset);
  else memory.pointees.set(offset, target);
}

/** What a system call is given by its address; here so that it lives until the next one. */
let inUse: Memory | undefined;

/** The address of memory that a system call is about to be given, which lives at least until it returns. */
export function lend(memory: Memory): number {
  inUse = memory;
  return inUse.address;
}

/** `text` as a C string. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
