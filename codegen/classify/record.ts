import type { Dimension, Instance } from './instance.js';
import type { Access } from './access.js';

/** How a record tests a dimension: `value − lowest ≤ span`, all unsigned numbers of so many bytes. */
export interface RecordTest {
  readonly dimension: number;
  readonly access: Access;
  readonly bytes: 2 | 4;
  /** Byte offset in the record of the lowest value; the span stands behind it. */
  readonly at: number;
}

/**
 * Who leads to a list says which number its entries look at, its key. A list has an entry for each of its instances: the block of
 * values that covers the instance's, and where its record is, which all its lists share. A record is u32 action, u32 rule, then two
 * numbers for each test; it tests the key exactly, too.
 */
export interface RecordLayout {
  /** In the order in which they are asked. */
  readonly tests: readonly RecordTest[];
  /** A multiple of 8. */
  readonly bytes: number;
}

/** Bytes of action and rule: as one number of 64 bits, hits are in order of rule. */
export const HIT_BYTES = 8;
/**
 * Offsets in an entry, of u32 numbers: some value of the block; byte offset of the record, which is a multiple of 8, times 8,
 * with the number of bits that values of the block differ in, 0 to 32, in the lowest {@link BLOCK_BITS}.
 */
export const ENTRY = { value: 0, record: 4 } as const;
export const ENTRY_BYTES = 8;
/** Offsets in a list: the u32 rule of its first entry, which no other one comes before; and the entries. */
export const LIST = { first: 0, entries: 4 } as const;
/** Bytes of a list of so many instances, and of the entry that it ends with. */
export const listBytes = (instances: number): number => LIST.entries + ENTRY_BYTES * (instances + 1);
export const BLOCK_BITS = 6;
/** Offset of the record, from an entry's number without the lowest bits. */
export const RECORD_UNIT_BITS = 3;

/** Tests of all dimensions that a branch does not have to ask; those first that fewest values pass. */
export function recordLayout(
  dimensions: readonly Dimension[],
  accesses: readonly Access[],
  instances: readonly Instance[],
): RecordLayout {
  const passing = shareThatPasses(dimensions, instances);
  const order = dimensions
    .flatMap(({ first }, dimension) => (first === undefined ? [dimension] : []))
    .sort((a, b) => passing[a] - passing[b] || a - b);
  const wide = order.filter((dimension) => accesses[dimension].mask > 0xffff);
  const narrow = order.filter((dimension) => accesses[dimension].mask <= 0xffff);
  const places = new Map<number, RecordTest>();
  let at = HIT_BYTES;
  for (const [list, bytes] of [
    [wide, 4],
    [narrow, 2],
  ] as const) {
    for (const dimension of list) {
      places.set(dimension, { dimension, access: accesses[dimension], bytes, at });
      at += 2 * bytes;
    }
  }
  const tests = order.flatMap((dimension) => places.get(dimension) ?? []);
  return { tests, bytes: Math.ceil(at / 8) * 8 };
}

/** For each dimension, the mean share of its values that an instance takes. */
function shareThatPasses(dimensions: readonly Dimension[], instances: readonly Instance[]): readonly number[] {
  const missing = new Float64Array(dimensions.length);
  for (const { box } of instances) {
    for (const { dimension, lo, hi } of box) missing[dimension] += 1 - (hi - lo + 1) / (dimensions[dimension].max + 1);
  }
  return Array.from(missing, (sum) => 1 - sum / Math.max(1, instances.length));
}
