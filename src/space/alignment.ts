import { FALSE, type Diagrams, type Node } from './diagram.js';
import type { FlatRule } from './flat.js';
import { Columns } from './columns.js';
import { FirstHit } from '../evaluate/first-hit.js';
import type { Hull, Hulls } from './hull.js';

/** Beyond so many rules that one side alone has, two lists are not aligned. */
const MOST_EDITS = 2000;

export const BEFORE = 0;
export const AFTER = 1;
export const SIDES = [BEFORE, AFTER] as const;
export type SideNumber = (typeof SIDES)[number];

/** A rule of one list or of both: there it has the same outcome and verdict, between the same other ones. */
export interface AlignedRule extends Pick<FlatRule, 'outcome' | 'verdict' | 'ends' | 'counts' | 'leaves'> {
  /** Its number among the deciders, on each side; undefined where it is not there. */
  readonly deciders: readonly [before: number | undefined, after: number | undefined];
  /** Places at which packets go on that leave its chain, on each side. */
  readonly to: readonly [before: number, after: number];
  /** Around the packets that it ends the way of, counts, or leads past others. */
  readonly hull: Hull;
}

/** The way of a packet through the rules of a side. */
export interface Walk {
  /** Place of the rule that ends it. */
  readonly deciding: number;
  /** Places of the rules that have led it past others. */
  readonly left: readonly number[];
}

/** Two lists as one, in an order that each of them keeps. */
export class Alignment {
  readonly #columns: Columns;
  readonly #first: FirstHit;
  /** Of each side: for each place the innermost chain that packets have left before. */
  readonly #leaving: readonly (readonly (Leaving | undefined)[])[];

  /** Rules that packets leave a chain at. */
  #leaves: Leaves | undefined;
  /** Those near the rule that was looked at last. */
  #near: { readonly place: number; readonly places: readonly number[] } = { place: -1, places: [] };

  private constructor(
    private readonly diagrams: Diagrams,
    readonly rules: readonly AlignedRule[],
  ) {
    const hulls = rules.map(({ hull }) => hull);
    this.#columns = new Columns(hulls);
    this.#first = new FirstHit(hulls, (variable) => diagrams.sizeOf(variable));
    this.#leaving = SIDES.map((side) => leavingOf(rules, side));
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
      rules.map(({ outcome, verdict, leaves, rule }) => `${outcome} ${verdict ?? ''} ${leaves} ${keyOf(rule)}`);
    const edits = diffArrays(keys(before), keys(after), { maxEditLength: MOST_EDITS });
    if (edits === undefined) return undefined;
    const rows: Row[] = [];
    let [i, j] = [0, 0];
    for (const { value, added, removed } of edits) {
      for (let n = value.length; n > 0; n--) {
        if (added) rows.push({ before: undefined, after: after[j++] });
        else rows.push({ before: before[i++], after: removed ? undefined : after[j++] });
      }
    }
    const whole = leavingAlike(rows);
    const places = SIDES.map((side) => placesOf(whole, side));
    const rules = whole.map((row): AlignedRule => {
      const { outcome, verdict, ends, counts, leaves } = row.before ?? row.after;
      const to = SIDES.map((side) => places[side][sideOf(row, side)?.to ?? 0]);
      return {
        ...{ outcome, verdict, ends, counts, leaves },
        to: [to[BEFORE], to[AFTER]],
        deciders: [row.before?.rule, row.after?.rule],
        hull: hulls.of(diagrams.anyOf([ends, counts, leaves])),
      };
    });
    return new Alignment(diagrams, rules);
  }

  /** Places of the rules, below `end`, that may match a packet of a rectangle. */
  near(hull: Hull, end?: number): readonly number[] {
    return this.#columns.meeting(hull, end);
  }

  /** The way of a packet on a side. */
  walk(side: SideNumber, valueOf: (variable: number) => number): Walk {
    const { rules, diagrams } = this;
    const holds = (node: Node): boolean => (node < 0 ? node !== FALSE : diagrams.evaluate(node, valueOf) === 1);
    const left: number[] = [];
    for (let from = 0; ;) {
      const place = this.#first.find(valueOf, from, rules.length, (one) => {
        const { deciders, ends, leaves } = rules[one];
        return deciders[side] !== undefined && (holds(ends) || holds(leaves));
      });
      const { ends, leaves, to } = rules[place];
      if (leaves === FALSE || holds(ends)) return { deciding: place, left };
      left.push(place);
      from = to[side];
    }
  }

  /**
   * Where a rule ends the way of packets that have not passed it by, on a side: as far as what leads past it comes
   * back up to `end`.
   */
  endingBefore(end: number, place: number, side: SideNumber): Node {
    const { rules, diagrams } = this;
    const { ends } = rules[place];
    const past: Leaving[] = [];
    for (let chain = this.#leaving[side][place]; chain !== undefined && chain.to <= end; chain = chain.outer)
      past.push(chain);
    const outermost = past.pop();
    if (outermost === undefined || ends === FALSE) return ends;
    let known = outermost.ending.get(place);
    if (known === undefined) {
      const leaves = this.#leavingNear(place)
        .filter(
          (one) => rules[one].deciders[side] !== undefined && rules[one].to[side] > place && rules[one].to[side] <= end,
        )
        .map((one) => rules[one].leaves);
      known = diagrams.and(ends, diagrams.not(diagrams.anyOf(leaves.map((node) => diagrams.and(ends, node)))));
      outermost.ending.set(place, known);
    }
    return known;
  }

  /** Places before a rule at which packets that it may match leave a chain; asked for one side after the other. */
  #leavingNear(place: number): readonly number[] {
    if (this.#near.place !== place) {
      const { rows, places, columns } = (this.#leaves ??= leavesOf(this.rules));
      const near = columns.meeting(this.rules[place].hull, rows[place]).map((row) => places[row]);
      this.#near = { place, places: near };
    }
    return this.#near.places;
  }

  /** Whether something may lead past a rule, on a side. */
  isPassed(place: number, side: SideNumber): boolean {
    return this.#leaving[side][place] !== undefined;
  }
}

/** Rules that packets leave a chain at, on either side. */
interface Leaves {
  readonly places: readonly number[];
  readonly columns: Columns;
  /** For each place how many of them stand before it. */
  readonly rows: readonly number[];
}

function leavesOf(rules: readonly AlignedRule[]): Leaves {
  const places = rules.flatMap(({ leaves }, place) => (leaves === FALSE ? [] : [place]));
  let count = 0;
  const rows = rules.map(({ leaves }) => (leaves === FALSE ? count : count++));
  return { places, rows, columns: new Columns(places.map((place) => rules[place].hull)) };
}

/** A chain that packets leave early, on one side. */
interface Leaving {
  /** Place where they go on. */
  readonly to: number;
  /** The chain around it that packets have left before. */
  readonly outer: Leaving | undefined;
  /** Where rules end the way of those that have left neither it nor one inside. */
  readonly ending: Map<number, Node>;
}

/** A rule of both lists, or of one of them. */
type Row =
  | { readonly before: FlatRule; readonly after: FlatRule | undefined }
  | { readonly before: undefined; readonly after: FlatRule };

function sideOf(row: Row, side: SideNumber): FlatRule | undefined {
  return side === BEFORE ? row.before : row.after;
}

/** The place of each rule of a side. */
function placesOf(rows: readonly Row[], side: SideNumber): readonly number[] {
  return rows.flatMap((row, place) => (sideOf(row, side) === undefined ? [] : [place]));
}

/** Rules that lead past others on one side than on the other are not the same. */
function leavingAlike(rows: readonly Row[]): readonly Row[] {
  const [before, after] = SIDES.map((side) => placesOf(rows, side));
  let common = 0;
  const commonBefore = rows.map((row) => (row.before !== undefined && row.after !== undefined ? common++ : common));
  return rows.flatMap((row): readonly Row[] => {
    if (row.before === undefined || row.after === undefined || row.before.leaves === FALSE) return [row];
    if (commonBefore[before[row.before.to]] === commonBefore[after[row.after.to]]) return [row];
    return [
      { before: row.before, after: undefined },
      { before: undefined, after: row.after },
    ];
  });
}

/** For each place the innermost chain that packets have left before, to come back behind. */
function leavingOf(rules: readonly AlignedRule[], side: SideNumber): readonly (Leaving | undefined)[] {
  let open: Leaving | undefined;
  return rules.map(({ leaves, deciders, to }, place) => {
    while (open !== undefined && open.to <= place) open = open.outer;
    const here = open;
    if (leaves === FALSE || deciders[side] === undefined) return here;
    if (open?.to !== to[side]) open = { to: to[side], outer: open, ending: new Map() };
    return here;
  });
}

/** Whether both sides have the rule. */
export function isCommon({ deciders: [before, after] }: AlignedRule): boolean {
  return before !== undefined && after !== undefined;
}
