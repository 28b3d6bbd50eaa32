import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { PacketChange } from '../../grammar/model/change.js';
import type { BuiltinChain, Family, TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { BoundMatch, Chain, Effect, RejectType, Rule, RuleRef, Ruleset } from '../../grammar/model/ruleset.js';
import { changedFrame } from './change.js';
import { entryChain, jumpTarget, type ChainIndex } from './chains.js';
import { headIndexOf } from './head-index.js';
import {
  DROPPING,
  HOTDROP,
  isCertain,
  NO,
  outcomeOf,
  YES,
  type Answer,
  type ConditionView,
  type Outcome,
} from './outcome.js';
import { payloadReader, type PayloadReader } from './payload/index.js';
import { readFields, readIpPacket, type FieldValues } from './read-fields.js';
import { isUnsettledBy, natureOf, type TargetNature } from './targets.js';
import { SettledStep, type TraceStep } from './trace.js';

/** What iptables does with a packet. `reject`: drops it and answers. */
export type Verdict = 'accept' | 'drop' | { readonly reject: RejectType };

/**
 * What decided: a rule's target, the policy of the built-in chain, or a rule whose test dropped the packet at once. A
 * rule that matches such a packet all the same is among the hits, and its REJECT answers.
 */
export type Decision =
  | { readonly by: 'rule'; readonly rule: RuleRef }
  | { readonly by: 'policy'; readonly chain: BuiltinChain }
  | { readonly by: 'hotdrop'; readonly rule: RuleRef };

/** What could not be answered, and so ended the evaluation. */
export type Unknown =
  | { readonly kind: 'test'; readonly rule: RuleRef; readonly test: Opaque }
  | { readonly kind: 'target'; readonly rule: RuleRef; readonly target: string }
  /** More than 100,000 jumps (`MOST_VISITS`): chains may lead to one another on more ways than anybody can walk. */
  | { readonly kind: 'too-long'; readonly rule: RuleRef };

interface Walked {
  /** Every rule that matched, in order: these are counted. A hotdrop counts nothing. */
  readonly hits: readonly RuleRef[];
  /** Bytes that the counter of each hit gets (`skb->len`: the IP packet without padding); TCPMSS may make a packet longer. */
  readonly lengths: readonly number[];
  /** The same at the end, for a policy. */
  readonly length: number;
  /** The packet mark at the end. */
  readonly mark: number;
  /** The frame at the end. */
  readonly frame: Uint8Array;
  /** Every step, if it was asked for. */
  readonly trace: readonly TraceStep[];
}

/** `decided` where every test that mattered had an answer; `unknown` where one had none. Never a guess. */
export type Evaluation =
  | (Walked & { readonly kind: 'decided'; readonly verdict: Verdict; readonly decision: Decision })
  | (Walked & { readonly kind: 'unknown'; readonly unknown: Unknown });

/**
 * Answers the tests whose answer is not in the packet; undefined where it is not known. Each test is asked where the
 * kernel would come to it and once, so that an answer may spend something (a token of `limit`).
 */
export type Oracle = (test: Opaque, rule: RuleRef, fields: FieldValues) => boolean | undefined;

/** A packet that has come to a built-in chain, and what answers tests that are not about the packet. */
export interface EvaluationInput {
  readonly ruleset: Ruleset;
  readonly table: TableName;
  readonly chain: BuiltinChain;
  readonly packet: Packet;
  readonly oracle?: Oracle;
  /** Keep every step for people to read. */
  readonly trace?: boolean;
  /** Walk on behind targets that always go on, as far as nothing is asked that they may change. Default: they are not known. */
  readonly passTargets?: boolean;
}

/**
 * What iptables does with a packet that has come to a built-in chain: ipt_do_table (net/ipv4/netfilter/ip_tables.c)
 * and ip6t_do_table (net/ipv6/netfilter/ip6_tables.c).
 *
 * @throws UnreadablePacketError if the frame holds no packet of the family (see `reaches`)
 * @throws RulesetFaultError if the kernel would not load the table
 */
export function evaluate(input: EvaluationInput): Evaluation {
  const { ruleset, packet } = input;
  const { chain, index } = entryChain(ruleset, input.table, input.chain);
  const walk: Walk = {
    builtin: chain,
    hook: input.chain,
    index,
    family: ruleset.family,
    packet,
    fields: readFields(packet, ruleset.family, input.chain),
    payload: payloadReader(packet, ruleset.family, input.chain),
    oracle: input.oracle ?? (() => undefined),
    mark: packet.mark >>> 0,
    hits: [],
    lengths: [],
    length: readIpPacket(packet.frame, ruleset.family, input.chain).bytes.length,
    trace: input.trace === true ? [] : undefined,
    passesTargets: input.passTargets === true,
    passed: new Set(),
    visits: 0,
  };
  const end = run(walk);
  return {
    ...end,
    hits: walk.hits,
    lengths: walk.lengths,
    length: walk.length,
    mark: walk.mark,
    frame: walk.packet.frame,
    trace: walk.trace ?? [],
  };
}

interface Walk {
  readonly builtin: Chain;
  readonly hook: BuiltinChain;
  readonly index: ChainIndex;
  readonly family: Family;
  packet: Packet;
  fields: FieldValues;
  payload: PayloadReader;
  readonly oracle: Oracle;
  mark: number;
  readonly hits: RuleRef[];
  readonly lengths: number[];
  length: number;
  readonly trace: TraceStep[] | undefined;
  readonly passesTargets: boolean;
  /** What targets were like that the walk has passed. */
  readonly passed: Set<TargetNature>;
  /** Jumps so far. */
  visits: number;
}

type End =
  | { readonly kind: 'decided'; readonly verdict: Verdict; readonly decision: Decision }
  | { readonly kind: 'unknown'; readonly unknown: Unknown };

/** Jumps to chains before a walk is given up, and steps before one of which each is kept. */
export const MOST_VISITS = 100_000;
const MOST_KEPT = 2_000_000;

/** A place in a chain: the rule that is next. */
interface Place {
  readonly chain: Chain;
  readonly next: number;
}

/** The loop of ipt_do_table. The stack holds where a jump came from; a goto leaves it as it is. */
function run(walk: Walk): End {
  const stack: Place[] = [];
  let place: Place | undefined = { chain: walk.builtin, next: 0 };
  for (;;) {
    if (place === undefined) return policy(walk);
    const { chain }: Place = place;
    const next = passHeads(walk, place);
    if (next >= chain.rules.length) {
      // The end of a user chain is a RETURN; the end of the built-in chain is its policy.
      place = chain === walk.builtin ? undefined : leave(walk, stack, chain);
      continue;
    }
    const rule = chain.rules[next];
    const ref: RuleRef = { chain: chain.name, number: next + 1 };
    const tested = testRule(walk, rule, ref);
    if (tested.unknown !== undefined && !isCertain(tested.outcome)) {
      return { kind: 'unknown', unknown: { kind: 'test', rule: ref, test: tested.unknown } };
    }
    if (tested.outcome === HOTDROP) return decided('drop', { by: 'hotdrop', rule: ref });
    if (tested.outcome !== YES && tested.outcome !== DROPPING) {
      place = { chain, next: next + 1 };
      continue;
    }
    walk.hits.push(ref);
    walk.lengths.push(walk.length);
    walk.trace?.push({ kind: 'match', rule: ref, effect: rule.target.effect, text: rule.source });
    const { effect } = rule.target;
    // The rule is counted and its target runs, but ipt_do_table ends behind it.
    if (tested.outcome === DROPPING) {
      const verdict = effect.kind === 'reject' ? { reject: effect.type } : 'drop';
      return decided(verdict, { by: 'hotdrop', rule: ref });
    }
    if (effect.kind === 'return') {
      place = leave(walk, stack, chain);
      continue;
    }
    if (effect.kind === 'jump') {
      if (++walk.visits > MOST_VISITS || (walk.trace?.length ?? 0) > MOST_KEPT) {
        return { kind: 'unknown', unknown: { kind: 'too-long', rule: ref } };
      }
      if (!effect.goto) stack.push({ chain, next: next + 1 });
      place = { chain: jumpTarget(walk.index, effect.chain, chain, next + 1), next: 0 };
      continue;
    }
    const end = applyTarget(walk, effect, ref);
    if (end !== undefined) return end;
    place = { chain, next: next + 1 };
  }
}

/** Most rules end at their head, before anything is asked: the number of the next one that does not. */
function passHeads({ trace, fields, mark, family }: Walk, { chain, next }: Place): number {
  const view: ConditionView = { fields, mark, changed: false, answer: UNANSWERED };
  const { rules } = chain;
  const index = trace === undefined ? headIndexOf(chain, family, next) : undefined;
  if (index !== undefined) {
    return index.next(fields, next, rules.length, (rule) => outcomeOf(rules[rule].head, view) !== NO);
  }
  let at = next;
  for (; at < rules.length && outcomeOf(rules[at].head, view) === NO; at++) {
    trace?.push(new SettledStep(rules[at], { chain: chain.name, number: at + 1 }, view, NO));
  }
  return at;
}

const UNANSWERED: Answer = () => undefined;

/** Back to where the last jump came from; from a built-in chain (or a goto out of one) to the policy. */
function leave(walk: Walk, stack: Place[], chain: Chain): Place | undefined {
  const back = stack.pop();
  const to = back === undefined ? undefined : { chain: back.chain.name, number: back.next + 1 };
  walk.trace?.push({ kind: 'return', chain: chain.name, to });
  return back;
}

function policy(walk: Walk): End {
  const { builtin } = walk;
  const verdict = builtin.policy === 'DROP' ? 'drop' : 'accept';
  walk.trace?.push({ kind: 'policy', chain: builtin.name, policy: builtin.policy ?? 'ACCEPT' });
  return decided(verdict, { by: 'policy', chain: walk.hook });
}

function decided(verdict: Verdict, decision: Decision): End {
  return { kind: 'decided', verdict, decision };
}

/** A target that is no jump: a verdict, or undefined where the next rule follows. */
function applyTarget(walk: Walk, effect: Exclude<Effect, { kind: 'return' | 'jump' }>, rule: RuleRef): End | undefined {
  const decision: Decision = { by: 'rule', rule };
  switch (effect.kind) {
    case 'accept':
    case 'drop':
      return decided(effect.kind, decision);
    case 'reject':
      return decided({ reject: effect.type }, decision);
    case 'continue':
    case 'log':
      return undefined;
    case 'mark':
      walk.mark = setMark(walk.mark, effect);
      return undefined;
    case 'opaque':
      if (walk.passesTargets && passes(walk, natureOf(effect.target, effect.words))) return undefined;
      if (effect.change === undefined || walk.hook === 'INPUT' || walk.hook === 'FORWARD') {
        return { kind: 'unknown', unknown: { kind: 'target', rule, target: effect.target } };
      }
      return applyChange(walk, effect.change) ? undefined : decided('drop', { by: 'hotdrop', rule });
  }
}

/** Whether a target goes on, and all that it changes is what some tests answer. */
function passes(walk: Walk, nature: TargetNature): boolean {
  if (nature !== 'goes-on' && nature !== 'tracks' && nature !== 'marks-connection') return false;
  walk.passed.add(nature);
  return true;
}

/** False where the target drops the packet. */
function applyChange(walk: Walk, change: PacketChange): boolean {
  const frame = changedFrame(walk.packet.frame, change, walk.family, walk.hook);
  if (frame === undefined) return false;
  walk.packet = { ...walk.packet, frame };
  walk.fields = readFields(walk.packet, walk.family, walk.hook);
  walk.payload = payloadReader(walk.packet, walk.family, walk.hook);
  walk.length = readIpPacket(frame, walk.family, walk.hook).bytes.length;
  return true;
}

/** mark_tg (net/netfilter/xt_mark.c). */
export function setMark(mark: number, effect: Extract<Effect, { kind: 'mark' }>): number {
  return ((mark & ~effect.clear) ^ effect.flip) >>> 0;
}

interface Tested {
  readonly outcome: Outcome;
  /** The first test that had no answer. */
  readonly unknown?: Opaque;
}

/** A rule whose head may hold: the head, then its matches in order, until one fails; a hotdrop ends it too. */
function testRule(walk: Walk, rule: Rule, ref: RuleRef): Tested {
  let unknown: Opaque | undefined;
  let given: Map<Opaque, boolean | undefined> | undefined;
  const answer: Answer = (test) => {
    given ??= new Map();
    if (given.has(test)) return given.get(test);
    // Behind a test without answer it is not known whether the kernel comes to this one, and asking it may spend.
    const isOpen = unknown !== undefined || isUnsettledBy(test, walk.passed);
    const value = isOpen ? undefined : walk.oracle(test, ref, walk.fields);
    if (value === undefined) unknown ??= test;
    given.set(test, value);
    return value;
  };
  const view: ConditionView = { fields: walk.fields, mark: walk.mark, changed: false, answer, payload: walk.payload };
  const outcome = outcomeOf(ruleCondition(rule), view);
  if (walk.trace !== undefined && outcome !== YES && outcome !== DROPPING && isCertain(outcome)) {
    walk.trace.push(new SettledStep(rule, ref, view, outcome));
  }
  return unknown === undefined ? { outcome } : { outcome, unknown };
}

const conditions = new WeakMap<object, Condition>();

/** The whole condition of a rule: its head, then its matches. */
export function ruleCondition(rule: Rule): Condition {
  const key = rule.identity ?? rule;
  let condition = conditions.get(key);
  if (condition === undefined) {
    condition = { kind: 'all', of: [rule.head, ...rule.matches.map((match: BoundMatch) => match.condition)] };
    conditions.set(key, condition);
  }
  return condition;
}
