import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import { unsupported } from '../unprovable.js';
import { numberOf, type Pointer, type Region } from '../value.js';
import type { Words } from '../words.js';
import type { Finder } from './finder.js';
import type { Machine } from './machine.js';
import type { Entry, Sequence, Site, Step } from './step.js';
import { asKept, keptPlace, type KeptPlace } from './taken-hits.js';
import type { WalkValue } from './walk-value.js';

/** Where a look-up keeps a place, as it sees it: 4 bytes. */
export const PLACE_BYTES = 4;
export const PLACE: Region = { kind: 'stack', name: 'place of a look-up', bytes: PLACE_BYTES };

/** A function that takes hits of several lists. */
export interface HitTaker extends Sequence {
  /** Byte offsets of the places whose hits are taken. */
  readonly taking: readonly number[];
  hitAt(place: bigint): bigint;
  /** Hits from this number on are none: refuses what is done in several ways where there is no other one. */
  noneFrom(end: bigint): void;
  codes(): readonly bigint[];
  requireSteps(most: number): void;
  nextOf(place: bigint): { readonly placed: PlacedFunction; readonly registers: readonly (WalkValue | undefined)[] };
}

/** Bytes between one place and the next, and how many there may be: it is only a hint. */
const STRIDE = 8;
const MOST_PLACES = 8;

/** Look-ups that keep places in lists, from which hits behind the first ones are taken. */
export class Keeping {
  private readonly sites = new Map<number, { readonly site: Site; readonly finder: Finder }>();
  private readonly places = new Map<number, KeptPlace>();
  private taken: { readonly taker: HitTaker; readonly placed: PlacedFunction; readonly at: number } | undefined;
  private region: Region | undefined;
  private readonly hits = new Set<bigint>();
  /** How many entries of each are looked at. */
  private readonly known = new Map<Finder, number>();

  constructor(
    private readonly of: string,
    private readonly words: Words,
  ) {}

  /** Undefined as long as no hits are taken. */
  get taker(): HitTaker | undefined {
    return this.taken?.taker;
  }

  /** What a look-up leaves in its place. */
  keep({ region, offset }: Pointer, site: Site, finder: Finder, { memory }: Machine): void {
    if (region !== (this.region ??= region)) throw unsupported('places in several stack frames');
    const own = this.sites.get(offset);
    if (own !== undefined && own.site !== site) throw unsupported('one place for several look-ups');
    this.sites.set(offset, { site, finder });
    memory.store(region, offset, PLACE_BYTES, this.placeAt(offset));
    // Where nothing is looked up on some of the ways, a place is 0: ways that differ in that alone are to meet.
    for (let place = -MOST_PLACES; place <= MOST_PLACES; place++) {
      const at = offset + place * STRIDE;
      if (at >= 0 || numberOf(memory.load(region, at, PLACE_BYTES, this.words)) !== 0n) continue;
      memory.store(region, at, PLACE_BYTES, this.placeAt(at));
    }
  }

  /** Whether a place is that of no list, if this look-up has not been made: 0, or what may be 0 where others were made. */
  isNothing({ region, offset }: Pointer, { memory }: Machine): boolean {
    const held = memory.load(region, offset, PLACE_BYTES, this.words);
    const kept = asKept(held);
    return kept === undefined ? numberOf(held) === 0n : kept.keeps === this.of && kept.slot === offset;
  }

  private placeAt(offset: number): KeptPlace {
    let place = this.places.get(offset);
    if (place === undefined) this.places.set(offset, (place = keptPlace(this.of, offset)));
    return place;
  }

  /** A function that is given the memory from `at` on takes hits. */
  takenBy(placed: PlacedFunction, at: number, slots: readonly number[], make: () => HitTaker): HitTaker {
    const own = (this.taken ??= { taker: make(), placed, at });
    if (own.placed !== placed || own.at !== at) throw unsupported('hits that are taken by several functions');
    for (const slot of own.taker.taking) {
      if (!slots.includes(slot)) throw unsupported('a hit of no place');
    }
    return own.taker;
  }

  /** All hits, and the places behind each. `given`: hits from there on are none. */
  complete(given: bigint): ReadonlySet<bigint> {
    const { taken, hits } = this;
    if (taken === undefined) return hits;
    const { taker, at } = taken;
    if (taker.hitAt(0n) < given) throw unsupported('the list without hits has one');
    taker.takenAt(taker.hitAt(0n));
    for (const offset of this.sites.keys()) {
      if (!taker.taking.includes(offset - at)) throw unsupported('a place whose hits are not taken');
    }
    for (let more = true; more;) {
      more = false;
      for (const finder of new Set([...this.sites.values()].map((site) => site.finder))) {
        if (this.known.get(finder) === finder.entries.size) continue;
        more = true;
        // What is found behind an entry comes behind it.
        for (const entry of finder.entries.values()) hits.add(this.hitOf(entry, finder, given, taker));
        this.known.set(finder, finder.entries.size);
      }
    }
    return hits;
  }

  private hitOf(entry: Entry, finder: Finder, given: bigint, taker: HitTaker): bigint {
    if (entry.hit !== undefined) return entry.hit;
    const place = BigInt(entry.at);
    const hit = taker.hitAt(place);
    entry.hit = hit;
    const { moved } = taker.takenAt(hit);
    if (hit >= given || !moved) return hit;
    const { placed, registers } = taker.nextOf(place);
    entry.next = { kind: 'place', number: finder.advance(placed, registers) };
    return hit;
  }

  /** Refuses what gives up before all hits of a packet are taken. */
  finish(given: bigint): void {
    const { taken } = this;
    if (taken === undefined) return;
    this.complete(given);
    let most = 0;
    for (const { site } of this.sites.values()) most += mostHits(site, given);
    taken.taker.requireSteps(most);
    taken.taker.noneFrom(given);
  }
}

/** The places of a function's caller that lie in memory from an address on, by their byte offsets there; undefined where there are none. */
export function keptFrom(
  { memory }: Machine,
  { region, offset }: Pointer,
  words: Words,
): { readonly of: string; readonly slots: readonly number[] } | undefined {
  let of: string | undefined;
  const slots: number[] = [];
  for (let slot = 0; slot < MOST_PLACES * STRIDE; slot += PLACE_BYTES) {
    if (offset + slot >= 0) break;
    const place = asKept(memory.load(region, offset + slot, PLACE_BYTES, words));
    if (place === undefined) continue;
    if (place.slot !== offset + slot || (of !== undefined && of !== place.keeps))
      throw unsupported('a place that was moved');
    of = place.keeps;
    slots.push(slot);
  }
  return of === undefined ? undefined : { of, slots };
}

/** Most hits that one list may have, on all ways of a look-up. */
function mostHits({ places, starts }: Site, given: bigint): number {
  const known = new Map<number, number>();
  const at = (number: number): number => {
    const own = known.get(number);
    if (own === -1) throw unsupported('a walk over tables that comes back to where it was');
    if (own !== undefined) return own;
    known.set(number, -1);
    const most = from(places[number]);
    known.set(number, most);
    return most;
  };
  const entry = ({ hit, next }: Entry): number =>
    hit === undefined || hit >= given ? 0 : 1 + (next === undefined ? 0 : from(next));
  const from = (step: Step): number => {
    switch (step.kind) {
      case 'place':
        return at(step.number);
      case 'found':
        return step.entry === undefined ? 0 : entry(step.entry);
      case 'stands':
        return entry(step.entry);
      case 'fork':
        return step.cases.reduce((most, { then }) => Math.max(most, from(then)), 0);
      case 'test':
        return Math.max(from(step.inside), from(step.outside));
      case 'flag':
        return Math.max(from(step.set), from(step.clear));
      case 'event':
        return from(step.then);
      case 'exit':
        return 0;
      case 'call':
      case 'look':
      case 'next':
      case 'split':
        throw unsupported('a look-up that looks up');
    }
  };
  let most = 0;
  for (const start of starts) most = Math.max(most, at(start));
  return most;
}
