import { FALSE } from '../bdd.js';
import { Condition } from './condition.js';
import { isBeside, type Decided } from './deciding.js';
import type { Limit } from './dimensions.js';
import { NOTHING, type Grounds, type Here } from './grounds.js';
import { around, divided } from './narrow.js';
import { inOrder } from './place-order.js';
import { endsAll, endsBox, returns, type Box, type Item } from './rule-parts.js';
import { joined, type Stand } from './stand.js';
import type { Case, Step } from './step.js';

/** Packets at a place. */
export interface Arrival extends Omit<Here, 'local' | 'told'> {
  readonly stand: Stand;
}

/** So many items are asked one by one what a decision says of them. */
const FEW = 64;

/**
 * All places of a function, visited in an order in which all ways to a place come before it; with them goes what the rules still
 * have to say: those that may be met by the packets that come there. What is known of addresses and ports is forgotten from one
 * place to the next, but for the rules that it has excluded; so a place is visited once, and its claim is a stronger one:
 * for all addresses and ports it does what these rules say.
 */
export abstract class Visits {
  private arrivals: Arrival[][] = [];

  constructor(protected readonly grounds: Grounds) {}

  /** From these places on, with what comes there. */
  protected visitAll(places: readonly Step[], starts: ReadonlyMap<number, Arrival>): void {
    this.arrivals = places.map(() => []);
    starts.forEach((arrival, number) => this.arrive(number, arrival));
    for (const number of inOrder(places, [...starts.keys()])) {
      for (const { stand, known, box, beside } of this.arrivals[number]) {
        this.visit(places[number], stand, { known, local: Condition.always, told: NOTHING, box, beside });
      }
      this.arrivals[number] = [];
    }
  }

  /** Steps that say something of rules. */
  protected abstract come(step: Exclude<Step, { kind: 'place' | 'fork' }>, stand: Stand, here: Here): void;

  /** What stands at a fork. */
  protected atFork(stand: Stand, here: Here): Stand {
    void here;
    return stand;
  }

  /** Whether what these cases say of the rules still to be met is forgotten anyway where they meet again. */
  protected forgets(cases: readonly Case[]): boolean {
    void cases;
    return false;
  }

  /** One stand for the packets of two; undefined where that cannot be. */
  protected joined(a: Arrival, b: Arrival): Stand | undefined {
    return joined(a.stand, b.stand, this.grounds.chains.bdd);
  }

  protected visit(step: Step, stand: Stand, here: Here): void {
    switch (step.kind) {
      case 'place':
        return this.arrive(step.number, {
          stand,
          known: here.known,
          box: here.box,
          beside: { ways: [{ when: this.grounds.edgeOf(here), from: here.beside }] },
        });
      case 'fork':
        return this.fork(step.cases, step.jump, stand, here);
      case 'exit':
      case 'event':
      case 'call':
      case 'look':
      case 'test':
      case 'flag':
      case 'next':
      case 'split':
      case 'found':
      case 'stands':
        return this.come(step, stand, here);
    }
  }

  private arrive(number: number, arrival: Arrival): void {
    const { bdd } = this.grounds.chains;
    const there = this.arrivals[number];
    for (let i = 0; i < there.length; i++) {
      const other = there[i];
      const stand = this.joined(other, arrival);
      if (stand === undefined) continue;
      other.beside?.ways.push(...(arrival.beside?.ways ?? []));
      there[i] = {
        stand,
        known: bdd.or(other.known, arrival.known),
        box: around(other.box, arrival.box),
        beside: other.beside === undefined || arrival.beside === undefined ? undefined : other.beside,
      };
      return;
    }
    there.push(arrival);
  }

  private fork(cases: readonly Case[], jump: boolean, before: Stand, here: Here): void {
    const { grounds } = this;
    const stand = this.atFork(before, here);
    const forgets = this.forgets(cases);
    const shares =
      jump || forgets
        ? undefined
        : divided(
            stand.items,
            cases.map(({ known }) => grounds.limitsOf(known)),
          );
    for (let index = 0; index < cases.length; index++) {
      const one = cases[index];
      const limits = grounds.limitsOf(one.known);
      const broad = grounds.isBroad(one);
      const there = grounds.there(here, one, limits, broad);
      const decided: Decided = { one, before: here, after: there, away: grounds.limitsOf(one.refuted), broad };
      if (grounds.thorough ? grounds.conditionOf(there) === FALSE : grounds.deciding.isEmpty(decided)) continue;
      if (forgets) {
        this.visit(one.then, stand, there);
        continue;
      }
      let items = shares?.[index] ?? this.limited(stand.items, limits);
      const certain = limits.length === one.known.length && one.known.length > 0;
      if (jump && items.length <= FEW) items = this.decided(items, decided);
      else if (!certain || !broad) items = items.filter((item) => this.mayBeMet(item, decided, certain));
      this.visit(one.then, { ...stand, items: this.cut(items, there.box) }, there);
    }
  }

  /** Parts that drop are told by small numbers, which limits do not say together. */
  private mayBeMet(item: Item, decided: Decided, limited: boolean): boolean {
    if (limited && !item.part.drops) return true;
    if (!this.grounds.thorough) return !this.grounds.deciding.isExcluded(item, decided);
    return this.grounds.chains.bdd.meets(item.where, this.grounds.deciding.conditionOf(decided.after));
  }

  private limited(items: readonly Item[], limits: readonly Limit[]): readonly Item[] {
    if (limits.length === 0) return items;
    return items.filter((item) => !isBeside(item, limits));
  }

  /** What a decision says of few items: those that it excludes, those that it makes certain, what it leaves of others. */
  private decided(items: readonly Item[], decided: Decided): readonly Item[] {
    if (!this.grounds.thorough) return this.grounds.deciding.decided(items, decided);
    const { bdd } = this.grounds.chains;
    const { away, before } = decided;
    const when = decided.one.when.ref;
    const after = this.grounds.deciding.conditionOf(decided.after);
    const other = bdd.without(this.grounds.deciding.conditionOf(before), when);
    const left: Item[] = [];
    for (const item of items) {
      if (item.kind === 'certain' || isBeside(item, away)) {
        left.push(item);
        continue;
      }
      const { where, most } = item;
      if (!bdd.meets(where, after)) continue;
      if (bdd.implies(after, most)) left.push(item.certain);
      else if (other !== FALSE && bdd.implies(other, most)) left.push(item.rest(bdd.and(where, when)));
      else left.push(item);
    }
    return left;
  }

  /** Without the items behind one that ends the way of all packets. */
  protected cut(items: readonly Item[], box: Box): readonly Item[] {
    const last = items.findIndex((item) => endsAll(item) || endsBox(item, box));
    if (last < 0 || last === items.length - 1) return items;
    const head = items.slice(0, last + 1);
    // A RETURN before it leads behind the jump to its chain.
    const { caller } = items[last].part;
    const returning = caller === undefined ? undefined : head.find(({ part }) => returns(part));
    if (returning === undefined) return head;
    return items;
  }
}
