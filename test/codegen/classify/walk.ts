import {
  BRANCH,
  END,
  HIT_BYTES,
  LEAF,
  isInside,
  type Access,
  type Hit,
  type Instance,
} from '../../../codegen/classify/index.js';

/** The list of hits that a packet, given as memory, comes to from the root. */
export function walk(table: Uint8Array, root: number, memory: DataView): readonly Hit[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  let at = root;
  while (at < LEAF) {
    const word = memory.getUint32(view.getUint16(at + BRANCH.offset, true), true);
    const value = ((word >>> view.getUint8(at + BRANCH.shift)) & view.getUint32(at + BRANCH.mask, true)) >>> 0;
    const levels = view.getUint8(at + BRANCH.levels);
    let entry = levels === 0 ? 1 + value : 1;
    for (let level = levels; level > 0; level--) {
      entry = 2 * entry + (value >= view.getUint32(at + BRANCH.entries + 4 * entry, true) ? 1 : 0);
    }
    at = view.getUint32(at + BRANCH.entries + 4 * entry, true);
  }
  const hits: Hit[] = [];
  for (let hit = at - LEAF; view.getUint32(hit + 4, true) !== END; hit += HIT_BYTES) {
    hits.push({ rule: view.getUint32(hit + 4, true), action: view.getUint32(hit, true) });
  }
  return hits;
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
