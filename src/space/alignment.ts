import { FALSE, type Diagrams } from './diagram.js';
import type { FlatRule } from './flat.js';
import { Columns } from './columns.js';
import { FirstHit } from '../evaluate/first-hit.js';
import type { Hull, Hulls } from './hull.js';

/** Beyond so many rules that one side alone has, two lists are not aligned. */
const MOST_EDITS = 400;

export const BEFORE = 0;
export const AFTER = 1;
export const SIDES = [BEFORE, AFTER] as const;
export type SideNumber = (typeof SIDES)[number];

/** A rule of one list or of both: there it has the same outcome and verdict, between the same other ones. */
export interface AlignedRule extends Pick<FlatRule, 'outcome' | 'verdict' | 'ends' | 'counts'> {
  /** Its number among the deciders, on each side; undefined where it is not there. */
  readonly deciders: readonly [before: number | undefined, after: number | undefined];
  /** Around the packets that it ends the way of, or counts. */
  readonly hull: Hull;
}

/** Two lists as one, in an order that each of them keeps. */
export class Alignment {
  readonly #columns: Columns;
  readonly #first: FirstHit;

  private constructor(
    private readonly diagrams: Diagrams,
    readonly rules: readonly AlignedRule[],
  ) {
    const hulls = rules.map(({ hull }) => hull);
    this.#columns = new Columns(hulls);
    this.#first = new FirstHit(hulls, (variable) => diagrams.sizeOf(variable));
  }

  /** Undefined where the lists differ in more than some rules. */
  static async of(
    diagrams: Diagrams,
    hulls: Hulls,
    before: readonly FlatRule[],
    after: readonly FlatRule[],
    /** The same text for rules that count the same, where that is asked. */
    keyOf: (rule: number) => string = () => '',
  ): Promise<Alignment | undefined> {
    const { diffArrays } = await import('diff');
    const keys = (rules: readonly FlatRule[]): string[] =>
      rules.map(({ outcome, verdict, rule }) => `${outcome} ${verdict ?? ''} ${keyOf(rule)}`);
    const edits = diffArrays(keys(before), keys(after), { maxEditLength: MOST_EDITS });
    if (edits === undefined) return undefined;
    const rules: AlignedRule[] = [];
    let [i, j] = [0, 0];
    for (const { value, added, removed } of edits) {
      for (let n = value.length; n > 0; n--) {
        const { outcome, verdict, ends, counts } = added ? after[j] : before[i];
        const deciders = [added ? undefined : before[i++].rule, removed ? undefined : after[j++].rule] as const;
        rules.push({ outcome, verdict, ends, counts, deciders, hull: hulls.of(diagrams.or(ends, counts)) });
      }
    }
    return new Alignment(diagrams, rules);
  }

  /** Places of the rules, below `end`, that may match a packet of a rectangle. */
  near(hull: Hull, end?: number): readonly number[] {
    return this.#columns.meeting(hull, end);
  }

  /** Place of the rule that ends the way of a packet on a side. */
  deciding(side: SideNumber, valueOf: (variable: number) => number): number {
    const { rules, diagrams } = this;
    return this.#first.find(valueOf, 0, rules.length, (place) => {
      const { deciders, ends } = rules[place];
      return deciders[side] !== undefined && (ends < 0 ? ends !== FALSE : diagrams.evaluate(ends, valueOf) === 1);
    });
  }
}

/** Whether both sides have the rule. */
export function isCommon({ deciders: [before, after] }: AlignedRule): boolean {
  return before !== undefined && after !== undefined;
}
