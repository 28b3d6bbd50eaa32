import { addressOf } from './libc.js';

/** Memory that system calls read and write, with its address. Little or big endian as the caller says in `view`. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
}

/** `size` zero bytes that never move (at least 1, so that there is an address). */
export function allocate(size: number): Memory {
  const buffer = new ArrayBuffer(Math.max(size, 1));
  const bytes = new Uint8Array(buffer);
  return { bytes, view: new DataView(buffer), address: addressOf(bytes) };
}

/** A copy of `content` in memory of its own. */
export function memoryOf(content: Uint8Array): Memory {
  const memory = allocate(content.length);
  memory.bytes.set(content);
  return memory;
}

/** `text` as a C string. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
