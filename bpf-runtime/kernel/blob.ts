import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { RuntimeError } from '../system/error.js';
import { indexKey } from './array-key.js';
import { createArray } from './create.js';
import type { KernelMap } from './map.js';

/** Bytes of an entry. */
const PAGE = 4096;
/** Length of the packed bytes, length of the bytes; u32, little endian. */
const HEADER = 8;
/** More is no object of ours. */
const MOST = 1 << 30;

/** Keeps bytes, packed, in an array map, which can be pinned beside what they are about. */
export function createBlob(bytes: Uint8Array, name: string): KernelMap {
  const packed = deflateRawSync(bytes);
  const pages = Math.ceil((HEADER + packed.length) / PAGE);
  const whole = new Uint8Array(pages * PAGE);
  const view = new DataView(whole.buffer);
  view.setUint32(0, packed.length, true);
  view.setUint32(4, bytes.length, true);
  whole.set(packed, HEADER);
  const map = createArray(PAGE, pages, name);
  try {
    for (let i = 0; i < pages; i++) map.update(indexKey(i), whole.slice(i * PAGE, (i + 1) * PAGE));
  } catch (error) {
    map.close();
    throw error;
  }
  return map;
}

/** The bytes of {@link createBlob}; throws `bad-state` where the map holds none. */
export function readBlob(map: KernelMap): Uint8Array {
  const { valueSize, maxEntries } = map.info;
  const whole = new Uint8Array(valueSize * maxEntries);
  for (let i = 0; i < maxEntries; i++) whole.set(map.at(i), i * valueSize);
  const view = new DataView(whole.buffer);
  const [packed, length] = valueSize < HEADER ? [0, 0] : [view.getUint32(0, true), view.getUint32(4, true)];
  if (packed === 0 || packed > whole.length - HEADER || length > MOST) throw noBlob(map);
  try {
    const bytes = inflateRawSync(whole.subarray(HEADER, HEADER + packed), { maxOutputLength: Math.max(length, 1) });
    if (bytes.length === length) return new Uint8Array(bytes);
  } catch {
    // Told below.
  }
  throw noBlob(map);
}

function noBlob({ info }: KernelMap): RuntimeError {
  return new RuntimeError('bad-state', `map ${info.name} does not hold what it should`);
}
