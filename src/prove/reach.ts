import { endsWay, type Rule } from '../../grammar/model/ruleset.js';
import { FALSE, type Bdd, type Ref } from './bdd.js';
import type { RuleMeaning, Specification } from './specification.js';

/** What rules mean over the variables of a proof. */
export interface Meanings {
  readonly bdd: Bdd;
  readonly settings: { readonly specification: Specification };
  meaning(rule: Rule): RuleMeaning;
}

/** Packets at a rule, its number from 0. */
export interface Arrival {
  readonly chain: string;
  readonly at: number;
  readonly where: Ref;
}

/**
 * The fields with which a packet may come to a rule at which something differs: no earlier rule has ended its way, and
 * some rule jumps to the chain. Wider than what comes there for certain, as chains that are jumped to may end it, too.
 * FALSE: no packet comes there, and so the difference is none.
 */
export function reaching(proof: Meanings, { chain, at, where }: Arrival): Ref {
  const { specification } = proof.settings;
  const { bdd } = proof;
  const back = (name: string, number: number, left: Ref): Ref => {
    const rules = specification.rules(name);
    for (let i = Math.min(number, rules.length) - 1; i >= 0 && left !== FALSE; i--) {
      const { no, hot } = proof.meaning(rules[i]);
      left = endsWay(rules[i].target.effect) ? bdd.and(left, no) : bdd.without(left, hot);
    }
    if (name === specification.hookChain || left === FALSE) return left;
    for (const caller of specification.callersOf(name)) {
      const { yes } = proof.meaning(specification.rules(caller.chain)[caller.at]);
      const found = back(caller.chain, caller.at, bdd.and(left, yes));
      if (found !== FALSE) return found;
    }
    return FALSE;
  };
  return back(chain, at, where);
}
