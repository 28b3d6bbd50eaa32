import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../model/family.js';
import { changedRule, type Chain, type Counters, type Rule, type Table } from '../model/ruleset.js';
import { parsePolicyCounters, problem, type ChainLine, type Word } from '../syntax/index.js';
import { jumpTarget, type HookNeed } from './bind-module.js';
import type { BoundLine } from './bind-rule.js';
import { declaredNameFault, chainNameFault } from './chain-name.js';
import { reachFaults } from './reach.js';
import { didYouMean } from '../modules/value/suggest.js';
import type { Command } from './rule-words.js';

type Policy = 'ACCEPT' | 'DROP';

/** A chain while the lines of its table are applied. */
interface ChainDraft {
  name: string;
  policy?: Policy;
  counters?: Counters;
  range?: SourceRange;
  rules: Rule[];
}

/** A table while its lines are applied one after the other, as libiptc does before it commits. */
export class TableDraft {
  readonly chains = new Map<string, ChainDraft>();
  /** The chain that was appended to last. */
  private last: ChainDraft | undefined;
  private readonly hookNeeds = new Map<Rule, readonly HookNeed[]>();

  /** `before` is the same table of an earlier block: its policies stay, its rules and chains are gone. */
  constructor(
    readonly name: TableName,
    readonly range: SourceRange,
    before?: TableDraft,
  ) {
    for (const chain of BUILTIN_CHAINS[name]) {
      this.chains.set(chain, { name: chain, policy: before?.chains.get(chain)?.policy ?? 'ACCEPT', rules: [] });
    }
  }

  isBuiltin(name: string): boolean {
    return this.chains.get(name)?.policy !== undefined;
  }

  /** `:CHAIN POLICY [packets:bytes]` */
  declare(line: ChainLine): readonly Diagnostic[] {
    const { name, policy, range } = line;
    if (name === undefined) return [problem('bad-chain-line', range, 'the chain line names no chain')];
    const fault = declaredNameFault(name);
    if (fault !== undefined) return [fault];
    const faults: Diagnostic[] = [];
    const chain = this.isBuiltin(name.text) ? this.chains.get(name.text) : undefined;
    if (chain === undefined && this.chains.has(name.text)) {
      faults.push(problem('chain-exists', name, `chain ${name.text} is declared twice`));
    }
    const draft = chain ?? this.chains.get(name.text) ?? this.create(name.text);
    draft.range = range;
    if (policy === undefined)
      return [...faults, problem('bad-chain-line', name, `chain ${name.text} has no policy`, POLICY_HINT)];
    if (policy.text === '-') return faults;
    const counters = line.counters && parsePolicyCounters(line.counters.text);
    if (line.counters !== undefined && counters === undefined) {
      return [...faults, problem('bad-counters', line.counters, `"${line.counters.text}" is not [packets:bytes]`)];
    }
    return [...faults, ...this.setPolicy(draft, policy, counters)];
  }

  /** Applies a command; `bound` holds the rules of those that take a rule. */
  apply(command: Command, bound: BoundLine, counters: Counters | undefined): readonly Diagnostic[] {
    switch (command.kind) {
      case 'append':
        return this.withChain(command.chain, (chain) => this.insertAt(chain, chain.rules.length, bound));
      case 'insert':
        return this.withChain(command.chain, (chain) => this.insert(chain, command.chain, command.number, bound));
      case 'replace':
        return this.withChain(command.chain, (chain) => this.replace(chain, command.chain, command.number, bound));
      case 'delete':
        return this.withChain(command.chain, (chain) => this.delete(chain, command.chain, command.number, bound));
      case 'check':
        return this.withChain(command.chain, (chain) => this.check(chain, command.chain, bound));
      case 'flush':
        return this.eachChain(command.chain, (chain) => this.flush(chain));
      case 'zero':
      case 'list':
        return this.eachChain(command.chain, () => []);
      case 'new-chain':
        return this.newChain(command.chain);
      case 'delete-chain':
        return this.deleteChain(command.chain);
      case 'rename-chain':
        return this.withChain(command.chain, (chain) => this.rename(chain, command.chain, command.to));
      case 'policy':
        return this.withChain(command.chain, (chain) => this.policyCommand(chain, command.policy, counters));
      default:
        return command satisfies never;
    }
  }

  /** Appends a rule to a chain that is declared. */
  append(name: string, rule: Rule, needs: readonly HookNeed[]): void {
    if (this.last?.name !== name) this.last = this.chains.get(name);
    this.last?.rules.push(rule);
    if (needs.length > 0) this.hookNeeds.set(rule, needs);
  }

  /** What the kernel finds out when the table is committed. */
  commitFaults(): readonly Diagnostic[] {
    return reachFaults(this.name, this.chains, this.hookNeeds);
  }

  finish(): Table {
    const builtin: ReadonlySet<string> = new Set<BuiltinChain>(BUILTIN_CHAINS[this.name]);
    const all = [...this.chains.values()];
    const ordered = [...all.filter(({ name }) => builtin.has(name)), ...all.filter(({ name }) => !builtin.has(name))];
    return { name: this.name, range: this.range, chains: ordered.map((chain): Chain => ({ ...chain })) };
  }

  private create(name: string): ChainDraft {
    const draft: ChainDraft = { name, rules: [] };
    this.chains.set(name, draft);
    return draft;
  }

  private withChain(word: Word, run: (chain: ChainDraft) => readonly Diagnostic[]): readonly Diagnostic[] {
    const chain = this.chains.get(word.text);
    if (chain !== undefined) return run(chain);
    const hint = didYouMean(word.text, this.chains.keys()) ?? `declare it before: ":${word.text} - [0:0]"`;
    return [problem('unknown-chain', word, `chain ${word.text} has not been declared in table ${this.name}`, hint)];
  }

  private eachChain(word: Word | undefined, run: (chain: ChainDraft) => readonly Diagnostic[]): readonly Diagnostic[] {
    return word === undefined ? [...this.chains.values()].flatMap(run) : this.withChain(word, run);
  }

  private setPolicy(chain: ChainDraft, policy: Word, counters: Counters | undefined): readonly Diagnostic[] {
    if (chain.policy === undefined) {
      const hint = 'write "-" for the policy of a chain of your own';
      return [problem('bad-policy', policy, `${chain.name} is not a built-in chain of table ${this.name}`, hint)];
    }
    if (policy.text !== 'ACCEPT' && policy.text !== 'DROP') {
      return [problem('bad-policy', policy, `"${policy.text}" is not a policy`, POLICY_HINT)];
    }
    chain.policy = policy.text;
    if (counters !== undefined) chain.counters = counters;
    return [];
  }

  private policyCommand(chain: ChainDraft, policy: Word, counters: Counters | undefined): readonly Diagnostic[] {
    if (this.name === 'nat' && policy.text === 'DROP') {
      return [problem('bad-policy', policy, 'the nat table is not for filtering: -P cannot set DROP there')];
    }
    return this.setPolicy(chain, policy, counters);
  }

  private insertAt(chain: ChainDraft, index: number, bound: BoundLine): readonly Diagnostic[] {
    for (const rule of bound.rules) if (bound.hookNeeds.length > 0) this.hookNeeds.set(rule, bound.hookNeeds);
    if (index === chain.rules.length) chain.rules.push(...bound.rules);
    else chain.rules.splice(index, 0, ...bound.rules);
    return [];
  }

  /** Each rule of the line goes to the same place, so that they come to stand in reverse (`insert_entry`). */
  private insert(chain: ChainDraft, at: Word, number: number, bound: BoundLine): readonly Diagnostic[] {
    if (number > chain.rules.length + 1) return [this.noRule(chain, at, number)];
    return this.insertAt(chain, number - 1, { ...bound, rules: [...bound.rules].reverse() });
  }

  private replace(chain: ChainDraft, at: Word, number: number, bound: BoundLine): readonly Diagnostic[] {
    if (number > chain.rules.length) return [this.noRule(chain, at, number)];
    if (bound.rules.length > 1) {
      return [problem('bad-command', at, '-R takes one source and one destination address')];
    }
    if (bound.rules.length === 0) return [];
    chain.rules.splice(number - 1, 1);
    return this.insertAt(chain, number - 1, bound);
  }

  private delete(chain: ChainDraft, at: Word, number: number | undefined, bound: BoundLine): readonly Diagnostic[] {
    if (number === undefined) return bound.rules.flatMap((rule) => this.deleteSame(chain, at, rule));
    if (number > chain.rules.length) return [this.noRule(chain, at, number)];
    chain.rules.splice(number - 1, 1);
    return [];
  }

  private deleteSame(chain: ChainDraft, at: Word, rule: Rule): readonly Diagnostic[] {
    const index = chain.rules.findIndex((candidate) => sameRule(candidate, rule));
    if (index < 0) return [problem('no-such-rule', at, `chain ${chain.name} has no such rule`)];
    chain.rules.splice(index, 1);
    return [];
  }

  private check(chain: ChainDraft, at: Word, bound: BoundLine): readonly Diagnostic[] {
    const missing = bound.rules.some((rule) => !chain.rules.some((candidate) => sameRule(candidate, rule)));
    return missing ? [problem('no-such-rule', at, `chain ${chain.name} has no such rule`)] : [];
  }

  private noRule(chain: ChainDraft, at: Word, number: number): Diagnostic {
    return problem('no-such-rule', at, `chain ${chain.name} has ${chain.rules.length} rules, not ${number}`);
  }

  private flush(chain: ChainDraft): readonly Diagnostic[] {
    chain.rules = [];
    return [];
  }

  private newChain(word: Word): readonly Diagnostic[] {
    if (this.chains.has(word.text)) return [problem('chain-exists', word, `chain ${word.text} exists already`)];
    this.create(word.text).range = word;
    return [];
  }

  private deleteChain(word: Word | undefined): readonly Diagnostic[] {
    if (word === undefined) {
      const own = [...this.chains.values()].filter(({ policy }) => policy === undefined);
      return own.flatMap((chain) => this.remove(chain, undefined));
    }
    return this.withChain(word, (chain) => this.remove(chain, word));
  }

  private remove(chain: ChainDraft, word: Word | undefined): readonly Diagnostic[] {
    const at = word ?? chain.range ?? this.range;
    if (chain.policy !== undefined) return [problem('chain-in-use', at, `${chain.name} is a built-in chain`)];
    if (chain.rules.length > 0) return [problem('chain-in-use', at, `chain ${chain.name} is not empty`)];
    if ([...this.chains.values()].some(({ rules }) => rules.some((rule) => jumpsTo(rule, chain.name)))) {
      return [problem('chain-in-use', at, `rules jump to chain ${chain.name}`)];
    }
    this.chains.delete(chain.name);
    this.last = undefined;
    return [];
  }

  private rename(chain: ChainDraft, from: Word, to: Word): readonly Diagnostic[] {
    const fault = chainNameFault(to);
    if (fault !== undefined) return [fault];
    if (chain.policy !== undefined) return [problem('chain-in-use', from, `${chain.name} is a built-in chain`)];
    if (this.chains.has(to.text)) return [problem('chain-exists', to, `chain ${to.text} exists already`)];
    this.chains.delete(chain.name);
    const old = chain.name;
    chain.name = to.text;
    this.chains.set(to.text, chain);
    for (const each of this.chains.values()) each.rules = each.rules.map((rule) => this.redirected(rule, old, to.text));
    return [];
  }

  private redirected(rule: Rule, from: string, to: string): Rule {
    const { effect } = rule.target;
    if (effect.kind !== 'jump' || effect.chain !== from) return rule;
    const moved = changedRule(rule, { target: jumpTarget(to, effect.goto) });
    const needs = this.hookNeeds.get(rule);
    if (needs !== undefined) this.hookNeeds.set(moved, needs);
    return moved;
  }
}

const POLICY_HINT = 'ACCEPT, DROP or, for a chain of your own, "-"';

function jumpsTo({ target }: Rule, chain: string): boolean {
  return target.effect.kind === 'jump' && target.effect.chain === chain;
}

/** iptables compares the binary rules, counters aside; their canonical text stands for them here. */
function sameRule(a: Rule, b: Rule): boolean {
  return ruleText(a) === ruleText(b);
}

function ruleText({ headWords, matches, target }: Rule): string {
  return [...headWords, ...matches.flatMap(({ words }) => words), ...target.words].join(' ');
}
