import { Cut } from './cut.js';
import { constant, FALSE, NO_VARIABLE, TRUE, type Node } from './diagram.js';
import { END, type List, type Lists } from './lists.js';
import { DROPPING, HOTDROP } from './outcome.js';
import type { Decider, Deciders } from './program.js';
import { Sweep } from './sweep.js';

/** What becomes of a packet: the verdict (src/space/program.ts verdictKey) and what decides. */
export interface Fate {
  readonly verdict: string;
  readonly decider: Decider;
  /** A test of the rule drops the packet at once. */
  readonly hotdrop: boolean;
  /** Strict: every rule that counts the packet before, in order, by its number in {@link Deciders}. */
  readonly counted: readonly number[];
}

/** Two fates of the same packets. */
export interface FatePair {
  readonly before: Fate;
  readonly after: Fate;
}

/** More steps than this are taken for none that ends. */
const MOST_STEPS = 5_000_000;

/** A question about packets that would take too long to answer. */
export class TooWideError extends Error {
  readonly code = 'too-wide';
}

/**
 * Follows lists of rules over all packets of a region at once: variable by variable, as far as something is undecided.
 * Results are diagrams whose constants are 0 outside the region (and where two lists do the same), else a number of
 * {@link pairs} or {@link fates} plus 1.
 */
export class Explorer {
  readonly pairs: FatePair[] = [];
  readonly fates: Fate[] = [];
  readonly #pairNumbers = new Map<string, number>();
  readonly #fateNumbers = new Map<string, number>();
  readonly #compared = new Map<string, Node>();
  readonly #decided = new Map<string, Node>();
  #steps = 0;

  constructor(
    private readonly lists: Lists,
    private readonly deciders: Deciders,
    private readonly mostSteps = MOST_STEPS,
  ) {}

  /** Where two lists come to different verdicts (strict: or count otherwise). */
  compare(region: Node, a: List, b: List): Node {
    const { lists } = this;
    if (region === FALSE || lists.senseOf(a) === lists.senseOf(b)) return FALSE;
    const top = Math.min(lists.topOf(a), lists.topOf(b));
    if (top === NO_VARIABLE) return this.#pairNode(region, a, b);
    const key = `${region} ${a} ${b}`;
    const known = this.#compared.get(key);
    if (known !== undefined) return known;
    const result = this.#split(region, top, [a, b], (inside, [x, y]) => this.compare(inside, x, y));
    this.#compared.set(key, result);
    return result;
  }

  /** What becomes of the packets of a region. */
  decide(region: Node, list: List): Node {
    if (region === FALSE) return FALSE;
    const top = this.lists.topOf(list);
    if (top === NO_VARIABLE) return this.#mark(region, this.#fateNumber(this.fateOf(list)) + 1);
    const key = `${region} ${list}`;
    const known = this.#decided.get(key);
    if (known !== undefined) return known;
    const result = this.#split(region, top, [list], (inside, [x]) => this.decide(inside, x));
    this.#decided.set(key, result);
    return result;
  }

  #split(region: Node, top: number, given: readonly List[], go: (region: Node, lists: readonly List[]) => Node): Node {
    const { lists } = this;
    const { diagrams } = lists;
    if (++this.#steps > this.mostSteps) throw new TooWideError('the packets are told apart by too much');
    const variable = Math.min(top, diagrams.variableOf(region));
    const tests = [...lists.testsOf(variable, given)];
    const split = diagrams.variableOf(region) === variable;
    const sweep = new Sweep(diagrams, tests);
    const edges = new Set<number>(split ? diagrams.highsOf(region) : []);
    for (const high of sweep.ends.keys()) edges.add(high);
    const highs = [...edges].sort((a, b) => a - b);
    const known = new Map<string, readonly List[]>();
    const cuts = given.map((list) => new Cut(lists, list, variable));
    const children = highs.map((high): Node => {
      const key = sweep.keyUpTo(high);
      const inside = split ? diagrams.childAt(region, high) : region;
      if (inside === FALSE) return FALSE;
      let cut = known.get(key);
      if (cut === undefined) {
        const memory = new Map<List, List>();
        cut = cuts.map((one) => one.at(sweep, high, memory));
        known.set(key, cut);
      }
      return go(inside, cut);
    });
    return diagrams.node(variable, highs, children);
  }

  /** The end of a list on which nothing hangs any more. */
  fateOf(list: List): Fate {
    const counted: number[] = [];
    for (let at = list; at !== END;) {
      const { outcome, effect, rule, tail } = this.lists.cell(at);
      const decider = this.deciders.get(rule);
      const hotdrop = outcome === HOTDROP || outcome === DROPPING;
      if (outcome === DROPPING) counted.push(rule);
      const rejects = outcome === DROPPING && effect.kind === 'verdict' && effect.key.startsWith('reject ');
      if (hotdrop) return { verdict: rejects ? effect.key : 'drop', decider, hotdrop, counted };
      if (decider.kind === 'rule') counted.push(rule);
      if (effect.kind === 'verdict') return { verdict: effect.key, decider, hotdrop, counted };
      at = tail;
    }
    throw new Error('a list without an end');
  }

  #pairNode(region: Node, a: List, b: List): Node {
    const [before, after] = [this.fateOf(a), this.fateOf(b)];
    if (before.verdict === after.verdict && (!this.lists.counts || this.#countsOf(before) === this.#countsOf(after))) {
      return FALSE;
    }
    const key = `${this.#keyOf(before)} | ${this.#keyOf(after)}`;
    let number = this.#pairNumbers.get(key);
    if (number === undefined) {
      number = this.pairs.push({ before, after }) - 1;
      this.#pairNumbers.set(key, number);
    }
    return this.#mark(region, number + 1);
  }

  #countsOf({ counted }: Fate): string {
    return counted.map((rule) => this.lists.keyOf(rule)).join(' ; ');
  }

  #keyOf(fate: Fate): string {
    const rules = this.lists.counts ? fate.counted.join() : '';
    return `${fate.verdict} ${nameOf(fate.decider)} ${fate.hotdrop ? 'h' : ''} ${rules}`;
  }

  #fateNumber(fate: Fate): number {
    const key = this.#keyOf(fate);
    let number = this.#fateNumbers.get(key);
    if (number === undefined) {
      number = this.fates.push(fate) - 1;
      this.#fateNumbers.set(key, number);
    }
    return number;
  }

  #mark(region: Node, value: number): Node {
    return region === TRUE ? constant(value) : this.lists.diagrams.map(region, (one) => (one === 1 ? value : 0));
  }
}

function nameOf(decider: Decider): string {
  return decider.kind === 'rule' ? `${decider.chain} ${decider.number}` : `policy ${decider.chain}`;
}
