/**
 * Targets that a netfilter program cannot perform, and iptables' own code performs for it: behind the program, a rule
 * asks whether the packet is noted for the target (answers.ts) and is nothing but that target.
 */
import type { Rule } from '../../../grammar/model/ruleset.js';
import { unquote } from '../../../grammar/syntax/index.js';
import { RETOLD_BY_SEGMENT_SIZE } from '../changes/kinds.js';
import type { Undecided } from '../place.js';
import { visitCondition } from '../../../grammar/model/condition-parts.js';
import { inOrder, type Reachable, type ReachableRule } from '../reachable.js';

/** What is known of a target that goes on to the next rule. */
interface GoingOn {
  /** To perform it once more changes nothing, so that it does not matter how often rules of its words match. */
  readonly repeatable: boolean;
  /** It does something that outlives the packet: it is performed on packets that are dropped, too. */
  readonly lasting: boolean;
  /** It shows the packet's mark to somebody, or keeps it. */
  readonly seesMark: boolean;
  /** Matches whose answers it may change. */
  readonly changes?: readonly string[];
}

const GOING_ON: Readonly<Record<string, GoingOn>> = {
  AUDIT: { repeatable: false, lasting: true, seesMark: true },
  CONNMARK: { repeatable: false, lasting: true, seesMark: true, changes: ['connmark'] },
  CLASSIFY: { repeatable: true, lasting: false, seesMark: false },
  IDLETIMER: { repeatable: true, lasting: true, seesMark: false },
  LED: { repeatable: true, lasting: true, seesMark: false },
  // A rate is reckoned by a timer (net/core/gen_estimator.c): a packet changes none that rules behind it may ask for.
  RATEEST: { repeatable: false, lasting: true, seesMark: false },
  SET: { repeatable: true, lasting: true, seesMark: true, changes: ['set'] },
  TCPMSS: { repeatable: true, lasting: false, seesMark: false },
  TEE: { repeatable: false, lasting: true, seesMark: true },
};

/** Targets that decide: a program behind a queue has the last word. */
const ENDING: ReadonlySet<string> = new Set(['NFQUEUE', 'QUEUE']);

/** Bits of a note (answers.ts). */
const MOST_GOING_ON = 32;

/** A target that goes on; its bit in a note is its place in {@link LeftPlan.goingOn}, which is the order of performance. */
export interface LeftTarget {
  /** `-j NAME` first, without quotes. */
  readonly words: readonly string[];
  readonly lasting: boolean;
  /** It is TCPMSS, which may drop the packet or add an option to it. */
  readonly segmentSize: boolean;
}

/** The targets of one chain, and those it reaches, that iptables is to perform. */
export interface LeftPlan {
  readonly goingOn: readonly LeftTarget[];
  /** Bit of each rule that goes on, by the rule's id. */
  readonly bits: ReadonlyMap<number, number>;
  /** Words of each rule that ends, by the rule's id. */
  readonly endings: ReadonlyMap<number, readonly string[]>;
  /** Why iptables cannot perform the target of a rule exactly. */
  undecided(rule: ReachableRule): readonly Undecided[];
}

/** Which targets of a chain at a netfilter hook are left to iptables. */
export function planLeft(reachable: Reachable): LeftPlan {
  const endings = new Map<number, readonly string[]>();
  for (const { id, rule } of reachable.rules) if (ENDING.has(targetOf(rule))) endings.set(id, wordsOf(rule));
  const found = inOrder(reachable, ({ rule }) => Object.hasOwn(GOING_ON, targetOf(rule)));
  const rules = [...new Set(found)];
  const repeated = rules.length < found.length;
  const kinds = new Set(rules.map(({ rule }) => textOf(rule)));
  // One target may stand in many rules; several have an order, which only a chain that is passed once keeps.
  const shared = kinds.size === 1 && rules.every(({ rule }) => GOING_ON[targetOf(rule)].repeatable);
  const bits = new Map(rules.map(({ id }, index) => [id, shared ? 0 : index]));
  const goingOn = (shared ? rules.slice(0, 1) : rules).map(({ rule }): LeftTarget => {
    const { lasting } = GOING_ON[targetOf(rule)];
    return { words: wordsOf(rule), lasting, segmentSize: targetOf(rule) === 'TCPMSS' };
  });
  return {
    goingOn,
    bits,
    endings,
    undecided: (rule) => {
      if (!bits.has(rule.id)) return [];
      const reason =
        (repeated && !shared ? 'packets may come to it twice, or in another order than to other targets' : undefined) ??
        (goingOn.length > MOST_GOING_ON ? `the chain has more than ${MOST_GOING_ON} such targets` : undefined) ??
        conflict(reachable, rule.rule);
      return reason === undefined ? [] : [{ reason: `target ${targetOf(rule.rule)}: ${reason}`, advice: ADVICE }];
    },
  };
}

const ADVICE = 'keep iptables for this chain';

/** Whether iptables may perform the target for an object: the plan says whether exactly. */
export function isLeft(rule: Rule): boolean {
  return ENDING.has(targetOf(rule)) || Object.hasOwn(GOING_ON, targetOf(rule));
}

function targetOf({ target }: Rule): string {
  return target.effect.kind === 'opaque' ? target.effect.target : '';
}

const textOf = ({ target }: Rule): string => target.words.join(' ');
/** Words as a tool gets them; those of a rule are quoted as iptables-save prints them. */
const wordsOf = ({ target }: Rule): readonly string[] => target.words.map(unquote);

/** Why a target cannot be performed behind all rules instead of where it stands. */
function conflict({ rules }: Reachable, rule: Rule): string | undefined {
  const target = targetOf(rule);
  if (target === 'TCPMSS') return segmentConflict(rules);
  if (target === 'CONNMARK' && rule.target.words.includes('--restore-mark')) {
    return 'rules behind it may ask for the mark that it gives the packet';
  }
  const { seesMark, changes = [] } = GOING_ON[target];
  if (seesMark && rules.some((one) => one.rule.target.effect.kind === 'mark')) {
    return 'other rules of the chain change the mark that it sees';
  }
  const asked = changes.find((name) => rules.some((one) => one.rule.matches.some((match) => match.name === name)));
  return asked === undefined ? undefined : `rules of the chain ask for what it changes (-m ${asked})`;
}

function segmentConflict(rules: readonly ReachableRule[]): string | undefined {
  let asked: string | undefined;
  for (const { condition } of rules) {
    visitCondition(condition, {
      field: (field) => {
        if (RETOLD_BY_SEGMENT_SIZE.includes(field)) asked = 'the length or the TCP options of the packet';
      },
      payload: () => {
        asked = 'bytes of the packet';
      },
    });
  }
  return asked === undefined ? undefined : `rules of the chain ask for ${asked}, which it changes`;
}
