import { remembers, type Condition } from '../../grammar/model/condition.js';
import { opaqueTests } from '../../grammar/model/condition-parts.js';
import type { Chain, Rule } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { FirstHit } from '../evaluate/first-hit.js';
import { Columns } from '../space/columns.js';
import { FALSE, type Node } from '../space/diagram.js';
import { Hulls, type Hull } from '../space/hull.js';
import { OUTCOME } from '../space/outcome.js';
import { pointIn, randomNumbers } from '../space/point.js';
import type { HookView } from './hook.js';
import { ownVerdict } from './verdict.js';

/** What a rule does to packets of a hook, beside counting them. */
interface Stage {
  readonly rule: Rule;
  /** Packets that match it. */
  readonly matches: Node;
  /** Packets that its tests drop at once. */
  readonly drops: Node;
  /** Packets that match it and are dropped all the same. */
  readonly both: Node;
  /** Packets that it does anything to, or that may come to its tests with memory. */
  readonly touches: Node;
}

/** A chain at a hook: which of its rules have something to do with which packets. */
interface Staged {
  readonly stages: readonly Stage[];
  readonly columns: Columns;
  readonly first: FirstHit;
}

/** Rules behind another one, by index in the chain, rising. */
export interface Takers {
  /** Those that take the packets that match it. */
  readonly takers: readonly number[];
  /** Those that drop the packets that its tests drop, because a header is cut or broken. */
  readonly droppers: readonly number[];
}

/** Pairs of rules that are looked at for one hook. */
const WORK_OF_ALL = 400_000;
/** Packets of a rule that are tried before all of them are looked at. */
const TRIES = 3;
/** Rules behind one that may take its packets. */
const MOST_TAKERS = 64;

/**
 * Whether rules behind another one of its chain do the same to all of its packets, so that no verdict would change without
 * it, no other rule than these would count, and no test with memory would be asked more often.
 */
export class Superfluous {
  readonly #staged = new Map<Chain, Staged>();
  readonly #hulls: Hulls;
  readonly #random = randomNumbers();
  #work = WORK_OF_ALL;

  constructor(readonly view: HookView) {
    this.#hulls = new Hulls(view.space.diagrams);
  }

  /** Who takes the packets instead; undefined where some packet would meet something else. */
  takersOf(chain: Chain, index: number): Takers | undefined {
    const rule = chain.rules[index];
    const verdict = ownVerdict(rule);
    if (verdict === undefined || hasMemory(rule) || this.#work <= 0) return undefined;
    const { matches, drops, both } = this.#of(chain).stages[index];
    if (both !== FALSE || matches === FALSE) return undefined;
    for (let i = 0; i < TRIES; i++) if (!this.#mayTake(chain, index, this.#pointIn(matches), verdict)) return undefined;
    const takers = this.#take(chain, index, matches, verdict);
    if (takers === undefined || takers.length === 0) return undefined;
    const droppers = this.#take(chain, index, drops, 'drop');
    return droppers && { takers, droppers };
  }

  /** The packets of a rule that no rule before it in its chain takes for sure, as far as these are few. */
  freshPackets(chain: Chain, index: number, region: Node): Node {
    const { diagrams } = this.view.space;
    const { stages, columns } = this.#of(chain);
    if (region === FALSE) return FALSE;
    return columns
      .meeting(this.#hulls.of(region), index)
      .map((at) => stages[at])
      .filter(({ rule }) => ownVerdict(rule) !== undefined && !hasMemory(rule))
      .slice(0, MOST_TAKERS)
      .reduce((left, { touches }) => diagrams.and(left, diagrams.not(touches)), region);
  }

  matchesOf(chain: Chain, index: number): Node {
    return this.#of(chain).stages[index].matches;
  }

  /** Whether the first rule behind it that does anything to a packet does the same. */
  #mayTake(chain: Chain, index: number, at: (variable: number) => number, verdict: string): boolean {
    const { stages, first } = this.#of(chain);
    const touches = (i: number): boolean => this.view.space.diagrams.evaluate(stages[i].touches, at) === 1;
    const found = first.find(at, index + 1, stages.length, touches);
    if (found === stages.length || hasMemory(stages[found].rule)) return false;
    return verdict === 'drop' || ownVerdict(stages[found].rule) === verdict;
  }

  /** Any packet of a region. */
  #pointIn(region: Node): (variable: number) => number {
    const { diagrams } = this.view.space;
    const values = new Float64Array(diagrams.variableCount);
    pointIn(diagrams, region, this.#random, values);
    return (variable) => values[variable];
  }

  #take(chain: Chain, index: number, region: Node, verdict: string): readonly number[] | undefined {
    const { diagrams } = this.view.space;
    const { stages, columns } = this.#of(chain);
    if (region === FALSE) return [];
    const takers: number[] = [];
    let left = region;
    for (const at of columns.meeting(this.#hulls.of(region), stages.length, index + 1)) {
      if (--this.#work <= 0 || takers.length > MOST_TAKERS) return undefined;
      const { rule, matches, drops, both, touches } = stages[at];
      if (!diagrams.meet(left, touches)) continue;
      if (hasMemory(rule) || diagrams.meet(left, both) || (verdict !== 'drop' && diagrams.meet(left, drops)))
        return undefined;
      if (ownVerdict(rule) !== verdict && diagrams.meet(left, matches)) return undefined;
      takers.push(at);
      left = diagrams.and(left, diagrams.not(touches));
      if (left === FALSE) return takers;
    }
    return undefined;
  }

  #of(chain: Chain): Staged {
    let known = this.#staged.get(chain);
    if (known === undefined) {
      const stages = chain.rules.map((rule, i) => this.#stage(chain, rule, i + 1));
      const hulls = stages.map(({ touches }) => (touches === FALSE ? NOTHING : this.#hulls.of(touches)));
      const first = new FirstHit(
        stages.map(({ touches }, i) => (touches === FALSE ? undefined : hulls[i])),
        (variable) => this.view.space.diagrams.sizeOf(variable),
      );
      known = { stages, columns: new Columns(hulls), first };
      this.#staged.set(chain, known);
    }
    return known;
  }

  #stage(chain: Chain, rule: Rule, number: number): Stage {
    const { space, occurrence } = this.view;
    const { diagrams, feasible } = space;
    const place = { occurrence: occurrence(chain.name, number) };
    const where = (condition: Condition, ...values: readonly number[]): Node => {
      const outcome = space.outcomes.of(condition, place);
      return diagrams.and(
        feasible,
        diagrams.map(outcome, (value) => (values.includes(value) ? 1 : 0)),
      );
    };
    const { yes, hotdrop, dropping } = OUTCOME;
    const condition = ruleCondition(rule);
    return {
      rule,
      matches: where(condition, yes),
      drops: where(condition, hotdrop),
      both: where(condition, dropping),
      touches: where(hasMemory(rule) ? rule.head : condition, yes, hotdrop, dropping),
    };
  }
}

/** The hull of no packet: it meets none that asks for its variable, and is looked at in vain otherwise. */
const NOTHING: Hull = { variables: [], least: [], most: [] };

/** Matches that are not understood may remember something. */
function hasMemory(rule: Rule): boolean {
  return opaqueTests(ruleCondition(rule)).some((test) => remembers(test) || test.name === 'module');
}
