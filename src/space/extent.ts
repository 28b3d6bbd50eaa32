import type { Condition } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';
import { complement, intersect, type IntervalSet } from '../../grammar/model/interval.js';
import { mayDrop, mayDropMatching } from '../../grammar/model/payload.js';
import { ones } from './interval-sets.js';
import { clip, withoutPrefix } from './needs.js';

/** A rectangle of fields: each has a value in its set; the others have any. */
export type Bounds = ReadonlyMap<Field, IntervalSet>;

/** Rectangles that together hold all packets for which a condition comes to something; they may hold more. */
interface Extent {
  /** Packets for which it holds (dropping them or not). */
  readonly holds: readonly Bounds[];
  /** Packets that it drops at once. */
  readonly drops: readonly Bounds[];
}

const ANYTHING: Bounds = new Map();
const NOTHING: Extent = { holds: [], drops: [] };

/** Beyond so many rectangles one around them all is enough. */
const MOST = 16;

/** Rectangles of fields around what conditions match. */
export class Extents {
  readonly #known = new WeakMap<Condition, Extent>();

  constructor(private readonly family: Family) {}

  /** Rectangles outside of which the condition comes to "no", whatever nobody knows about the packet. */
  around(condition: Condition): readonly Bounds[] {
    const { holds, drops } = this.#of(condition);
    return [...holds, ...drops];
  }

  /** Whether the condition may come to something else than "no" for a packet of one of the rectangles. */
  concerns(condition: Condition, rectangles: readonly Bounds[]): boolean {
    const { left, dropping } = this.#passing(condition, rectangles);
    return dropping || left.length > 0;
  }

  /** The rectangles of which some packet may pass the condition, test by test; whether it may drop one at once. */
  #passing(
    condition: Condition,
    rectangles: readonly Bounds[],
  ): { readonly left: readonly Bounds[]; readonly dropping: boolean } {
    if (condition.kind === 'in') {
      const own = this.#range(condition);
      if (own === undefined) return { left: rectangles, dropping: false };
      const { field } = condition;
      const left = rectangles.filter((bounds) => {
        const given = bounds.get(field);
        return given === undefined ? own.length > 0 : overlap(own, given);
      });
      return { left, dropping: false };
    }
    if (condition.kind === 'all') {
      let left = rectangles;
      for (const part of condition.of) {
        if (left.length === 0) break;
        const passing = this.#passing(part, left);
        if (passing.dropping) return passing;
        left = passing.left;
      }
      return { left, dropping: false };
    }
    const { holds, drops } = this.#of(condition);
    const meets = (bounds: Bounds, all: readonly Bounds[]): boolean => all.some((one) => boundsMeet(one, bounds));
    const dropping = drops.length > 0 && rectangles.some((bounds) => meets(bounds, drops));
    return { left: rectangles.filter((bounds) => meets(bounds, holds)), dropping };
  }

  #of(condition: Condition): Extent {
    let known = this.#known.get(condition);
    if (known === undefined) this.#known.set(condition, (known = this.#make(condition)));
    return known;
  }

  #make(condition: Condition): Extent {
    switch (condition.kind) {
      case 'in': {
        const set = this.#range(condition);
        if (set === undefined) return { holds: [ANYTHING], drops: [] };
        return set.length === 0 ? NOTHING : { holds: [new Map([[condition.field, set]])], drops: [] };
      }
      case 'opaque':
        return { holds: [ANYTHING], drops: [] };
      case 'payload':
        return {
          holds: [ANYTHING],
          drops: mayDrop(condition.test) || mayDropMatching(condition.test) ? [ANYTHING] : [],
        };
      case 'not':
        return { holds: this.#outside(condition.of), drops: this.#of(condition.of).drops };
      case 'hotdrop': {
        const { holds, drops } = this.#of(condition.when);
        return { holds: this.#outside(condition.when), drops: few([...holds, ...drops]) };
      }
      case 'all':
        return this.#inTurn(condition.of);
      case 'any':
        return {
          holds: few(condition.of.flatMap((part) => this.#of(part).holds)),
          drops: few(condition.of.flatMap((part) => this.#of(part).drops)),
        };
    }
  }

  /** Each test is asked of the packets for which those before it hold. */
  #inTurn(parts: readonly Condition[]): Extent {
    let holds: readonly Bounds[] = [ANYTHING];
    const drops: Bounds[] = [];
    for (const part of parts) {
      const next = this.#of(part);
      drops.push(...both(holds, next.drops));
      holds = few(both(holds, next.holds));
    }
    return { holds, drops: few(drops) };
  }

  /** Where a condition does not hold. */
  #outside(condition: Condition): readonly Bounds[] {
    switch (condition.kind) {
      case 'not':
        return this.#of(condition.of).holds;
      case 'any':
        return condition.of.reduce<readonly Bounds[]>((sum, part) => few(both(sum, this.#outside(part))), [ANYTHING]);
      case 'in': {
        const set = this.#range(condition);
        if (set === undefined) return [ANYTHING];
        const others = complement(set, fieldBits(condition.field, this.family));
        return others.length === 0 ? [] : [new Map([[condition.field, others]])];
      }
      case 'all':
      case 'hotdrop':
      case 'opaque':
      case 'payload':
        return [ANYTHING];
    }
  }

  /** The values of the field itself that pass; undefined where they are no ranges, or rules change them on the way. */
  #range({ field, set, mask }: Extract<Condition, { kind: 'in' }>): IntervalSet | undefined {
    if (field === 'mark') return undefined;
    const bits = fieldBits(field, this.family);
    const clipped = clip(set, bits);
    if (mask === undefined) return clipped;
    const plain = withoutPrefix(clipped, mask & ones(bits), bits);
    return plain.mask === ones(bits) ? plain.set : undefined;
  }
}

/** What two lists of rectangles share. */
function both(a: readonly Bounds[], b: readonly Bounds[]): readonly Bounds[] {
  return a.flatMap((one) => b.flatMap((other) => meet(one, other) ?? []));
}

function meet(a: Bounds, b: Bounds): Bounds | undefined {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const out = new Map(a);
  for (const [field, set] of b) {
    const here = out.get(field);
    const shared = here === undefined ? set : intersect(here, set);
    if (shared.length === 0) return undefined;
    out.set(field, shared);
  }
  return out;
}

/** The same rectangles, or one that holds them all: what they have in common is not looked for. */
function few(all: readonly Bounds[]): readonly Bounds[] {
  return all.length <= MOST ? all : [ANYTHING];
}

/** Whether two sets of values share one. */
function overlap(a: IntervalSet, b: IntervalSet): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i].hi < b[j].lo) i++;
    else if (b[j].hi < a[i].lo) j++;
    else return true;
  }
  return false;
}

/** Whether two rectangles share a packet, as far as their fields tell. */
function boundsMeet(a: Bounds, b: Bounds): boolean {
  for (const [field, set] of a) {
    const other = b.get(field);
    if (other !== undefined && !overlap(set, other)) return false;
  }
  return true;
}
