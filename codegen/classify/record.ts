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
 * A list is made of entries, one for each of its instances: a test that most packets fail, and where the instance's record
 * is, which all its lists share. A record is u32 action, u32 rule, then two numbers for each other test.
 */
export interface RecordLayout {
  /** What the entries test; undefined where there is nothing to test. */
  readonly key: { readonly dimension: number; readonly access: Access } | undefined;
  /** In the order in which they are asked. */
  readonly tests: readonly RecordTest[];
  /** A multiple of 8. */
  readonly bytes: number;
}

/** Bytes of action and rule: as one number of 64 bits, hits are in order of rule. */
export const HIT_BYTES = 8;
/** Offsets in an entry, of u32 numbers: lowest value, span, byte offset of the record. */
export const ENTRY = { lo: 0, span: 4, record: 8 } as const;
export const ENTRY_BYTES = 12;

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
  const [key] = order;
  const others = order.slice(1);
  const wide = others.filter((dimension) => accesses[dimension].mask > 0xffff);
  const narrow = others.filter((dimension) => accesses[dimension].mask <= 0xffff);
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
  const tests = others.flatMap((dimension) => places.get(dimension) ?? []);
  return {
    key: key === undefined ? undefined : { dimension: key, access: accesses[key] },
    tests,
    bytes: Math.ceil(at / 8) * 8,
  };
}

/** For each dimension, the mean share of its values that an instance takes. */
function shareThatPasses(dimensions: readonly Dimension[], instances: readonly Instance[]): readonly number[] {
  const missing = new Float64Array(dimensions.length);
  for (const { box } of instances) {
    for (const { dimension, lo, hi } of box) missing[dimension] += 1 - (hi - lo + 1) / (dimensions[dimension].max + 1);
  }
  return Array.from(missing, (sum) => 1 - sum / Math.max(1, instances.length));
}
