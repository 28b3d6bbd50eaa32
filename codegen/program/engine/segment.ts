import type { Family } from '../../../grammar/model/family.js';
import {
  classify,
  type Access,
  type Classifier,
  type Dimension,
  type Group,
  type Instance,
} from '../../classify/index.js';
import type { FlowLayout } from '../flow.js';
import type { ReachableRule, RuleMeaning } from '../reachable.js';
import { rejectVerdict, VERDICT } from '../verdict.js';
import type { RejectPolicy } from '../manifest.js';
import { costOf, diagramWork, type Work } from './cost.js';
import { DimensionSet } from './dimensions.js';
import { regionsOf, type Box, type RegionSettings } from './regions.js';

/** What a hit does: a verdict code in the lower bits (0: go on), or {@link OWN_CODE} + the number of a block; and this. */
export const COUNTED = 0x8000_0000;
/** … and this, where the rest of the lists is not asked for: the rule decides. */
export const FINAL = 0x4000_0000;
/** Verdict codes are below it. */
export const OWN_CODE = 0x1_0000;
export const ACTION_MASK = 0x00ff_ffff;

/** Groups that one look-up walks, and hits that it can have: both are unrolled in the program. */
export const MAX_GROUPS = 8;
export const MAX_HITS = 32;
const LIMITS = { groups: MAX_GROUPS, longest: MAX_HITS } as const;
/** Fewer rules of a chain are judged one after the other. */
export const LEAST_RULES = 8;

/** Nanoseconds that no look-up is faster than. */
const LEAST_COST = 20;
/** What diagrams must save, in nanoseconds: less than that the model does not know, and rules in turn are the plainer code. */
const LEAST_GAIN = 10;

/** Slots of a block, about, and of all blocks of one function. */
const MATCHED_SLOTS = 30;
const ASKED_SLOTS = 90;
const MOST_SLOTS = 18_000;

export interface PlanSettings extends RegionSettings {
  readonly family: Family;
  readonly layout: FlowLayout;
  readonly reject: RejectPolicy;
  meaning(rule: ReachableRule): RuleMeaning;
  /** Numbers that a stretch's diagrams may ask for. */
  readonly numbers: number;
  /** Whether diagrams are for stretches alone where they are expected to be faster. */
  readonly choose: boolean;
  /** Work of the rules' code, judged one after the other, about. */
  inTurn(rules: readonly ReachableRule[]): Work;
  /** The rule's key in the map `counters`: it grows along a chain. */
  key(rule: ReachableRule): number;
}

/** What a rule's block of code does. */
export interface Block {
  readonly rule: ReachableRule;
  /** Whether the rule is known to match and has been counted, so that only its target is left. */
  readonly matched: boolean;
}

/** A stretch of a chain. */
export type Stretch =
  | { readonly kind: 'linear'; readonly rules: readonly ReachableRule[] }
  | {
      readonly kind: 'diagrams';
      readonly rules: readonly ReachableRule[];
      readonly classifier: Classifier;
      readonly instances: readonly Instance[];
      readonly dimensions: readonly Dimension[];
      readonly accesses: readonly Access[];
      /** Numbers that one look-up may ask for. */
      readonly most: number;
      /** In order of rule; block i is action {@link OWN_CODE} + i. */
      readonly blocks: readonly Block[];
    };

/** Cuts a chain into stretches that are looked up in diagrams, and others, which are judged rule by rule. */
export function planChain(rules: readonly ReachableRule[], settings: PlanSettings): readonly Stretch[] {
  const out: Stretch[] = [];
  divide(rules, settings, out);
  return out.reduce<Stretch[]>((merged, stretch) => {
    const last = merged[merged.length - 1];
    if (last?.kind !== 'linear' || stretch.kind !== 'linear') merged.push(stretch);
    else merged[merged.length - 1] = { kind: 'linear', rules: [...last.rules, ...stretch.rules] };
    return merged;
  }, []);
}

function divide(rules: readonly ReachableRule[], settings: PlanSettings, out: Stretch[]): void {
  const stretch = rules.length < LEAST_RULES ? undefined : diagramsOf(rules, settings);
  if (stretch !== undefined) {
    out.push(stretch);
    return;
  }
  if (rules.length < 2 * LEAST_RULES) {
    if (rules.length > 0) out.push({ kind: 'linear', rules });
    return;
  }
  const half = rules.length >> 1;
  divide(rules.slice(0, half), settings, out);
  divide(rules.slice(half), settings, out);
}

function diagramsOf(rules: readonly ReachableRule[], settings: PlanSettings): Stretch | undefined {
  const dimensions = new DimensionSet(settings.layout, settings.family, settings.numbers);
  const blocks: Block[] = [];
  const instances: Instance[] = [];
  let last = -1;
  for (const rule of rules) {
    const key = settings.key(rule);
    if (key <= last) return undefined;
    last = key;
    for (const instance of instancesOf(rule, key, dimensions, blocks, settings)) instances.push(instance);
  }
  const slots = blocks.reduce((sum, { matched }) => sum + (matched ? MATCHED_SLOTS : ASKED_SLOTS), 0);
  if (slots > MOST_SLOTS) return undefined;
  // Most rules would be asked one by one anyway.
  if (settings.choose && blocks.filter(({ matched }) => !matched).length > rules.length / 2) return undefined;
  // A block of code is run for the packets that come to it either way.
  const withBlock = new Set(blocks.map(({ rule }) => rule));
  const inTurn = costOf(settings.inTurn(rules.filter((rule) => !withBlock.has(rule))));
  if (settings.choose && inTurn < LEAST_COST) return undefined;
  const costOfGroups = (groups: readonly Group[]): number => costOf(diagramWork(groups, dimensions.dimensions));
  const classifier = classify(instances, dimensions.dimensions, LIMITS, costOfGroups);
  if (classifier === undefined || (settings.choose && classifier.cost + LEAST_GAIN > inTurn)) return undefined;
  return { kind: 'diagrams', rules, classifier, instances, ...dimensions.all, blocks };
}

function instancesOf(
  rule: ReachableRule,
  key: number,
  dimensions: DimensionSet,
  blocks: Block[],
  settings: PlanSettings,
): readonly Instance[] {
  const { matching, dropped, asking } = regionsOf(settings.meaning(rule).condition, dimensions, settings);
  const own = (matched: boolean): number => OWN_CODE + blocks.push({ rule, matched }) - 1;
  const instances = (boxes: readonly Box[], action: number, final: boolean): readonly Instance[] =>
    boxes.map((box) => ({ rule: key, action: (final ? action | FINAL : action) >>> 0, final, box }));
  if (asking.length > 0) return instances([...matching, ...dropped, ...asking], own(false), false);
  const drops = instances(dropped, VERDICT.DROP, true);
  if (matching.length === 0) return drops;
  const { effect } = rule.rule.target;
  const decide = (verdict: number): readonly Instance[] => [
    ...drops,
    ...instances(matching, verdict | COUNTED, verdict !== VERDICT.NEXT),
  ];
  switch (effect.kind) {
    case 'accept':
      return decide(VERDICT.ACCEPT);
    case 'drop':
      return decide(VERDICT.DROP);
    case 'reject':
      return decide(rejectVerdict(effect.type, settings.reject));
    case 'return':
      return decide(VERDICT.RETURN);
    case 'continue':
      return decide(VERDICT.NEXT);
    case 'jump':
      return [...drops, ...instances(matching, own(true) | COUNTED, effect.goto)];
    case 'log':
    case 'mark':
      return [...drops, ...instances(matching, own(true) | COUNTED, false)];
    case 'opaque':
      // Whether it ends the packet's way is known where its code is made.
      return [...drops, ...instances(matching, own(false), false)];
  }
}
