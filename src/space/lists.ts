import { NO_VARIABLE, type Diagrams, type Node } from './diagram.js';
import { mix } from './pair-table.js';
import { DROPPING, HOTDROP, NO, OUTCOME, YES } from './outcome.js';

/** A list of rules as far as it is not decided yet: the number of its first cell; {@link END} is the empty list. */
export type List = number;
export const END: List = 0;

/** What a cell does to a packet that it matches. */
export type CellEffect =
  /** Ends the walk; `key` is the same for the same verdict, `drops` where it is a plain drop. */
  | { readonly kind: 'verdict'; readonly key: string }
  | { readonly kind: 'return' }
  /** Nothing that a verdict hangs on. */
  | { readonly kind: 'go-on' }
  /** Walks through another list, and comes back behind this cell; `enter` is no rule, and nothing counts it. */
  | { readonly kind: 'call' | 'enter' }
  /** Walks through another list, and comes back to where this list was called from. */
  | { readonly kind: 'goto' };

const RETURN: CellEffect = { kind: 'return' };
const GO_ON: CellEffect = { kind: 'go-on' };

interface Cell {
  readonly outcome: Node;
  readonly effect: CellEffect;
  /** Number of the effect. */
  readonly kind: number;
  readonly body: List;
  /** Number of the rule. */
  readonly rule: number;
  readonly tail: List;
  /** Equal for lists that do the same to every packet as far as their cells show. */
  readonly sense: number;
  /** First variable that any cell tests. */
  readonly top: number;
  /** Some cell may leave the list before its end. */
  readonly leaves: boolean;
}

const EMPTY: Cell = {
  outcome: NO,
  effect: GO_ON,
  kind: -1,
  body: END,
  rule: -1,
  tail: END,
  sense: 0,
  top: NO_VARIABLE,
  leaves: false,
};

/** What of the rules is kept: what they count, which of them decides, or the verdict alone. */
export type Detail = 'counts' | 'deciders' | 'verdicts';

/**
 * Lists of rules with what they come to as diagrams, hash-consed and simplified: what cannot match is gone, what stands
 * behind a certain verdict too, calls that are certain are opened. The less detail is kept, the more lists are the same.
 */
export class Lists {
  /** Every rule that counts a packet is kept. */
  readonly counts: boolean;
  readonly #cells: Cell[] = [EMPTY];
  /** First cell, and first sense, of each hash value; the next ones of the same. */
  readonly #first = new Map<number, List>();
  readonly #next: List[] = [END];
  readonly #senses = new NumberTuples();
  readonly #names = new Map<string, number>();
  readonly #maps = new Map<number, Map<Node, Node>>();
  readonly #effects = new Map<string, number>();

  constructor(
    readonly diagrams: Diagrams,
    readonly detail: Detail,
    /** The same text for rules that count the same. */
    readonly keyOf: (rule: number) => string,
  ) {
    this.counts = detail === 'counts';
  }

  /** Lists that there are, the empty one among them. */
  get count(): number {
    return this.#cells.length;
  }

  cell(list: List): Cell {
    return this.#cells[list];
  }

  topOf(list: List): number {
    return this.#cells[list].top;
  }

  senseOf(list: List): number {
    return this.#cells[list].sense;
  }

  /** A rule in front of a list. */
  put(given: Node, effect: CellEffect, body: List, by: number, tail: List): List {
    const verdicts = this.detail === 'verdicts';
    const rule = verdicts ? 0 : by;
    const outcome = verdicts ? this.#plain(given, effect, tail) : given;
    if (outcome === NO) return tail;
    if (outcome === HOTDROP) return this.#make(outcome, GO_ON, END, rule, END);
    if (outcome === DROPPING) return this.#make(outcome, effect.kind === 'verdict' ? effect : GO_ON, END, rule, END);
    switch (effect.kind) {
      case 'verdict':
        if (verdicts && this.#isVerdict(tail, effect.key) && isPlain(this.diagrams, outcome)) {
          return tail;
        }
        return this.#make(outcome, effect, END, rule, outcome === YES ? END : tail);
      case 'return':
        if (verdicts && tail === END && isPlain(this.diagrams, outcome)) return END;
        if (outcome !== YES) return this.#make(outcome, effect, END, rule, tail);
        return this.counts ? this.#make(YES, GO_ON, END, rule, END) : END;
      case 'go-on':
        return this.#goOn(outcome, rule, tail);
      case 'enter':
        return this.#cells[body].leaves ? this.#make(outcome, effect, body, rule, tail) : this.#append(body, tail);
      case 'call':
      case 'goto':
        return this.#call(outcome, effect, body, rule, tail);
    }
  }

  /** Being dropped at once is being dropped. */
  #plain(outcome: Node, effect: CellEffect, tail: List): Node {
    if (isPlain(this.diagrams, outcome)) return outcome;
    const drops = effect.kind === 'verdict' && effect.key === DROP_KEY;
    const rejects = effect.kind === 'verdict' && effect.key.startsWith('reject ');
    const behind = this.#isVerdict(tail, DROP_KEY);
    const mode = (drops ? 1 : 0) + (rejects ? 2 : 0) + (behind ? 4 : 0);
    return this.#mapped(mode, outcome, (value) => {
      const real = value !== OUTCOME.dropping ? value : rejects ? OUTCOME.yes : OUTCOME.hotdrop;
      if (real !== OUTCOME.hotdrop) return real;
      return drops ? OUTCOME.yes : behind ? OUTCOME.no : real;
    });
  }

  /** A change of outcomes that is asked for again and again. */
  #mapped(mode: number, outcome: Node, change: (value: number) => number): Node {
    let known = this.#maps.get(mode);
    if (known === undefined) this.#maps.set(mode, (known = new Map()));
    return this.diagrams.map(outcome, change, known);
  }

  #goOn(outcome: Node, rule: number, tail: List): List {
    if (this.counts) return this.#make(outcome, GO_ON, END, rule, tail);
    if (isPlain(this.diagrams, outcome)) return tail;
    const dropping = this.#mapped(8, outcome, (value) => (value === OUTCOME.yes ? OUTCOME.no : value));
    return dropping === NO ? tail : this.#make(dropping, GO_ON, END, rule, tail);
  }

  #call(outcome: Node, effect: CellEffect, body: List, rule: number, tail: List): List {
    const behind = effect.kind === 'goto' ? END : tail;
    if (outcome === YES && !this.#cells[body].leaves) {
      const opened = this.#append(body, behind);
      return this.counts ? this.#make(YES, GO_ON, END, rule, opened) : opened;
    }
    const certain = this.#cells[body];
    if (this.detail === 'verdicts' && certain.outcome === YES && certain.effect.kind === 'verdict') {
      return this.put(outcome, certain.effect, END, rule, tail);
    }
    if (body === END && effect.kind === 'call') return this.#goOn(outcome, rule, tail);
    if (body === END) return this.put(outcome, RETURN, END, rule, tail);
    return this.#make(outcome, effect, body, rule, outcome === YES ? behind : tail);
  }

  #append(list: List, tail: List): List {
    if (tail === END) return list;
    const cells: Cell[] = [];
    for (let at = list; at !== END; at = this.#cells[at].tail) cells.push(this.#cells[at]);
    return cells.reduceRight(
      (rest, { outcome, effect, body, rule }) => this.put(outcome, effect, body, rule, rest),
      tail,
    );
  }

  #make(outcome: Node, effect: CellEffect, body: List, rule: number, tail: List): List {
    const kind = this.#effectNumber(effect);
    const hash = mix(mix(mix(mix(outcome, kind), body), rule), tail);
    const first = this.#first.get(hash) ?? END;
    for (let at = first; at !== END; at = this.#next[at]) {
      const cell = this.#cells[at];
      if (
        cell.outcome === outcome &&
        cell.tail === tail &&
        cell.rule === rule &&
        cell.body === body &&
        cell.kind === kind
      ) {
        return at;
      }
    }
    const { diagrams } = this;
    const top = Math.min(diagrams.variableOf(outcome), this.#cells[body].top, this.#cells[tail].top);
    const leaves = effect.kind === 'return' || effect.kind === 'goto' || this.#cells[tail].leaves;
    const sense = this.#senseOf(outcome, effect, kind, body, rule, tail);
    const made = this.#cells.push({ outcome, effect, kind, body, rule, tail, sense, top, leaves }) - 1;
    this.#next.push(first);
    this.#first.set(hash, made);
    return made;
  }

  #effectNumber(effect: CellEffect): number {
    const key = effect.kind === 'verdict' ? effect.key : effect.kind === 'enter' ? ' call' : ` ${effect.kind}`;
    const known = this.#effects.get(key);
    if (known !== undefined) return known;
    this.#effects.set(key, this.#effects.size);
    return this.#effects.size - 1;
  }

  #senseOf(outcome: Node, effect: CellEffect, kind: number, body: List, rule: number, tail: List): number {
    const rest = this.#cells[tail];
    if (this.detail !== 'counts' && effect.kind === 'verdict' && this.#isVerdict(tail, effect.key)) {
      // What comes behind does the same to everything: the rule makes no difference.
      if (effect.key === DROP_KEY || isPlain(this.diagrams, outcome)) return rest.sense;
    }
    const who = this.counts ? this.#nameNumber(this.keyOf(rule)) : 0;
    return this.#senses.numberOf(outcome, kind, this.#cells[body].sense, rest.sense, who);
  }

  #nameNumber(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#names.set(name, this.#names.size);
    return this.#names.size - 1;
  }

  #isVerdict(list: List, key: string): boolean {
    const cell = this.#cells[list];
    return cell.outcome === YES && cell.effect.kind === 'verdict' && cell.effect.key === key;
  }

  /** The list where a variable has the value. */
  restrict(list: List, variable: number, value: number, known = new Map<List, List>()): List {
    if (this.#cells[list].top > variable) return list;
    const before = known.get(list);
    if (before !== undefined) return before;
    const passed: List[] = [];
    let at = list;
    while (this.#cells[at].top <= variable) {
      passed.push(at);
      at = this.#cells[at].tail;
    }
    const { diagrams } = this;
    let result = at;
    for (let i = passed.length - 1; i >= 0; i--) {
      const { outcome, effect, body, rule } = this.#cells[passed[i]];
      const here = diagrams.variableOf(outcome) === variable ? diagrams.childAt(outcome, value) : outcome;
      if (here === NO) continue;
      result = this.put(here, effect, body === END ? END : this.restrict(body, variable, value, known), rule, result);
    }
    known.set(list, result);
    return result;
  }

  readonly #matching = new Map<Node, Node>();

  /** Where an outcome is not "no". */
  matching(outcome: Node): Node {
    if (isPlain(this.diagrams, outcome)) return outcome;
    let node = this.#matching.get(outcome);
    if (node === undefined) {
      node = this.#mapped(9, outcome, (value) => (value === OUTCOME.no ? 0 : 1));
      this.#matching.set(outcome, node);
    }
    return node;
  }

  /** Every test of the variable in the lists. */
  testsOf(variable: number, lists: readonly List[]): ReadonlySet<Node> {
    const tests = new Set<Node>();
    const seen = new Set<List>();
    const visit = (list: List): void => {
      for (let at = list; at !== END && this.#cells[at].top <= variable && !seen.has(at); at = this.#cells[at].tail) {
        seen.add(at);
        const { outcome, body } = this.#cells[at];
        if (this.diagrams.variableOf(outcome) === variable) tests.add(outcome);
        if (body !== END) visit(body);
      }
    };
    for (const list of lists) visit(list);
    return tests;
  }
}

/** Numbers, from 1 on, for tuples of five numbers: the same for the same. */
class NumberTuples {
  readonly #first = new Map<number, number>();
  readonly #next: number[] = [0];
  readonly #tuples: (readonly number[])[] = [[]];

  numberOf(a: number, b: number, c: number, d: number, e: number): number {
    const hash = mix(mix(mix(mix(a, b), c), d), e);
    const first = this.#first.get(hash) ?? 0;
    for (let at = first; at !== 0; at = this.#next[at]) {
      const [v, w, x, y, z] = this.#tuples[at];
      if (v === a && w === b && x === c && y === d && z === e) return at;
    }
    const made = this.#tuples.push([a, b, c, d, e]) - 1;
    this.#next.push(first);
    this.#first.set(hash, made);
    return made;
  }
}

/** Whether an outcome is yes or no. */
function isPlain(diagrams: Diagrams, outcome: Node): boolean {
  return diagrams.isBoolean(outcome);
}

/** The verdict of a hotdrop. */
export const DROP_KEY = 'drop';
