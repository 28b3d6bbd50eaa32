import { endsWay } from '../../../grammar/model/ruleset.js';
import { type Bdd, FALSE, type Ref } from '../bdd.js';
import { Condition } from './condition.js';
import { unsupported } from '../unprovable.js';
import { DiagramProof, type Hit, type Start, type Way } from './diagram-proof.js';
import type { Grounds, Here } from './grounds.js';
import { endsAll, type Item, type Part } from './rule-parts.js';
import { eitherOf, ended, endsOf, ruleOf, tested, type Least } from './least.js';
import { HullBoxes } from './hull-boxes.js';
import { around } from './narrow.js';
import type { Stand } from './stand.js';
import type { Entry, Look, Sequence, Site, Step } from './step.js';
import type { Arrival } from './visits.js';

/** So many ways to where a look-up begins are told apart. */
const MOST_WAYS = 16;

/** What is looked up at an instruction. */
interface Looked {
  /** Packets that begin at each place. */
  readonly starts: Map<number, Start>;
  /** The greatest number that it is given, and what the first look-up was given. */
  most: bigint;
  readonly given: bigint;
  /** Packets that are not looked up, though something may be found for them that is less than what they have. */
  unlooked: Ref;
  /** What it finds, once that is proved. */
  hits?: readonly Hit[];
}

/**
 * Several look-ups for the least hit. Each is proved by itself to find the least one of its own hits, for whatever it is given;
 * a hit is a rule, what is done, and the packets for which it was seen to be found. All hits of a rule together must be
 * the packets that it matches or drops: so the least of all is what the rules say, whatever leads from one look-up to the next.
 */
export class Hits {
  private readonly sites = new Map<Site, Looked>();
  private readonly found = new Map<Site, Finds>();
  private readonly rules = new Map<number, Item[]>();
  /** By look-ups: their hits, in order. */
  private readonly all = new Map<string, readonly Hit[]>();

  /** `items`: the parts of the chain's rules. */
  constructor(
    private readonly grounds: Grounds,
    items: readonly Item[],
    /** Whether hits are taken at a place. */
    private readonly isTaking: (place: number) => boolean,
  ) {
    const { specification } = grounds.chains.settings;
    for (const item of items) {
      const key = specification.keyOf(item.part.chain, item.part.at);
      if (key === undefined) continue;
      const own = this.rules.get(key);
      if (own === undefined) this.rules.set(key, [item]);
      else own.push(item);
    }
  }

  looked({ site, start, given }: Look, least: Least | undefined, here: Here): Least {
    const before: Least | undefined =
      given === undefined ? least : { of: site.of, given, looked: new Set(), lo: given, hi: given };
    if (before?.of !== site.of) throw unsupported('a look-up for what is not known');
    const own = this.of(site, before.given);
    if (own.given !== before.given) throw unsupported('look-ups that begin with several hits');
    if (own.hits !== undefined) throw unsupported('a look-up behind what it has found');
    if (before.looked.has(site)) throw unsupported('a look-up that is made twice');
    own.starts.set(start, this.started(own.starts.get(start), here));
    if (before.hi > own.most) own.most = before.hi;
    return { ...before, looked: new Set([...before.looked, site]), lo: 0n };
  }

  /** Packets that a look-up begins with: those before, and those that are here. */
  private started(before: Start | undefined, here: Here): Start {
    const { bdd } = this.grounds.chains;
    const exactly = this.grounds.edgeOf(here);
    const { known, box, told } = here;
    const way: Way = { known, box, told };
    if (before === undefined) return { known, box, exactly, ways: [way] };
    return {
      known: bdd.or(before.known, known),
      box: around(before.box, box),
      exactly: before.exactly.or(exactly, bdd),
      ways: before.ways === undefined || before.ways.length >= MOST_WAYS ? undefined : [...before.ways, way],
    };
  }

  private of(site: Site, given: bigint): Looked {
    let looked = this.sites.get(site);
    if (looked === undefined) this.sites.set(site, (looked = { starts: new Map(), most: 0n, given, unlooked: FALSE }));
    return looked;
  }

  /** What is known where the packets of two ways meet. */
  joined(a: Arrival, b: Arrival): Least | undefined {
    const [x, y] = [a.stand.least, b.stand.least];
    if (x === undefined || y === undefined || x.of !== y.of || x.given !== y.given) return undefined;
    const looked = new Set([...x.looked, ...y.looked]);
    for (const site of looked) {
      if (!x.looked.has(site)) this.missed(site, x, a.known);
      if (!y.looked.has(site)) this.missed(site, y, b.known);
    }
    return { ...x, looked, ...eitherOf(x, y), ends: endsOf(x, y) };
  }

  /** Packets that are not looked up at a site: nothing is found there that comes before what they have, or nothing at all. */
  private missed(site: Site, { hi, ends, given }: Least, known: Ref): void {
    // Where hits behind the least one are taken, none may be behind those that are known.
    const last = site.sequence === undefined ? hi : ends;
    if (last !== undefined && ruleOf(last) <= this.findsAt(site).first) return;
    const own = this.of(site, given);
    own.unlooked = this.grounds.chains.bdd.or(own.unlooked, known);
    if (own.hits !== undefined) this.refuseFinds(own, own.hits);
  }

  private refuseFinds({ unlooked }: Looked, hits: readonly Hit[]): void {
    if (unlooked === FALSE) return;
    const { bdd } = this.grounds.chains;
    for (const { item, where } of hits) {
      this.grounds.report(item.part, 'whether it is looked up', bdd.and(where, unlooked));
    }
  }

  private findsAt(site: Site): Finds {
    let finds = this.found.get(site);
    if (finds === undefined) this.found.set(site, (finds = findsAt(site)));
    return finds;
  }

  /** A test of what was found so far. */
  tested(
    step: Extract<Step, { kind: 'test' }>,
    least: Least | undefined,
    go: (then: Step, least: Least) => void,
  ): void {
    if (least?.of !== step.of) throw unsupported('a test of what is not known');
    tested(step, least, (then, bounds) => go(then, { ...least, ...bounds }));
  }

  /** How hits of these look-ups are taken, if they are. */
  sequenceOf(of: string): Sequence | undefined {
    for (const site of this.sites.keys()) if (site.of === of && site.sequence !== undefined) return site.sequence;
    return undefined;
  }

  /** A bit of what was found so far: where it is set, no hit may be taken behind that one. */
  flagged({ of, bit }: Extract<Step, { kind: 'flag' }>, least: Least | undefined): Least {
    if (least?.of !== of) throw unsupported('a test of what is not known');
    return this.isLast(of, least.given, bit) ? ended(least) : least;
  }

  /** Whether no hit is taken behind one with this bit, whichever of these look-ups has found it. */
  private isLast(of: string, given: bigint, bit: number): boolean {
    const isSet = (hit: bigint): boolean => ((hit >> BigInt(bit)) & 1n) === 1n;
    if (isSet(given)) return false;
    for (const site of this.sites.keys()) {
      if (site.of !== of) continue;
      for (const value of this.findsAt(site).values) {
        if (isSet(value) && site.sequence?.takenAt(value).moved === true) return false;
      }
    }
    return true;
  }

  /** What follows from each hit that may be the least one of all. */
  told(
    { of, cases }: Extract<Step, { kind: 'split' }>,
    { least, items }: Stand,
    here: Here,
    go: (then: Step, items: readonly Item[], here: Here, isNone: boolean) => void,
  ): void {
    if (least?.of !== of) throw unsupported('what was found is not known');
    const hits = this.hitsOf(least, here);
    this.all.set(of, hits);
    const { rest, met } = this.covered(items, hits, here);
    const { bdd } = this.grounds.chains;
    // Where hits are taken they are told again: what leads there is one way.
    const again = new Set<number>();
    const places = new Map<Part, number>(items.map(({ part }, index) => [part, index]));
    for (const hit of hits) {
      const { value, item } = hit;
      if (value < least.lo || value > least.hi) continue;
      const there: Here = { ...here, local: here.local.and(new Condition(() => hit.where), bdd) };
      const place = places.get(item.part);
      const what = `the hit ${value.toString(16)}`;
      if (place === undefined || !hit.whole) {
        const condition = this.grounds.conditionOf(there);
        const outside = place === undefined ? condition : bdd.without(condition, item.where);
        this.grounds.differ(item.part, what, outside, there);
        if (place === undefined || condition === FALSE) continue;
      }
      const then = cases.get(value);
      if (then === undefined) throw unsupported(what);
      if (then.kind === 'place' && this.isTaking(then.number)) {
        again.add(then.number);
        continue;
      }
      const { certain } = item;
      go(then, endsAll(certain) ? [certain] : [certain, ...items.slice(place + 1)], there, false);
    }
    const none = cases.get(least.given);
    for (const number of again) go({ kind: 'place', number }, met, here, false);
    if (none === undefined) throw unsupported('nothing is found');
    if (least.given <= least.hi) go(none, rest, here, true);
  }

  /**
   * What follows where hits are taken: each that may be the next one, of those of rules from `from` on. The rules behind a hit are then to be met,
   * and the places are at the hits of these; so what is said of each hit here is said of those behind it, too.
   */
  taken(
    of: string,
    from: bigint,
    { items }: Stand,
    here: Here,
    go: (hit: Hit, behind: readonly Item[], here: Here) => void,
  ): readonly Item[] {
    const hits = this.all.get(of)?.filter(({ value }) => ruleOf(value) >= from);
    if (hits === undefined) throw unsupported('hits that are not known');
    const { bdd } = this.grounds.chains;
    const { specification } = this.grounds.chains.settings;
    const condition = this.grounds.conditionOf(here);
    const left = items.filter(({ part, where }) => {
      const key = part.caller === undefined ? specification.keyOf(part.chain, part.at) : undefined;
      if (key !== undefined && BigInt(key) >= from) return true;
      this.grounds.differ(part, 'whether the next rule follows', bdd.and(condition, where), here);
      return false;
    });
    const { rest } = this.covered(left, hits, here);
    const places = new Map<Part, number>(left.map(({ part }, index) => [part, index]));
    for (const hit of hits) {
      const { item, value } = hit;
      const place = places.get(item.part);
      const there: Here = { ...here, local: here.local.and(new Condition(() => hit.where), bdd) };
      if (place === undefined || !hit.whole) {
        const outside = place === undefined ? condition : bdd.without(condition, item.where);
        this.grounds.differ(item.part, `the hit ${value.toString(16)}`, bdd.and(outside, hit.where), there);
      }
      if (place !== undefined) go(hit, left.slice(place + 1), there);
    }
    return rest;
  }

  /** All hits, which must be less than what the look-ups began with. */
  private hitsOf(least: Least, here: Here): readonly Hit[] {
    const { bdd } = this.grounds.chains;
    const all = new Map<bigint, Hit>();
    for (const [site, looked] of this.sites) {
      if (site.of !== least.of) continue;
      if (!least.looked.has(site)) this.missed(site, least, here.known);
      for (const hit of this.proved(site, looked)) {
        const known = all.get(hit.value);
        all.set(hit.value, known === undefined ? hit : bothOf(hit, known, bdd));
      }
    }
    const hits = [...all.values()].sort((a, b) => (a.value < b.value ? -1 : 1));
    const last = hits[hits.length - 1];
    if (last !== undefined && ruleOf(last.value) >= ruleOf(least.given)) throw unsupported('a hit behind all others');
    return hits;
  }

  private proved(site: Site, looked: Looked): readonly Hit[] {
    if (looked.hits === undefined) {
      const { starts, most } = looked;
      const others = [...this.sites.keys()].filter((other) => other !== site && other.of === site.of);
      const { values } = this.findsAt(site);
      const end = site.sequence === undefined ? undefined : looked.given;
      const last = new Map<number, boolean>();
      // Each list asks the same.
      const isLast = (bit: number): boolean => {
        const known = last.get(bit) ?? this.isLast(site.of, looked.given, bit);
        last.set(bit, known);
        return known;
      };
      const proved = (elsewhere: (rule: bigint) => boolean): readonly Hit[] =>
        new DiagramProof(this.grounds, this.rules, { values, elsewhere, end, isLast }).prove(site.places, starts, most);
      const isElsewhere = (rule: bigint): boolean => others.some((other) => this.findsAt(other).rules.has(rule));
      // Mostly all of a rule is found wherever some of it is.
      looked.hits = this.grounds.attempt(() => proved(() => false)) ?? proved(isElsewhere);
      this.refuseFinds(looked, looked.hits);
    }
    return looked.hits;
  }

  /** Whether one of these ends the way of all packets that an item may be met by. */
  private endsIn(items: readonly Item[], item: Item): boolean {
    if (item.kind === 'certain') return false;
    const { deciding } = this.grounds;
    return items.some(
      ({ part }) => (part.drops || endsWay(part.rule.target.effect)) && deciding.isInside(item, part.plain),
    );
  }

  /** That each rule is found wherever it is met, up to the last one that is found; the items behind that one. */
  private covered(items: readonly Item[], hits: readonly Hit[], here: Here): Covered {
    const { bdd } = this.grounds.chains;
    const condition = this.grounds.conditionOf(here);
    const found = new Map<number, Hit[]>();
    const wholes = new Set<Item>();
    let last = -1;
    for (const hit of hits) {
      const { at } = hit.item.part;
      // The numbers of rules must be in their order.
      if (at < last) throw unsupported('rules with numbers in another order');
      last = at;
      found.set(at, [...(found.get(at) ?? []), hit]);
      if (hit.whole) wholes.add(hit.item);
    }
    const rest: Item[] = [];
    const met: Item[] = [];
    let boxes: HullBoxes | undefined;
    for (const [index, item] of items.entries()) {
      const { part } = item;
      if (part.caller !== undefined) throw unsupported('a chain that stands in the place of a jump, and is looked up');
      if (wholes.has(part.plain)) {
        met.push(item);
        continue;
      }
      // Most rules that are not found are behind another one that matches all that they match.
      if (!this.grounds.thorough && this.endsIn((boxes ??= new HullBoxes(items)).around(index), item)) continue;
      met.push(item);
      if (part.at > last) {
        rest.push(item);
        continue;
      }
      const any = bdd.anyOf((found.get(part.at) ?? []).map((hit) => hit.where));
      const missing = bdd.without(bdd.and(condition, item.where), any);
      this.grounds.differ(part, 'whether it is found', missing, here);
    }
    return { rest, met };
  }
}

/** Items that may be met. `rest`: those behind the last one that is found. */
interface Covered {
  readonly rest: readonly Item[];
  readonly met: readonly Item[];
}

/** What may be found at a site, the rules' numbers, and the first of them. */
interface Finds {
  readonly first: bigint;
  readonly rules: ReadonlySet<bigint>;
  readonly values: ReadonlySet<bigint>;
}

/** A hit that two look-ups have. */
function bothOf(a: Hit, b: Hit, bdd: Bdd): Hit {
  const where = bdd.or(a.where, b.where);
  return { value: a.value, item: a.item, where, whole: where === a.item.where };
}

function findsAt({ places, starts }: Site): Finds {
  let first = 1n << 32n;
  const rules = new Set<bigint>();
  const values = new Set<bigint>();
  const seen = new Set(starts);
  const add = (value: bigint): void => {
    values.add(value);
    rules.add(ruleOf(value));
    if (ruleOf(value) < first) first = ruleOf(value);
  };
  const stand = ({ hit, next }: Entry): void => {
    if (hit !== undefined) add(hit);
    if (next !== undefined) look(next);
  };
  const look = (step: Step): void => {
    switch (step.kind) {
      case 'place':
        seen.add(step.number);
        return;
      case 'found':
        if (step.value !== undefined) add(step.value);
        if (step.entry !== undefined) stand(step.entry);
        return;
      case 'stands':
        return stand(step.entry);
      case 'fork':
        for (const { then } of step.cases) look(then);
        return;
      case 'test':
        look(step.inside);
        return look(step.outside);
      case 'flag':
        look(step.set);
        return look(step.clear);
      case 'event':
        return look(step.then);
      case 'exit':
      case 'call':
      case 'look':
      case 'next':
      case 'split':
        return;
    }
  };
  for (const number of seen) look(places[number]);
  return { first, rules, values };
}
