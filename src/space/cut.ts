import { END, type List, type Lists } from './lists.js';
import type { Node } from './diagram.js';
import type { Sweep } from './sweep.js';

/** A list for one value of a variable after the other: what does not hang on the variable is put together once. */
export class Cut {
  /** Cells up to the last one that the variable decides something of; the others as they are. */
  readonly #cells: List[] = [];
  readonly #rest: List;
  /** Places of the cells that test the variable, by their test. */
  readonly #byTest = new Map<Node, number[]>();
  /** Places of calls whose lists test it. */
  readonly #calls: number[] = [];
  /** Places of the cells that do not hang on it, in order. */
  readonly #free: number[] = [];
  /** Of the free cells from each one on: the list that they make. */
  readonly #freeLists: List[] = [];

  constructor(
    private readonly lists: Lists,
    list: List,
    private readonly variable: number,
  ) {
    let at = list;
    for (; lists.topOf(at) <= variable; at = lists.cell(at).tail) this.#place(at);
    this.#rest = at;
    let free = at;
    for (let i = this.#free.length - 1; i >= 0; i--) {
      const { outcome, effect, body, rule } = lists.cell(this.#cells[this.#free[i]]);
      free = lists.put(outcome, effect, body, rule, free);
      this.#freeLists[i] = free;
    }
  }

  #place(list: List): void {
    const { lists, variable } = this;
    const place = this.#cells.push(list) - 1;
    const { outcome, body } = lists.cell(list);
    if (body !== END && lists.topOf(body) <= variable) this.#calls.push(place);
    else if (lists.diagrams.variableOf(outcome) === variable) {
      const others = this.#byTest.get(outcome);
      if (others === undefined) this.#byTest.set(outcome, [place]);
      else others.push(place);
    } else this.#free.push(place);
  }

  /** The list where the variable has the value that the sweep has come to; `known` remembers called lists there. */
  at(sweep: Sweep, value: number, known: Map<List, List>): List {
    const outcomes = this.#outcomesAt(sweep, value);
    const places = [...outcomes.keys()].sort((a, b) => b - a);
    // Behind the last cell that matches there are free ones alone.
    let free = places.length === 0 ? 0 : this.#firstFreeBehind(places[0]);
    let result = this.#freeLists[free] ?? this.#rest;
    for (const place of places) {
      for (; free > 0 && this.#free[free - 1] > place; free--) result = this.#put(this.#free[free - 1], result);
      const outcome = outcomes.get(place);
      if (outcome !== undefined) result = this.#putAs(place, outcome, value, known, result);
    }
    for (; free > 0; free--) result = this.#put(this.#free[free - 1], result);
    return result;
  }

  #outcomesAt(sweep: Sweep, value: number): ReadonlyMap<number, Node> {
    const { lists, variable } = this;
    const outcomes = new Map<number, Node>();
    for (const [test, outcome] of sweep.matching()) {
      for (const place of this.#byTest.get(test) ?? []) outcomes.set(place, outcome);
    }
    for (const place of this.#calls) {
      const { outcome } = lists.cell(this.#cells[place]);
      outcomes.set(
        place,
        lists.diagrams.variableOf(outcome) === variable ? lists.diagrams.childAt(outcome, value) : outcome,
      );
    }
    return outcomes;
  }

  #put(place: number, tail: List): List {
    const { outcome, effect, body, rule } = this.lists.cell(this.#cells[place]);
    return this.lists.put(outcome, effect, body, rule, tail);
  }

  #putAs(place: number, outcome: Node, value: number, known: Map<List, List>, tail: List): List {
    const { effect, body, rule } = this.lists.cell(this.#cells[place]);
    const inside = body === END ? END : this.lists.restrict(body, this.variable, value, known);
    return this.lists.put(outcome, effect, inside, rule, tail);
  }

  /** The first free cell behind a place, by its number among the free ones. */
  #firstFreeBehind(place: number): number {
    let [low, high] = [0, this.#free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#free[middle] > place) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
