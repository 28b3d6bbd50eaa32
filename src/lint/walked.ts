import { FirstHit } from '../evaluate/first-hit.js';
import { Columns } from '../space/columns.js';
import { FALSE, TRUE, type Diagrams, type Node } from '../space/diagram.js';
import { Hulls } from '../space/hull.js';
import { END, type CellEffect, type List, type Lists } from '../space/lists.js';
import { OUTCOME } from '../space/outcome.js';

/** A rule on a list, with what is asked of it again and again. */
export interface Step {
  readonly outcome: Node;
  readonly effect: CellEffect;
  readonly body: List;
  /** Number of the rule among the deciders. */
  readonly rule: number;
  /** The list that begins here. */
  readonly list: List;
  /** Where it matches: counts the packet, and does what its target says. */
  readonly matches: Node;
  /** Where it ends the packet's way through the list it stands on, or may do so. */
  readonly ends: Node;
}

/** A list as an array. */
export interface Walked {
  readonly steps: readonly Step[];
  /** Around the packets whose way the rules may end. */
  readonly columns: Columns;
  readonly first: FirstHit;
}

/** Nodes that are looked at before pairs of them are remembered. */
const PLAIN_MEET = 300;

/** Lists of rules, step by step. */
export class Walks {
  readonly #known = new Map<List, Walked>();
  readonly #rules = new Map<List, readonly number[]>();
  #left = 0;
  readonly #maps = [new Map<Node, Node>(), new Map<Node, Node>(), new Map<Node, Node>()];

  /** Rectangles around what rules match. */
  readonly hulls: Hulls;

  constructor(private readonly lists: Lists) {
    this.hulls = new Hulls(lists.diagrams);
  }

  get #diagrams(): Diagrams {
    return this.lists.diagrams;
  }

  of(list: List): Walked {
    let known = this.#known.get(list);
    if (known === undefined) {
      const steps: Step[] = [];
      for (let at = list; at !== END; at = this.lists.cell(at).tail) steps.push(this.#step(at));
      const hulls = steps.map(({ ends }) => this.hulls.of(ends));
      known = {
        steps,
        columns: new Columns(hulls),
        first: new FirstHit(
          hulls.map((hull, i) => (steps[i].ends === FALSE ? undefined : hull)),
          (variable) => this.#diagrams.sizeOf(variable),
        ),
      };
      this.#known.set(list, known);
    }
    return known;
  }

  /** Every rule on a list and on those that it calls. */
  rulesOn(list: List): readonly number[] {
    let known = this.#rules.get(list);
    if (known === undefined) {
      const all = new Set<number>();
      for (let at = list; at !== END; at = this.lists.cell(at).tail) {
        const { rule, body } = this.lists.cell(at);
        all.add(rule);
        if (body !== END) for (const one of this.rulesOn(body)) all.add(one);
      }
      known = [...all];
      this.#rules.set(list, known);
    }
    return known;
  }

  /** Where the outcome is yes, or yes and the packet is dropped. */
  matches(outcome: Node): Node {
    if (this.#diagrams.isBoolean(outcome)) return outcome;
    const is = (value: number): number => (value === OUTCOME.yes || value === OUTCOME.dropping ? 1 : 0);
    return this.#diagrams.map(outcome, is, this.#maps[0]);
  }

  /** Where a test of the rule drops the packet at once. */
  drops(outcome: Node): Node {
    if (this.#diagrams.isBoolean(outcome)) return FALSE;
    const is = (value: number): number => (value === OUTCOME.hotdrop || value === OUTCOME.dropping ? 1 : 0);
    return this.#diagrams.map(outcome, is, this.#maps[1]);
  }

  #step(list: List): Step {
    const { outcome, effect, body, rule } = this.lists.cell(list);
    const matches = this.matches(outcome);
    const ends =
      effect.kind === 'go-on' || ((effect.kind === 'call' || effect.kind === 'enter') && !this.#mayEnd(body))
        ? this.drops(outcome)
        : this.#diagrams.isBoolean(outcome)
          ? outcome
          : this.#diagrams.map(outcome, (value) => (value === OUTCOME.no ? 0 : 1), this.#maps[2]);
    return { outcome, effect, body, rule, list, matches, ends };
  }

  /** Whether two functions of 0 and 1 hold for some values: as `meet` of the diagrams, without remembering each pair. */
  meet(a: Node, b: Node): boolean {
    this.#left = PLAIN_MEET;
    const met = this.#meet(a, b);
    return this.#left < 0 ? this.#diagrams.meet(a, b) : met;
  }

  #meet(a: Node, b: Node): boolean {
    if (a === FALSE || b === FALSE || --this.#left < 0) return false;
    if (a === TRUE || b === TRUE || a === b) return true;
    const diagrams = this.#diagrams;
    const [left, right] = [diagrams.variableOf(a), diagrams.variableOf(b)];
    if (left < right) return diagrams.childrenOf(a).some((child) => this.#meet(child, b));
    if (right < left) return diagrams.childrenOf(b).some((child) => this.#meet(a, child));
    const [aHighs, aKids, bHighs, bKids] = [
      ...[diagrams.highsOf(a), diagrams.childrenOf(a)],
      ...[diagrams.highsOf(b), diagrams.childrenOf(b)],
    ];
    for (let i = 0, j = 0; i < aHighs.length && j < bHighs.length;) {
      if (aKids[i] !== FALSE && bKids[j] !== FALSE && this.#meet(aKids[i], bKids[j])) return true;
      const order = aHighs[i] - bHighs[j];
      if (order <= 0) i++;
      if (order >= 0) j++;
    }
    return false;
  }

  #mayEnd(body: List): boolean {
    return this.of(body).steps.some(({ ends, effect, outcome }) =>
      effect.kind === 'return' ? this.drops(outcome) !== FALSE : ends !== FALSE,
    );
  }
}
