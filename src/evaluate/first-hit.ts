/** What a rule matches lies inside of it: outside of one range of each of some variables it matches nothing. */
export interface Rectangle {
  readonly variables: readonly number[];
  /** Of each variable: its first and its last value. */
  readonly least: readonly number[];
  readonly most: readonly number[];
}

/** Rules that are narrow in no variable, or so few that they are looked at one by one: their numbers, rising. */
type Few = readonly number[];

/** Rules by the values of one variable that they may match: a segment tree, its leaves behind each other from `count` on. */
interface Level {
  readonly variable: number;
  /** First value of each run of values that no rule tells apart, from 0 on. */
  readonly starts: Float64Array;
  /** Of each node of the tree the rules that hold all of its values, rising; none is undefined. */
  readonly tree: readonly (number[] | undefined)[];
  /** Rules that match any value of the variable. */
  readonly rest: Level | Few;
}

const NOWHERE: Rectangle = { variables: [], least: [], most: [] };

/** So few rules are looked at one by one. */
const FEW = 12;

/**
 * Finds the first of many rules that matches a point, without looking at all of them: by the rectangles around what they
 * match, one variable after the other (segment trees: Bentley 1977).
 */
export class FirstHit {
  readonly #level: Level | Few;

  readonly #rectangles: readonly Rectangle[];

  /** A rectangle for each rule, by its number; undefined for those that match nothing. */
  constructor(
    rectangles: readonly (Rectangle | undefined)[],
    private readonly sizeOf: (variable: number) => number,
  ) {
    this.#rectangles = rectangles.map((one) => one ?? NOWHERE);
    this.#level = this.#build(rectangles.flatMap((one, rule) => (one === undefined ? [] : [rule])));
  }

  /**
   * The number of the first rule from `from` on and below `end` that `holds`, which is asked of rules alone whose
   * rectangle may hold the point; `end` if there is none.
   */
  find(valueOf: (variable: number) => number, from: number, end: number, holds: (rule: number) => boolean): number {
    let first = end;
    const look = (rules: readonly number[]): void => {
      for (let i = from === 0 ? 0 : placeFrom(rules, from); i < rules.length && rules[i] < first; i++) {
        if (holds(rules[i])) first = rules[i];
      }
    };
    let here = this.#level;
    while ('tree' in here) {
      const { variable, starts, tree, rest } = here;
      for (let node = starts.length + runOf(starts, valueOf(variable)); node > 0; node >>= 1) {
        const rules = tree[node];
        if (rules !== undefined) look(rules);
      }
      here = rest;
    }
    look(here);
    return first;
  }

  #build(rules: readonly number[]): Level | Few {
    if (rules.length <= FEW) return rules;
    const variable = this.#mostTold(rules);
    return variable === undefined ? rules : this.#split(variable, rules);
  }

  /** The variable that tells most of the rules apart. */
  #mostTold(rules: readonly number[]): number | undefined {
    const lows = new Map<number, Set<number>>();
    for (const rule of rules) {
      const { variables, least, most } = this.#rectangles[rule];
      for (let i = 0; i < variables.length; i++) {
        if (!this.#leavesOut(variables[i], least[i], most[i])) continue;
        const seen = lows.get(variables[i]);
        if (seen === undefined) lows.set(variables[i], new Set([least[i]]));
        else seen.add(least[i]);
      }
    }
    let best: number | undefined;
    let told = 0;
    for (const [variable, { size }] of lows) if (size > told) [best, told] = [variable, size];
    return best;
  }

  #leavesOut(variable: number, lo: number, hi: number): boolean {
    return lo > 0 || hi < this.sizeOf(variable) - 1;
  }

  #split(variable: number, rules: readonly number[]): Level {
    const own: number[] = [];
    const rest: number[] = [];
    const edges = new Set<number>([0]);
    for (const rule of rules) {
      const { variables, least, most } = this.#rectangles[rule];
      const i = variables.indexOf(variable);
      if (i < 0 || !this.#leavesOut(variable, least[i], most[i])) rest.push(rule);
      else {
        own.push(rule);
        edges.add(least[i]);
        edges.add(most[i] + 1);
      }
    }
    const starts = Float64Array.from(edges).sort();
    const tree: (number[] | undefined)[] = new Array<number[] | undefined>(2 * starts.length);
    const put = (node: number, rule: number): void => {
      const there = tree[node];
      if (there === undefined) tree[node] = [rule];
      else there.push(rule);
    };
    for (const rule of own) {
      const { variables, least, most } = this.#rectangles[rule];
      const i = variables.indexOf(variable);
      let from = starts.length + runOf(starts, least[i]);
      let to = starts.length + runOf(starts, most[i]) + 1;
      for (; from < to; from >>= 1, to >>= 1) {
        if (from & 1) put(from++, rule);
        if (to & 1) put(--to, rule);
      }
    }
    return { variable, starts, tree, rest: this.#build(rest) };
  }
}

/** The run that a value lies in. */
function runOf(starts: Float64Array, value: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The place of the first number that is not below `from`. */
function placeFrom(numbers: readonly number[], from: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
