import type { Condition } from '../model/condition.js';
import type { Family, TableName } from '../model/family.js';
import type { BoundMatch, BoundTarget } from '../model/ruleset.js';

/** What the text of a rule behind its counters means, wherever it stands. */
export interface SharedRule {
  readonly chain: string;
  readonly head: Condition;
  readonly matches: readonly BoundMatch[];
  readonly target: BoundTarget;
  /** Characters of the rule, without blanks behind it. */
  readonly length: number;
}

/** Where the same text is the same rule, but for the chains that it names. */
export interface SharedPlace {
  readonly family: Family;
  readonly table: TableName;
  /** As in Surroundings. */
  readonly mayBeOlder?: boolean;
}

/**
 * Rules of several dumps that have lines in common, such as two states of one firewall: a line of which one has been
 * read is not read again. For dumps that are read with the same hosts, sets and accounts.
 */
export class SharedRules {
  readonly #places = new Map<string, Map<string, SharedRule>>();

  /** Rules of a table by their text, to look up and to add to. */
  in({ family, table, mayBeOlder = false }: SharedPlace): Map<string, SharedRule> {
    const key = `${family} ${table} ${mayBeOlder}`;
    let rules = this.#places.get(key);
    if (rules === undefined) this.#places.set(key, (rules = new Map()));
    return rules;
  }
}
