import { opaqueTests } from '../../grammar/model/condition-parts.js';
import { remembers, type Opaque } from '../../grammar/model/condition.js';
import type { Chain, Rule } from '../../grammar/model/ruleset.js';
import { printRule } from '../../grammar/index.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { testKey } from './inputs.js';
import { asksOpaque } from './outcomes.js';

/** Names by which rules of two rulesets are known to be the same ones. */
export interface RuleNames {
  /**
   * Rules that share the buckets, counts and dice of their tests: same tests in the same chain, whatever their target.
   * Of rules that ask what is not in the packet; the others are absent.
   */
  readonly occurrence: ReadonlyMap<Rule, string>;
  /** Rules that share a counter: same text in the same chain. */
  readonly text: ReadonlyMap<Rule, string>;
}

/**
 * Names the rules of both sides. Rules of the same text are told apart by their order; rules with memory that have no
 * partner of the same text get the next one of their chain that asks the same of memory.
 */
export function nameRules(before: readonly Chain[], after: readonly Chain[] = []): RuleNames {
  let text: Map<Rule, string> | undefined;
  const texts = (): ReadonlyMap<Rule, string> => {
    if (text !== undefined) return text;
    text = new Map<Rule, string>();
    for (const chains of [before, after]) number(chains, (chain, rule) => `${chain.name} ${printRule(rule)}`, text);
    return text;
  };
  const tests = new Map<Rule, string>();
  const matchWords = (chain: Chain, { headWords, matches }: Rule): string =>
    [chain.name, ...headWords, ...matches.flatMap(({ words }) => words)].join(' ');
  for (const chains of [before, after]) {
    const asking = chains.map((chain) => ({ ...chain, rules: chain.rules.filter(asks) }));
    number(asking, matchWords, tests);
  }
  return {
    get text() {
      return texts();
    },
    occurrence: pairMemory(before, after, tests),
  };
}

/** Whether a test or the target of the rule hangs on more than the packet. */
function asks(rule: Rule): boolean {
  return rule.target.effect.kind === 'opaque' || asksOpaque(ruleCondition(rule));
}

function number(chains: readonly Chain[], keyOf: (chain: Chain, rule: Rule) => string, into: Map<Rule, string>): void {
  const seen = new Map<string, number>();
  for (const chain of chains) {
    for (const rule of chain.rules) {
      const key = keyOf(chain, rule);
      const times = seen.get(key) ?? 0;
      seen.set(key, times + 1);
      into.set(rule, times === 0 ? key : `${key} #${times + 1}`);
    }
  }
}

function pairMemory(
  before: readonly Chain[],
  after: readonly Chain[],
  names: ReadonlyMap<Rule, string>,
): ReadonlyMap<Rule, string> {
  const out = new Map(names);
  const left = new Set(before.flatMap(({ rules }) => rules.map((rule) => names.get(rule))));
  const right = new Set(after.flatMap(({ rules }) => rules.map((rule) => names.get(rule))));
  const single = (chains: readonly Chain[], others: ReadonlySet<string | undefined>): Map<string, Rule[]> => {
    const lone = new Map<string, Rule[]>();
    for (const chain of chains) {
      for (const rule of chain.rules) {
        const memory = others.has(names.get(rule)) ? '' : memoryOf(rule);
        if (memory === '') continue;
        const key = `${chain.name} ${memory}`;
        lone.set(key, [...(lone.get(key) ?? []), rule]);
      }
    }
    return lone;
  };
  const partners = single(before, right);
  for (const [key, rules] of single(after, left)) {
    rules.forEach((rule, i) => {
      const partner = partners.get(key)?.[i];
      const name = partner && names.get(partner);
      if (name !== undefined) out.set(rule, name);
    });
  }
  return out;
}

/** Whether the answer of a test is not the same wherever it is asked. */
function isOwn(test: Opaque): boolean {
  return remembers(test) || test.name === 'random';
}

/** What a rule asks of memory and chance; empty if nothing. */
function memoryOf(rule: Rule): string {
  const tests = rule.matches.flatMap(({ condition }) => opaqueTests(condition));
  return tests.filter(isOwn).map(testKey).join(' ');
}
