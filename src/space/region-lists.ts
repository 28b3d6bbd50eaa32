import type { Node } from './diagram.js';
import { hullOf, Inside } from './hull.js';
import { END, type List, type Lists } from './lists.js';
import { NO } from './outcome.js';

/** Lists as far as they concern a region that is not empty: few rules meet it, and of these some tests are certain there. */
export class RegionLists {
  readonly #inside: Inside;
  readonly #outcomes = new Map<Node, Node>();
  readonly #known = new Map<List, List>([[END, END]]);

  constructor(
    private readonly lists: Lists,
    private readonly region: Node,
  ) {
    this.#inside = new Inside(lists.diagrams, hullOf(lists.diagrams, region));
  }

  /** A list that does the same to the packets of the region, without the rules that match none of them. */
  of(list: List): List {
    const passed: List[] = [];
    let result: List | undefined;
    for (let at = list; (result = this.#known.get(at)) === undefined; at = this.lists.cell(at).tail) passed.push(at);
    for (let i = passed.length - 1; i >= 0; i--) {
      const { outcome, effect, body, rule } = this.lists.cell(passed[i]);
      const here = this.#outcome(outcome);
      if (here !== NO) result = this.lists.put(here, effect, this.of(body), rule, result);
      this.#known.set(passed[i], result);
    }
    return result;
  }

  /** An outcome that is the same in the region; "no" where it is that everywhere. */
  #outcome(outcome: Node): Node {
    let here = this.#outcomes.get(outcome);
    if (here === undefined) this.#outcomes.set(outcome, (here = this.#make(outcome)));
    return here;
  }

  #make(outcome: Node): Node {
    const { lists, region } = this;
    if (!this.#inside.meets(lists.hullOf(outcome))) return NO;
    const here = this.#inside.simplified(outcome);
    if (here === NO || this.#inside.isAll(region)) return here;
    return lists.diagrams.meet(lists.matching(here), region) ? here : NO;
  }
}
