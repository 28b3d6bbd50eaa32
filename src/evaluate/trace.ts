import type { Condition } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Effect, Rule, RuleRef } from '../../grammar/model/ruleset.js';
import { fieldValue, HOTDROP, NO, outcomeOf, YES, type ConditionView, type Outcome } from './outcome.js';

/** The test that settled a rule: the first that failed, or the one that dropped the packet at once. */
export interface SettledTest {
  /** `head` for addresses, interfaces, protocol and fragment flag; else the match's name. */
  readonly part: string;
  /** The match's canonical words; those of the head. */
  readonly words: readonly string[];
  /** The smallest condition that settles it. */
  readonly condition: Condition;
  /** The field it looks at and its value there, where it looks at one. */
  readonly field?: Field;
  readonly value?: bigint;
}

/** A step of a packet on its way through the chains, with the rule's canonical text. */
export type TraceStep =
  | { readonly kind: 'mismatch' | 'hotdrop'; readonly rule: RuleRef; readonly text: string; readonly test: SettledTest }
  | { readonly kind: 'match'; readonly rule: RuleRef; readonly text: string; readonly effect: Effect }
  /** Out of a chain; `to` is the rule that is next, undefined for the policy. */
  | { readonly kind: 'return'; readonly chain: string; readonly to?: RuleRef }
  | { readonly kind: 'policy'; readonly chain: string; readonly policy: 'ACCEPT' | 'DROP' };

/**
 * The step past a rule that came to `outcome` (no match, or hotdrop). Its words and the test that settled it are worked out where they are
 * read: a packet may pass thousands of rules, and people read a few. Asks `view` for nothing that was not asked on the way.
 */
export class SettledStep {
  readonly kind: 'mismatch' | 'hotdrop';
  readonly rule: RuleRef;
  readonly #of: Rule;
  readonly #view: ConditionView;
  readonly #outcome: Outcome;

  constructor(of: Rule, rule: RuleRef, view: ConditionView, outcome: Outcome) {
    this.kind = outcome === HOTDROP ? 'hotdrop' : 'mismatch';
    this.rule = rule;
    this.#of = of;
    this.#view = view;
    this.#outcome = outcome;
  }

  get text(): string {
    return this.#of.source;
  }

  get test(): SettledTest {
    return settledTest(this.#of, this.#view, this.#outcome);
  }
}

/** Which test of a rule settled it. */
function settledTest(rule: Rule, view: ConditionView, outcome: Outcome): SettledTest {
  const parts = [
    { part: 'head', words: rule.headWords, condition: rule.head },
    ...rule.matches.map(({ name, words, condition }) => ({ part: name, words, condition })),
  ];
  const settled = parts.find(({ condition }) => outcomeOf(condition, view) === outcome) ?? parts[parts.length - 1];
  const condition = settling(settled.condition, view, outcome);
  return { part: settled.part, words: settled.words, condition, ...lookedAt(condition, view) };
}

/** The smallest part of `condition` that makes it come to `outcome`. */
function settling(condition: Condition, view: ConditionView, outcome: Outcome): Condition {
  switch (condition.kind) {
    case 'in':
    case 'opaque':
    case 'payload':
    case 'not':
      return condition;
    case 'hotdrop':
      return settling(condition.when, view, outcome === HOTDROP ? YES : outcome);
    case 'all':
    case 'any': {
      // One part fails an `all` or holds an `any`; the whole of it fails an `any` or holds an `all`.
      const single = condition.kind === 'all' ? outcome !== YES : outcome !== NO;
      const part = single ? condition.of.find((one) => outcomeOf(one, view) === outcome) : undefined;
      if (part !== undefined) return settling(part, view, outcome);
      return condition.of.length === 1 ? settling(condition.of[0], view, outcome) : condition;
    }
  }
}

function lookedAt(condition: Condition, view: ConditionView): { readonly field?: Field; readonly value?: bigint } {
  switch (condition.kind) {
    case 'in': {
      const value = fieldValue(condition.field, view);
      return value === undefined ? { field: condition.field } : { field: condition.field, value };
    }
    case 'not':
    case 'hotdrop':
      return lookedAt(condition.kind === 'not' ? condition.of : condition.when, view);
    case 'all':
    case 'any': {
      const fields = new Set(condition.of.map((part) => lookedAt(part, view).field));
      return fields.size === 1 ? lookedAt(condition.of[0], view) : {};
    }
    case 'opaque':
    case 'payload':
      return {};
  }
}
