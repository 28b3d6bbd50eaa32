import { FALSE, NO_VARIABLE, type Node } from '../space/diagram.js';
import { END, type List, type Lists } from '../space/lists.js';
import { YES } from '../space/outcome.js';
import { Sweep } from '../space/sweep.js';

/** The verdict of a list whose packets come to the rule that is asked about. */
export const COMES = 'comes';

/** Looks for packets that a list lets through to its end, whose verdict is {@link COMES}. */
export class WitnessSearch {
  readonly #refuted = new Set<string>();
  #left = 0;

  constructor(private readonly lists: Lists) {}

  /** What the last search has left of its work. */
  get left(): number {
    return this.#left;
  }

  /**
   * A part of the region whose packets come to the end of the list; FALSE if there is none; undefined if `work` (cells
   * and values that are looked at) was not enough to know.
   */
  find(region: Node, list: List, work: number): Node | undefined {
    this.#left = work;
    this.#refuted.clear();
    const found = this.#find(region, list);
    return found === FALSE && this.#left < 0 ? undefined : found;
  }

  #find(region: Node, list: List): Node {
    const { lists } = this;
    const { diagrams } = lists;
    if (region === FALSE || this.#left < 0) return FALSE;
    const first = lists.cell(list);
    if (first.outcome === YES && first.effect.kind === 'verdict') return first.effect.key === COMES ? region : FALSE;
    const top = lists.topOf(list);
    if (top === NO_VARIABLE) return this.#comes(list) ? region : FALSE;
    const key = `${region} ${list}`;
    if (this.#refuted.has(key)) return FALSE;
    const variable = Math.min(top, diagrams.variableOf(region));
    const own = diagrams.variableOf(region) === variable;
    const sweep = new Sweep(diagrams, [...lists.testsOf(variable, [list])]);
    const highs = [...new Set([...(own ? diagrams.highsOf(region) : []), ...sweep.ends.keys()])].sort((a, b) => a - b);
    const parts = highs
      .map((high, i) => ({
        lo: i === 0 ? 0 : highs[i - 1] + 1,
        high,
        key: sweep.keyUpTo(high),
        inside: own ? diagrams.childAt(region, high) : region,
      }))
      .filter(({ inside }) => inside !== FALSE)
      .sort((a, b) => a.key.length - b.key.length);
    this.#left -= parts.length;
    const seen = new Set<string>();
    for (const { lo, high, key: same, inside } of parts) {
      if (seen.has(`${inside} ${same}`)) continue;
      seen.add(`${inside} ${same}`);
      const found = this.#find(inside, this.#restrict(list, variable, high));
      if (found !== FALSE) return diagrams.and(diagrams.test(variable, [[lo, high]]), found);
      if (this.#left < 0) return FALSE;
    }
    this.#refuted.add(key);
    return FALSE;
  }

  #restrict(list: List, variable: number, value: number): List {
    const known = new Map<List, List>();
    const result = this.lists.restrict(list, variable, value, known);
    this.#left -= known.size + 1;
    return result;
  }

  /** Where nothing hangs on the packet any more. */
  #comes(list: List): boolean {
    for (let at = list; at !== END; at = this.lists.cell(at).tail) {
      const { outcome, effect } = this.lists.cell(at);
      if (outcome !== YES) return false;
      if (effect.kind === 'verdict') return effect.key === COMES;
    }
    return false;
  }
}
