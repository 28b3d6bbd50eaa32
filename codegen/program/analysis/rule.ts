import { asksMore, visitCondition } from '../../../grammar/model/condition-parts.js';
import type { Opaque } from '../../../grammar/model/condition.js';
import type { Rule, Ruleset } from '../../../grammar/model/ruleset.js';
import { undecidedChange } from '../changes/view.js';
import type { Mode, RejectPolicy } from '../manifest.js';
import type { MemoryScope } from '../memory-scope.js';
import { isLeft, type LeftPlan } from '../netfilter/left.js';
import { isSocketHook, isWireHook, type Undecided, type View } from '../place.js';
import type { ReachableRule, RuleMeaning } from '../reachable.js';
import type { Judged } from '../surroundings.js';
import { undecidedTarget } from '../untranslated.js';
import { specialise } from '../view.js';

/** What a rule becomes at a hook: translated, or why not. */
export interface RuleAnalysis {
  readonly rule: ReachableRule;
  readonly meaning: RuleMeaning;
  /** Why an exact object is refused (or the rule deferred in early mode); empty if it is exact. */
  readonly undecided: readonly Undecided[];
}

/** Why the answer to a test may be another one where iptables asks for it (early mode). */
const MOMENTARY: Readonly<Partial<Record<Opaque['name'], string>>> = {
  limit: 'a limit is spent by the packets that come to the rule itself',
  recent: 'the list of addresses is written by the packets that come to the rule itself',
  'counted-set': 'elements of the set count the packets that come to the rule itself',
  hashlimit: 'a rate is that of the packets that come to the rule itself',
  quota: 'a quota is spent by the packets that come to the rule itself',
  nth: 'packets are counted at the rule itself',
  random: 'chance decides at the rule itself',
  cpu: 'another processor may come to the rule itself',
  time: 'it may be later at the rule itself',
};

/** By what a rule is judged beside its view. */
export interface RuleSettings {
  readonly mode: Mode;
  readonly reject: RejectPolicy;
  readonly ruleset: Ruleset;
  readonly judged: Judged;
  /** At netfilter: targets that iptables performs behind the program. */
  readonly left: LeftPlan | undefined;
}

const NOTHING: readonly Undecided[] = [];

/** What becomes of a rule in a view. */
export function analyseRule(rule: ReachableRule, view: View, settings: RuleSettings, scope: MemoryScope): RuleAnalysis {
  const { mode, left } = settings;
  const undecided: Undecided[] = [];
  const condition = specialise(rule.condition, view, undecided);
  const asks = asksMore(condition);
  if (mode === 'exact' && asks) undecided.push(...scope.undecided(condition, view));
  if (mode === 'early' && asks) {
    visitCondition(condition, {
      opaque: (test) => {
        const reason = MOMENTARY[test.name];
        if (reason !== undefined) undecided.push({ reason, advice: 'use exact mode' });
      },
    });
  }
  const tests = undecided.length > 0;
  if (left !== undefined && isLeft(rule.rule)) undecided.push(...left.undecided(rule));
  else undecided.push(...undecidedEffect(rule.rule, view, settings));
  if (undecided.length === 0) return { rule, meaning: { condition, undecided: false }, undecided: NOTHING };
  const unique = undecided.filter((why, index) => undecided.findIndex(({ reason }) => reason === why.reason) === index);
  return { rule, meaning: { condition, undecided: tests }, undecided: unique };
}

function undecidedEffect(
  { target: { effect } }: Rule,
  view: View,
  { mode, reject, left, ruleset, judged }: RuleSettings,
): readonly Undecided[] {
  switch (effect.kind) {
    case 'opaque':
      if (effect.change !== undefined && mode === 'exact' && isWireHook(view.hook)) {
        return undecidedChange(ruleset, judged, view, effect.target, effect);
      }
      if (effect.change !== undefined && view.hook === 'netfilter')
        return [unwritten(view, `what ${effect.target} changes`, 'bytes')];
      return [undecidedTarget(effect.target, view)];
    case 'mark':
      if (left !== undefined) return [];
      if (view.hook === 'tc') return mode === 'exact' ? undecidedChange(ruleset, judged, view, 'MARK', effect) : [];
      return [unwritten(view, 'the mark of a packet', 'mark')];
    case 'reject':
      if (!isSocketHook(view.hook) || reject === 'drop') return [];
      return [
        {
          reason: `a program at ${view.hook} cannot answer a packet`,
          advice: 'use --reject drop, which drops it without an answer, or --hook netfilter',
        },
      ];
    case 'log':
      if (view.chain !== 'POSTROUTING') return [];
      if (view.hook === 'netfilter') {
        return [
          { reason: 'of chain POSTROUTING no log is written at netfilter', advice: 'keep iptables for this chain' },
        ];
      }
      return [
        {
          reason: 'a log line names the device that a forwarded packet came in by, which is not known where it leaves',
          advice: 'put the rule into another chain, or keep iptables for this one',
        },
      ];
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
    case 'jump':
      return NOTHING;
  }
}

const BESIDE = 'keep this table with iptables, beside an object for table filter';

function unwritten({ hook, chain }: View, what: string, kind: 'mark' | 'bytes'): Undecided {
  const reason = `a program at ${hook} cannot write ${what}`;
  if (hook !== 'netfilter') return { reason, advice: 'use --hook tc' };
  const atTc = kind === 'mark' || (chain !== 'INPUT' && chain !== 'FORWARD');
  return { reason, advice: atTc ? `use --hook tc, or ${BESIDE}` : BESIDE };
}
