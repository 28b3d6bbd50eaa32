import type { Node } from './diagram.js';
import { hullOf, Inside, type Hulls } from './hull.js';
import { END, type List, type Lists } from './lists.js';
import { NO } from './outcome.js';

/** Lists as far as they concern a region that is not empty: few rules meet it, and of these some tests are certain there. */
export class RegionLists {
  readonly #inside: Inside;
  /** By node: its outcome here, where that is no constant 1 more, so that 0 is none. */
  readonly #outcomes: Int32Array;
  /** By list: what it is here, and 1 more. */
  readonly #known: Int32Array;

  constructor(
    private readonly lists: Lists,
    private readonly hulls: Hulls,
    private readonly region: Node,
  ) {
    this.#inside = new Inside(lists.diagrams, hullOf(lists.diagrams, region));
    this.#outcomes = new Int32Array(lists.diagrams.nodeCount);
    this.#known = new Int32Array(lists.count);
    this.#known[END] = END + 1;
  }

  /** A list that does the same to the packets of the region, without the rules that match none of them. */
  of(list: List): List {
    const passed: List[] = [];
    let at = list;
    for (; this.#known[at] === 0; at = this.lists.cell(at).tail) passed.push(at);
    let result = this.#known[at] - 1;
    for (let i = passed.length - 1; i >= 0; i--) {
      const { outcome, effect, body, rule } = this.lists.cell(passed[i]);
      const here = this.#outcome(outcome);
      if (here !== NO) result = this.lists.put(here, effect, this.of(body), rule, result);
      this.#known[passed[i]] = result + 1;
    }
    return result;
  }

  /** An outcome that is the same in the region; "no" where it is that everywhere. */
  #outcome(outcome: Node): Node {
    if (outcome < 0) return outcome;
    const known = this.#outcomes[outcome];
    if (known !== 0) return known < 0 ? known : known - 1;
    const here = this.#make(outcome);
    this.#outcomes[outcome] = here < 0 ? here : here + 1;
    return here;
  }

  #make(outcome: Node): Node {
    const { lists, region } = this;
    if (!this.#inside.meets(this.hulls.of(lists.matching(outcome)))) return NO;
    const here = this.#inside.simplified(outcome);
    if (here === NO || this.#inside.isAll(region)) return here;
    return lists.diagrams.meet(lists.matching(here), region) ? here : NO;
  }
}
