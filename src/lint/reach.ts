import { FALSE, type Node } from '../space/diagram.js';
import { Explorer, TooWideError, type Fate } from '../space/explore.js';
import { END, Lists, type CellEffect, type List } from '../space/lists.js';
import { OUTCOME, YES } from '../space/outcome.js';
import { pointIn, randomNumbers } from '../space/point.js';
import type { Deciders } from '../space/program.js';
import type { PacketSpace } from '../space/space.js';
import { COMES, WitnessSearch } from './witness.js';
import { Walks, type Step, type Walked } from './walked.js';

/** Where a rule stands: on a list, called from other lists. The outermost one first. */
interface Frame {
  readonly walked: Walked;
  /** Steps before this one come before the rule. */
  readonly index: number;
}

/** One way that leads to a rule, and what takes its packets there. */
export interface TakenPackets {
  /** Packets that match the rule and would come to it if nothing took them. */
  readonly region: Node;
  /** Who takes them; empty where that is too much to tell, or there is a {@link single} one. */
  readonly fates: readonly Fate[];
  /** The one that takes all of them, if there is one. */
  readonly single: Step | undefined;
}

/** What is known of a rule. */
export type RuleState =
  /** A packet was found that comes to it and matches it, or it is not known whether there is one. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'unknown' }
  /** No packet does. `ways`: those on which packets would match it; `drops`: some are still dropped by its tests. */
  | { readonly kind: 'dead'; readonly ways: readonly TakenPackets[]; readonly drops: boolean };

/** Cells and values that a search for one rule may look at, and all searches together. */
const WORK = 60_000;
const WORK_OF_ALL = 8_000_000;
/** Points that are tried before a search. */
const TRIES = 12;
/** Ways to a dead rule that are told. */
const TOLD_WAYS = 3;

/**
 * Which rules of a list packets come to and match. For each rule some packets that match it are tried; where all are
 * taken by rules before it, all of its packets are followed through those of them that can meet it.
 */
export class Reach {
  readonly states = new Map<number, RuleState>();
  readonly #walks: Walks;
  readonly #plain: Lists;
  readonly #search: WitnessSearch;
  readonly #taken = new Map<List, List>();
  readonly #random = randomNumbers();
  #values = new Float64Array(0);
  readonly #valueOf = (variable: number): number => this.#values[variable];
  #work = WORK_OF_ALL;

  constructor(
    private readonly space: PacketSpace,
    lists: Lists,
    private readonly deciders: Deciders,
    /** Rules that need not be looked at. */
    private readonly isSettled: (rule: number) => boolean,
  ) {
    this.#walks = new Walks(lists);
    this.#plain = new Lists(space.diagrams, 'verdicts', () => '');
    this.#search = new WitnessSearch(this.#plain);
  }

  look(list: List): void {
    this.#visit(list, [], this.space.feasible);
  }

  #isOpen(rule: number): boolean {
    if (this.deciders.get(rule).kind !== 'rule' || this.isSettled(rule)) return false;
    const kind = this.states.get(rule)?.kind;
    return kind === undefined || kind === 'dead';
  }

  #visit(list: List, frames: readonly Frame[], region: Node): void {
    const walked = this.#walks.of(list);
    walked.steps.forEach((step, index) => {
      const here = [...frames, { walked, index }];
      const enters = step.effect.kind === 'enter';
      if (!enters && this.#isOpen(step.rule)) this.#judge(step, here, region);
      if (step.body === END || !this.#walks.rulesOn(step.body).some((rule) => this.#isOpen(rule))) return;
      const inside = this.space.diagrams.and(region, step.matches);
      if (inside !== FALSE) this.#visit(step.body, here, inside);
    });
  }

  #judge(step: Step, frames: readonly Frame[], region: Node): void {
    const { diagrams } = this.space;
    const before = this.states.get(step.rule);
    const known = before?.kind === 'dead' ? before : DEAD;
    const matching = diagrams.and(region, step.matches);
    const way = matching === FALSE ? undefined : this.#wayTo(matching, frames);
    if (way === 'comes' || way === 'unknown') {
      this.states.set(step.rule, { kind: way === 'comes' ? 'alive' : 'unknown' });
      return;
    }
    const dropping = diagrams.and(region, this.#walks.drops(step.outcome));
    const drops = known.drops || (dropping !== FALSE && typeof this.#wayTo(dropping, frames, false) === 'string');
    const ways = way === undefined || known.ways.length >= TOLD_WAYS ? known.ways : [...known.ways, way];
    this.states.set(step.rule, { kind: 'dead', ways, drops });
  }

  /** Whether packets of the region come to the place. */
  #wayTo(region: Node, frames: readonly Frame[], tell = true): 'comes' | 'unknown' | TakenPackets {
    for (let i = 0; i < TRIES; i++) if (this.#passes(this.#pointIn(region), frames)) return 'comes';
    const { diagrams } = this.space;
    if (this.#work <= 0) return 'unknown';
    const before = frames.map((frame) => this.#meeting(region, frame));
    this.#work -= before.reduce((sum, steps, i) => sum + steps.length + frames[i].index / 16, 0);
    for (const step of before.flat()) {
      if (isSure(step) && this.#mayCover(step, region) && !this.#walks.meet(region, diagrams.not(step.ends))) {
        return { region, single: step, fates: [] };
      }
    }
    if (this.#work <= 0) return 'unknown';
    const work = Math.min(WORK, this.#work);
    const list = this.#listOf(before);
    const found = this.#search.find(region, list, work);
    this.#work -= work - Math.max(0, this.#search.left);
    if (found === undefined) return 'unknown';
    if (found !== FALSE) return 'comes';
    return { region, single: undefined, fates: tell ? this.#fates(region, before) : [] };
  }

  /** Whether the rectangles allow that a step ends the way of all packets of the region. */
  #mayCover(step: Step, region: Node): boolean {
    const inner = this.#walks.hulls.of(region);
    const { variables, least, most } = this.#walks.hulls.of(step.ends);
    return variables.every((variable, i) => {
      const j = inner.variables.indexOf(variable);
      const [lo, hi] = j < 0 ? [0, this.space.diagrams.sizeOf(variable) - 1] : [inner.least[j], inner.most[j]];
      return lo >= least[i] && hi <= most[i];
    });
  }

  /** The steps before the place that may end the way of some packet of the region. */
  #meeting(region: Node, { walked: { steps, columns }, index }: Frame): readonly Step[] {
    return columns
      .meeting(this.#walks.hulls.of(region), index)
      .map((at) => steps[at])
      .filter(({ ends }) => ends !== FALSE && this.#walks.meet(region, ends));
  }

  /** The steps as a list whose packets are dropped by them, or come to the end of it. */
  #listOf(before: readonly (readonly Step[])[]): List {
    const lists = this.#plain;
    return before.flat().reduceRight(
      (tail: List, { outcome, effect, body, rule }) => {
        const leaves = effect.kind === 'return' || effect.kind === 'goto';
        return lists.put(outcome, leaves ? TAKEN : taking(effect), leaves ? END : this.#takenBody(body), rule, tail);
      },
      lists.put(YES, { kind: 'verdict', key: COMES }, END, 0, END),
    );
  }

  #takenBody(body: List): List {
    return this.#copy(this.#plain, this.#taken, body, taking);
  }

  #copy(to: Lists, known: Map<List, List>, list: List, effectOf: (effect: CellEffect) => CellEffect): List {
    if (list === END) return END;
    let copy = known.get(list);
    if (copy === undefined) {
      copy = this.#walks
        .of(list)
        .steps.reduceRight(
          (tail: List, { outcome, effect, body, rule }) =>
            to.put(outcome, effectOf(effect), this.#copy(to, known, body, effectOf), rule, tail),
          END,
        );
      known.set(list, copy);
    }
    return copy;
  }

  /** What becomes of packets that none of comes to the place. */
  #fates(region: Node, before: readonly (readonly Step[])[]): readonly Fate[] {
    const lists = new Lists(this.space.diagrams, 'deciders', () => '');
    const known = new Map<List, List>();
    const list = before.flat().reduceRight(
      (tail: List, { outcome, effect, body, rule }) => {
        const leaves = effect.kind === 'return' || effect.kind === 'goto';
        const inside = leaves ? END : this.#copy(lists, known, body, (one) => one);
        return lists.put(outcome, leaves ? LEAVES : effect, inside, rule, tail);
      },
      lists.put(YES, { kind: 'verdict', key: COMES }, END, 0, END),
    );
    const steps = Math.ceil(FATE_WORK / (1 + before.flat().length));
    const explorer = new Explorer(lists, this.deciders, steps);
    try {
      explorer.decide(region, list);
    } catch (error) {
      if (error instanceof TooWideError) return [];
      throw error;
    }
    return explorer.fates;
  }

  /** A point of the region, chosen by chance; variables that it does not hang on have any value. */
  #pointIn(region: Node): (variable: number) => number {
    const { diagrams } = this.space;
    if (this.#values.length !== diagrams.variableCount) this.#values = new Float64Array(diagrams.variableCount);
    pointIn(diagrams, region, this.#random, this.#values);
    return this.#valueOf;
  }

  /** Whether a packet comes by all steps before the place. */
  #passes(at: (variable: number) => number, frames: readonly Frame[]): boolean {
    return frames.every(({ walked, index }) => this.#walk(at, walked, index) === 'through');
  }

  #walk(at: (variable: number) => number, { steps, first }: Walked, end: number): 'through' | 'left' | 'ended' {
    let how: 'left' | 'ended' | undefined;
    first.find(at, 0, end, (i) => {
      const ends = this.#stepAt(at, steps[i]);
      how = ends ?? how;
      return ends !== undefined;
    });
    return how ?? 'through';
  }

  /** How a step ends the packet's way through its list; undefined where it does not. */
  #stepAt(at: (variable: number) => number, { effect, outcome, body }: Step): 'left' | 'ended' | undefined {
    const result = this.space.diagrams.evaluate(outcome, at);
    if (result === OUTCOME.no) return undefined;
    if (result !== OUTCOME.yes) return 'ended';
    switch (effect.kind) {
      case 'verdict':
        return 'ended';
      case 'return':
        return 'left';
      case 'go-on':
        return undefined;
      case 'goto':
        return this.#inside(at, body) === 'ended' ? 'ended' : 'left';
      case 'call':
      case 'enter':
        return this.#inside(at, body) === 'ended' ? 'ended' : undefined;
    }
  }

  #inside(at: (variable: number) => number, body: List): 'through' | 'left' | 'ended' {
    const walked = this.#walks.of(body);
    return this.#walk(at, walked, walked.steps.length);
  }
}

const DEAD = { kind: 'dead', ways: [], drops: false } as const;
const TAKEN: CellEffect = { kind: 'verdict', key: 'drop' };
const LEAVES: CellEffect = { kind: 'verdict', key: 'leaves' };
/** Cells that may be looked at to tell who takes the packets of a rule. */
const FATE_WORK = 10_000;

function taking(effect: CellEffect): CellEffect {
  return effect.kind === 'verdict' ? TAKEN : effect;
}

/** Whether the step ends the way of each packet for which it may do so. */
function isSure({ effect }: Step): boolean {
  return effect.kind !== 'call' && effect.kind !== 'enter';
}
