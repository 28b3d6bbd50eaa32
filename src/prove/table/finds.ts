import { FALSE, type Ref } from '../bdd.js';
import { Condition } from './condition.js';
import { NOTHING, type Grounds, type Here } from './grounds.js';
import { tested, type Least } from './least.js';
import { inOrder } from './place-order.js';
import { ANYWHERE } from './rule-parts.js';
import { waysOut, type Entry, type Step } from './step.js';

export interface FindsSettings {
  readonly grounds: Grounds;
  readonly places: readonly Step[];
  /** Packets that begin at each place. */
  readonly starts: ReadonlyMap<number, Ref>;
  /** The greatest number that the look-up is given. */
  readonly most: bigint;
  readonly wanted: ReadonlySet<bigint>;
}

/**
 * For each of the wanted numbers that is found, the packets that seem to find it, as far as is known at the place before. It is only
 * a claim: that other boxes did not come first is left out.
 */
export function findsOf({ grounds, places, starts, most, wanted }: FindsSettings): ReadonlyMap<bigint, Ref> {
  const { bdd } = grounds.chains;
  const finds = new Map<bigint, Ref>();
  const known = new Map(starts);
  const order = inOrder(places, [...starts.keys()]);
  const leads = leadingTo(wanted, places, order);
  const add = (value: bigint, here: Here): void => {
    if (wanted.has(value)) finds.set(value, bdd.or(finds.get(value) ?? FALSE, grounds.conditionOf(here)));
  };
  const stand = ({ hit, next }: Entry, here: Here, given: Pick<Least, 'lo' | 'hi'>): void => {
    if (hit === undefined) return;
    add(hit, here);
    if (next !== undefined) follow(next, here, given);
  };
  const follow = (step: Step, here: Here, given: Pick<Least, 'lo' | 'hi'>): void => {
    if (!leads(step)) return;
    switch (step.kind) {
      case 'place':
        known.set(step.number, bdd.or(known.get(step.number) ?? FALSE, here.known));
        return;
      case 'found':
        if (step.value !== undefined) add(step.value, here);
        if (step.entry !== undefined) stand(step.entry, here, given);
        return;
      case 'stands':
        return stand(step.entry, here, given);
      case 'fork':
        for (const one of step.cases) {
          if (!leads(one.then)) continue;
          const isExclusion = one.known.length === 0 && one.refuted.length > 0;
          const there = isExclusion ? here : grounds.there(here, one, [], grounds.isBroad(one));
          if (grounds.conditionOf(there) !== FALSE) follow(one.then, there, given);
        }
        return;
      case 'test':
        return tested(step, given, (then, bounds) => follow(then, here, bounds));
      case 'flag':
        follow(step.set, here, given);
        return follow(step.clear, here, given);
      case 'event':
        return follow(step.then, here, given);
      case 'exit':
      case 'call':
      case 'look':
      case 'next':
      case 'split':
        return;
    }
  };
  for (const number of order) {
    const own = known.get(number);
    if (own === undefined || own === FALSE) continue;
    follow(
      places[number],
      { known: own, local: Condition.always, told: NOTHING, box: ANYWHERE, beside: undefined },
      { lo: 0n, hi: most },
    );
  }
  return finds;
}

/** Whether a step may lead to one of the wanted finds. */
function leadingTo(
  wanted: ReadonlySet<bigint>,
  places: readonly Step[],
  order: readonly number[],
): (step: Step) => boolean {
  const leading = new Uint8Array(places.length);
  const known = new Map<Step, boolean>();
  const leadsOn = (entry: Entry | undefined): boolean =>
    entry?.hit !== undefined && (wanted.has(entry.hit) || (entry.next !== undefined && leads(entry.next)));
  const leads = (step: Step): boolean => {
    switch (step.kind) {
      case 'place':
        return leading[step.number] === 1;
      case 'found':
        return (step.value !== undefined && wanted.has(step.value)) || leadsOn(step.entry);
      case 'stands':
        return leadsOn(step.entry);
      case 'fork':
      case 'test':
      case 'flag': {
        let own = known.get(step);
        if (own === undefined) known.set(step, (own = waysOut(step).some(leads)));
        return own;
      }
      case 'event':
        return leads(step.then);
      case 'exit':
      case 'call':
      case 'look':
      case 'next':
      case 'split':
        return false;
    }
  };
  // From the last place on: those behind a place are known before it.
  for (let i = order.length - 1; i >= 0; i--) leading[order[i]] = leads(places[order[i]]) ? 1 : 0;
  return leads;
}
