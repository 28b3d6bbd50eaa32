import {
  BLOCK_BITS,
  CHILD,
  END,
  ENTRY,
  ENTRY_BYTES,
  INDEX,
  LIST,
  NOTHING,
  PLACE_BITS,
  PLACE_UNIT_BITS,
  RECORD_UNIT_BITS,
  SEARCH,
  SEARCH_CUTS,
  SLOT_BITS,
  SLOT_MASK,
  isInside,
  type Access,
  type Instance,
  type RecordLayout,
} from '../../../codegen/classify/index.js';

/** A rule that a packet meets, and what it does. */
export interface Hit {
  readonly rule: number;
  readonly action: number;
}

/** The instances that a packet, given as memory, comes to from the root and is inside of; `slots`: the numbers that may be asked for. */
export function walk(
  table: Uint8Array,
  root: number,
  memory: DataView,
  { tests }: RecordLayout,
  slots: readonly Access[],
): readonly Hit[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const word = (place: number): number => view.getUint32(place, true);
  const valueOf = ({ offset, shift, mask }: Access): number =>
    ((memory.getUint32(offset, true) >>> shift) & mask) >>> 0;
  const asked = (child: number): number => {
    const access = slots[(child & SLOT_MASK) >> SLOT_BITS];
    return access === undefined ? 0 : valueOf(access);
  };
  const placeOf = (child: number): number => (child >>> PLACE_BITS) << PLACE_UNIT_BITS;
  let child = root;
  while ((child & CHILD.list) === 0) {
    const value = asked(child);
    const at = placeOf(child);
    if ((child & CHILD.index) !== 0) {
      child = word(at + INDEX.children + 4 * (value >>> word(at + INDEX.shift)));
      continue;
    }
    let passed = 0;
    for (let cut = 0; cut < SEARCH_CUTS; cut++) passed += value > word(at + SEARCH.cuts + 4 * cut) ? 1 : 0;
    child = word(at + SEARCH.children + 4 * passed);
  }
  if (child === NOTHING) return [];
  const key = asked(child);
  const isWithin = (value: number, lo: number, span: number): boolean => value >= lo && value - lo <= span;
  const hits: Hit[] = [];
  for (let entry = placeOf(child) + LIST.entries; ; entry += ENTRY_BYTES) {
    const record = (word(entry + ENTRY.record) >>> BLOCK_BITS) << RECORD_UNIT_BITS;
    const rule = word(record + 4);
    if (rule === END) return hits;
    const passes = tests.every((test) => {
      const number = (place: number): number => (test.bytes === 4 ? word(place) : view.getUint16(place, true));
      return isWithin(valueOf(test.access), number(record + test.at), number(record + test.at + test.bytes));
    });
    const block = 2 ** (word(entry + ENTRY.record) % 2 ** BLOCK_BITS);
    const isListed = Math.floor(key / block) === Math.floor(word(entry + ENTRY.value) / block);
    // Who goes on from an entry in the middle asks the record alone.
    if (passes !== (passes && isListed)) throw new Error('a record leaves out what its list tests');
    if (passes) hits.push({ rule, action: word(record) });
  }
}

/** The lists of several groups as one, in order of rule, up to the first final one. */
export function mergeHits(lists: readonly (readonly Hit[])[], isFinal: (hit: Hit) => boolean): readonly Hit[] {
  const all = lists.flat().sort((a, b) => a.rule - b.rule);
  const once = all.filter((hit, index) => index === 0 || all[index - 1].rule !== hit.rule);
  const end = once.findIndex(isFinal);
  return end < 0 ? once : once.slice(0, end + 1);
}

/** What the instances say, one after the other. */
export function linear(instances: readonly Instance[], values: readonly number[]): readonly Hit[] {
  const hits: Hit[] = [];
  for (const { rule, action, final, box } of instances) {
    if (!isInside(box, values) || hits[hits.length - 1]?.rule === rule) continue;
    hits.push({ rule, action });
    if (final) break;
  }
  return hits;
}

/** Packet memory and accesses of dimensions that lie one word behind the other. */
export function wordAccesses(dimensions: readonly { readonly max: number }[]): readonly Access[] {
  return dimensions.map(({ max }, index) => ({ offset: 4 * index, shift: 0, mask: max }));
}

export function memoryOf(values: readonly number[]): DataView {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => view.setUint32(4 * index, value, true));
  return view;
}
