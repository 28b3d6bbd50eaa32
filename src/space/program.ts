import type { Condition } from '../../grammar/model/condition.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import {
  findChain,
  findTable,
  isBuiltin,
  type Chain,
  type Rule,
  type Ruleset,
  type Table,
} from '../../grammar/model/ruleset.js';
import { ruleCondition, type Verdict } from '../evaluate/evaluate.js';
import { FALSE, type Node } from './diagram.js';
import { END, type CellEffect, type List, type Lists } from './lists.js';
import type { MarkChange, Way } from './meaning.js';
import { OUTCOME, YES } from './outcome.js';
import type { PacketSpace } from './space.js';
import { natureOf } from '../evaluate/targets.js';
import {
  behind,
  changeKey,
  changesPacket,
  connectionMarked,
  IDENTITY,
  isUnchanged,
  marked,
  markedFrom,
  sightOf,
  wayKey,
  type Sight,
} from './ways.js';

/** What decides, and what for. A target that ends the walk, but is not understood, is a verdict of its own. */
export type SpaceVerdict = Verdict | { readonly target: string };

/** Who may decide: a rule, or a policy. */
export type Decider =
  | { readonly kind: 'rule'; readonly chain: string; readonly number: number; readonly rule: Rule }
  | { readonly kind: 'policy'; readonly chain: BuiltinChain; readonly policy: 'ACCEPT' | 'DROP' };

/** Rules by number, over all rulesets of a comparison. */
export class Deciders {
  readonly #all: Decider[] = [];

  add(decider: Decider): number {
    return this.#all.push(decider) - 1;
  }

  get(number: number): Decider {
    return this.#all[number];
  }
}

/** The same text for the same verdict. */
export function verdictKey(verdict: SpaceVerdict): string {
  if (typeof verdict === 'string') return verdict;
  return 'reject' in verdict ? `reject ${verdict.reject}` : `target ${verdict.target}`;
}

export interface ProgramOptions {
  readonly ruleset: Ruleset;
  readonly table: TableName;
  readonly chain: BuiltinChain;
  /** The occurrence of each rule's tests (see TestPlace); `visit` counts the ways into a chain that is {@link apart}. */
  occurrence(chain: string, number: number, rule: Rule, visit: number): string;
  /** The numbers of rules in their chains, where some have been left out. */
  readonly numbers?: ReadonlyMap<Rule, number>;
  /** Conditions that stand for those of rules, where they are the same. */
  readonly conditions?: ReadonlyMap<Rule, Condition>;
  /** Chains whose tests may answer otherwise the next time that the packet comes: each jump has a list of its own. */
  apart?(chain: Chain): boolean;
}

/** More ways into chains that are apart than this are too many to look at. */
const MOST_VISITS = 2000;

/** A jump into a chain that leads back to it, or to no chain: the kernel would not load the table. */
export class BrokenTableError extends Error {
  readonly code = 'broken-table';
}

/** Chains with memory that are jumped to from very many places. */
export class TooManyWaysError extends Error {
  readonly code = 'too-many-ways';
}

/** All chains that a chain leads to, itself first. */
export function chainsFrom(table: Table, name: string): readonly Chain[] {
  const first = findChain(table, name);
  const found = new Set<Chain>(first === undefined ? [] : [first]);
  for (const chain of found) {
    for (const { target } of chain.rules) {
      const next = target.effect.kind === 'jump' ? findChain(table, target.effect.chain) : undefined;
      if (next !== undefined) found.add(next);
    }
  }
  return [...found];
}

/** Every change of the mark by rules. */
export function markChangesOf(chains: readonly Chain[]): readonly MarkChange[] {
  const changes = new Map<string, MarkChange>([['0 0', { clear: 0, flip: 0 }]]);
  const single = chains.flatMap(({ rules }) =>
    rules.flatMap(({ target: { effect } }) =>
      effect.kind === 'mark' ? [{ clear: effect.clear, flip: effect.flip }] : [],
    ),
  );
  for (const one of single) changes.set(`${one.clear} ${one.flip}`, one);
  return [...changes.values()];
}

/** The rules that a packet of a chain meets, as a list (src/space/lists.ts) that ends with the policy. */
export function compileChain(space: PacketSpace, lists: Lists, deciders: Deciders, options: ProgramOptions): List {
  return new ChainCompiler(space, lists, deciders, options).compile();
}

/** Puts a cell on the list: by the rule that is read, with its own outcome if nothing else is said. */
type Put = (effect: CellEffect, body?: List, outcome?: Node, by?: number) => void;

interface Compiled {
  readonly list: List;
  /** The ways of the packets that come back. */
  readonly ways: readonly Way[];
}

class ChainCompiler {
  readonly #table: Table;
  readonly #known = new Map<string, Compiled>();
  readonly #numbers = new Map<Rule, number>();
  readonly #open = new Set<string>();
  readonly #changing = new Map<string, boolean>();
  #visits = 0;
  #sight: Sight | undefined;
  #policy = 0;

  constructor(
    private readonly space: PacketSpace,
    private readonly lists: Lists,
    private readonly deciders: Deciders,
    private readonly options: ProgramOptions,
  ) {
    const { ruleset, table } = options;
    this.#table = findTable(ruleset, table) ?? { name: table, chains: [], range: { line: 1, column: 1, length: 1 } };
  }

  compile(): List {
    const { chain: name } = this.options;
    const chain = findChain(this.#table, name) ?? { name, policy: 'ACCEPT', rules: [] };
    const policy = chain.policy ?? 'ACCEPT';
    const number = this.deciders.add({ kind: 'policy', chain: name, policy });
    this.#policy = number;
    const end = this.lists.put(YES, verdictEffect(policy === 'DROP' ? 'drop' : 'accept'), END, number, END);
    const { list } = this.#chain(chain, [IDENTITY]);
    return this.lists.put(YES, { kind: 'enter' }, list, number, end);
  }

  #chain(chain: Chain, ways: readonly Way[]): Compiled {
    const apart = !isBuiltin(chain) && (this.options.apart?.(chain) ?? false);
    if (apart && ++this.#visits > MOST_VISITS) throw new TooManyWaysError('chains with memory are jumped to too often');
    const visit = apart ? this.#visits : 0;
    const key = `${visit} ${chain.name} ${ways.map(wayKey).join(';')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#open.has(chain.name)) throw new BrokenTableError(`chain ${chain.name} leads back to itself`);
    this.#open.add(chain.name);
    const compiled = this.#rules(chain, ways, visit);
    this.#open.delete(chain.name);
    this.#known.set(key, compiled);
    return compiled;
  }

  /** Rules are read forwards, because marks change on the way, and put on the list backwards. */
  #rules(chain: Chain, entry: readonly Way[], visit: number): Compiled {
    const parts: ((tail: List) => List)[] = [];
    const changing = this.#changes(chain);
    let here = entry;
    let left: readonly Way[] = [];
    for (const [i, rule] of chain.rules.entries()) {
      const { outcome, occurrence } = this.#outcome(chain, i + 1, rule, here, visit);
      const decider = this.#number(chain, i + 1, rule);
      const { effect } = rule.target;
      const put: Put = (kind, body = END, node = outcome, by = decider) => {
        parts.push((tail) => this.lists.put(node, kind, body, by, tail));
      };
      const matching = changing ? this.#equals(outcome, OUTCOME.yes) : FALSE;
      switch (effect.kind) {
        case 'accept':
        case 'drop':
          put(verdictEffect(effect.kind));
          break;
        case 'reject':
          put(verdictEffect({ reject: effect.type }));
          break;
        case 'continue':
        case 'log':
          put({ kind: 'go-on' });
          break;
        case 'mark':
          put({ kind: 'go-on' });
          here = this.#after(here, matching, (way) => ({ ...way, ...marked(way, effect) }));
          break;
        case 'return':
          if (isBuiltin(chain)) this.#returnFromBuiltin(outcome, put, chain);
          else put({ kind: 'return' });
          left = this.#join(left, this.#within(here, matching, changing));
          here = this.#without(here, matching, changing);
          break;
        case 'jump': {
          const target = this.#target(effect.chain, chain, i + 1);
          const inside = this.#chain(target, here);
          put({ kind: effect.goto ? 'goto' : 'call' }, inside.list);
          if (!changing) break;
          const back = this.#within(inside.ways, matching, true);
          const past = this.#without(here, matching, true);
          if (effect.goto) [left, here] = [this.#join(left, back), past];
          else here = this.#join(past, back);
          break;
        }
        case 'opaque':
          here = this.#opaque(effect, outcome, occurrence, here, put);
      }
    }
    let list = END as List;
    for (const part of parts.reverse()) list = part(list);
    return { list, ways: changing ? this.#join(left, here) : entry };
  }

  /** The packet meets the policy. */
  #returnFromBuiltin(outcome: Node, put: Put, { policy }: Chain): void {
    const verdict = verdictEffect(policy === 'DROP' ? 'drop' : 'accept');
    if (this.lists.counts) return put({ kind: 'return' });
    // Packets that a test of the rule drops at once are the rule's own.
    put(
      { kind: 'go-on' },
      END,
      this.space.diagrams.map(outcome, (value) => (value === OUTCOME.yes ? OUTCOME.no : value)),
    );
    put(verdict, END, this.#equals(outcome, OUTCOME.yes), this.#policy);
  }

  #opaque(
    { target, words }: { readonly target: string; readonly words: readonly string[] },
    outcome: Node,
    occurrence: string,
    ways: readonly Way[],
    put: Put,
  ): readonly Way[] {
    const text = [target, ...words].join(' ');
    const matching = (): Node => this.#equals(outcome, OUTCOME.yes);
    switch (natureOf(target, words)) {
      case 'decides':
        put(verdictEffect({ target: text }));
        return ways;
      case 'goes-on':
        put({ kind: 'go-on' });
        return ways;
      case 'marks':
        put({ kind: 'go-on' });
        return this.#after(ways, matching(), (way) => markedFrom(way, target, words));
      case 'marks-connection':
        put({ kind: 'go-on' });
        if (!this.#sees().connectionMark) return ways;
        return this.#after(ways, matching(), (way) => ({ ...way, connectionMark: connectionMarked(way, text, words) }));
      case 'tracks':
        put({ kind: 'go-on' });
        if (!this.#sees().connection) return ways;
        return this.#after(ways, matching(), (way) => ({ ...way, tracked: behind(way.tracked, text) }));
      case 'rewrites':
        put({ kind: 'go-on' });
        return this.#after(ways, matching(), (way) => ({ ...way, rewritten: behind(way.rewritten, text) }));
      case 'unknown': {
        const does = this.space.target(target, words, occurrence);
        for (const [value, verdict] of [[1, 'accept'] as const, [2, 'drop'] as const]) {
          const decides = this.#equals(does, value);
          put(verdictEffect(verdict), END, this.space.diagrams.and(matching(), decides));
        }
        // A test that drops the packet at once does so whatever the target is.
        put({ kind: 'go-on' });
        return this.#after(ways, matching(), (way) => ({
          ...way,
          clear: 0,
          flip: 0,
          otherMark: behind(changeKey(way), text),
          rewritten: behind(way.rewritten, text),
          connectionMark: behind(way.connectionMark, text),
          tracked: behind(way.tracked, text),
        }));
      }
    }
  }

  #outcome(
    chain: Chain,
    number: number,
    rule: Rule,
    ways: readonly Way[],
    visit: number,
  ): { readonly outcome: Node; readonly occurrence: string } {
    const occurrence = this.options.occurrence(chain.name, number, rule, visit);
    const place = isUnchanged(ways) ? { occurrence } : { occurrence, ways };
    const condition = this.options.conditions?.get(rule) ?? ruleCondition(rule);
    return { outcome: this.space.outcomes.of(condition, place), occurrence };
  }

  #number(chain: Chain, place: number, rule: Rule): number {
    let known = this.#numbers.get(rule);
    if (known === undefined) {
      const number = this.options.numbers?.get(rule) ?? place;
      known = this.deciders.add({ kind: 'rule', chain: chain.name, number, rule });
      this.#numbers.set(rule, known);
    }
    return known;
  }

  #target(name: string, from: Chain, number: number): Chain {
    const target = findChain(this.#table, name);
    if (target === undefined || isBuiltin(target)) {
      throw new BrokenTableError(`rule ${number} of chain ${from.name} jumps to ${name}, which is no chain of its own`);
    }
    return target;
  }

  /** Whether packets may leave the chain with another mark, or rewritten. */
  #changes(chain: Chain): boolean {
    let known = this.#changing.get(chain.name);
    if (known === undefined) {
      known =
        this.#sees().changes && chainsFrom(this.#table, chain.name).some(({ rules }) => rules.some(changesPacket));
      this.#changing.set(chain.name, known);
    }
    return known;
  }

  #sees(): Sight {
    return (this.#sight ??= sightOf(chainsFrom(this.#table, this.options.chain).flatMap(({ rules }) => rules)));
  }

  #equals(outcome: Node, value: number): Node {
    return this.space.diagrams.map(outcome, (one) => (one === value ? 1 : 0));
  }

  #after(ways: readonly Way[], matching: Node, change: (way: Way) => Way): readonly Way[] {
    const changed = this.#within(ways, matching, true).map(change);
    return this.#join(this.#without(ways, matching, true), changed);
  }

  #within(ways: readonly Way[], region: Node, changing: boolean): readonly Way[] {
    return changing ? this.#cut(ways, region) : ways;
  }

  #without(ways: readonly Way[], region: Node, changing: boolean): readonly Way[] {
    return changing ? this.#cut(ways, this.space.diagrams.not(region)) : ways;
  }

  #cut(ways: readonly Way[], region: Node): readonly Way[] {
    return ways
      .map((way): Way => ({ ...way, where: this.space.diagrams.and(way.where, region) }))
      .filter(({ where }) => where !== FALSE);
  }

  /** Ways that have come to the same are one. */
  #join(a: readonly Way[], b: readonly Way[]): readonly Way[] {
    const joined = new Map<string, Way>();
    for (const way of [...a, ...b]) {
      const key = changeKey(way);
      const known = joined.get(key);
      const where = known === undefined ? way.where : this.space.diagrams.or(known.where, way.where);
      joined.set(key, { ...way, where });
    }
    return [...joined.values()];
  }
}

function verdictEffect(verdict: SpaceVerdict): CellEffect {
  return { kind: 'verdict', key: verdictKey(verdict) };
}
