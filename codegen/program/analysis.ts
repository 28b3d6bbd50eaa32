import { asksMore } from '../../grammar/model/condition-parts.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import { findChain, type Ruleset } from '../../grammar/model/ruleset.js';
import { DEFAULT_TIME_KEEPING, type TimeKeeping } from '../../grammar/model/time.js';
import { failure, NOWHERE, type Failure } from './analysis/failure.js';
import { chooseForWhole, chooseFragments, wholeDatagrams } from './analysis/fragments.js';
import { findJudged, type ChainOptions } from './analysis/judged-chain.js';
import { analyseRule, type RuleAnalysis, type RuleSettings } from './analysis/rule.js';
import { addLogged, usedFields } from './analysis/used-fields.js';
import { reroutes } from './changes/view.js';
import { lookupConflict, lookupFields } from './lookup.js';
import type { CompileOptions, FragmentPolicy, Hook, Lookup, Mode, RejectPolicy, VlanPolicy } from './manifest.js';
import { MemoryScope } from './memory-scope.js';
import { planLeft, type LeftPlan } from './netfilter/left.js';
import { planPlaces, type PlacePlan } from './netfilter/places.js';
import { chainsAt, isSocketHook, isWireHook, type View } from './place.js';
import { collectReachable, type Reachable, type ReachableRule, type RuleMeaning } from './reachable.js';
import {
  addressRewriting,
  askingAt,
  headerChanges,
  markChange,
  marksTraced,
  otherTables,
  seesPieces,
  seesWholeDatagrams,
  type Judged,
} from './surroundings.js';
import { isIngress } from './view.js';
import { statesOf } from './wire-state.js';

export type { ChainOptions } from './analysis/judged-chain.js';

/** A chain of a dump seen from a hook: everything that `compile` and `check` decide by. */
export interface Analysis {
  readonly ruleset: Ruleset;
  readonly table: TableName;
  readonly chain: BuiltinChain;
  readonly policy: 'ACCEPT' | 'DROP';
  /** Policy of the chain that a packet may meet instead of this one (early mode, rewritten addresses). */
  readonly alternativePolicy?: 'ACCEPT' | 'DROP';
  readonly hook: Hook;
  readonly mode: Mode;
  readonly fragments: FragmentPolicy;
  /** Whether iptables sees whole datagrams in this chain. */
  readonly reassembled: boolean;
  readonly reject: RejectPolicy;
  readonly vlan: VlanPolicy;
  readonly view: View;
  readonly lookup?: Lookup;
  /** How the machine keeps time. */
  readonly time: TimeKeeping;
  readonly reachable: Reachable;
  /** At netfilter: targets that iptables performs behind the program. */
  readonly left?: LeftPlan;
  /** At netfilter: tests that iptables is asked in front of the program about packets that come to them. */
  readonly places?: PlacePlan;
  readonly rules: readonly RuleAnalysis[];
  /** Those of the rules whose conditions ask more than what fields hold: opaque tests, walks over the packet. */
  readonly asking: readonly RuleAnalysis[];
  /** Whether an event is written for each rule that a traced packet matches. */
  readonly traced: boolean;
  /** Fields that the program reads. */
  readonly used: ReadonlySet<Field>;
  readonly assumptions: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

export type AnalysisResult = { readonly ok: true; readonly analysis: Analysis } | Failure;

export type AnalysesResult = { readonly ok: true; readonly analyses: readonly Analysis[] } | Failure;

/** Looks at the chain that is asked for or, where an object judges several, at all of them if none is. */
export function analyseChains(ruleset: Ruleset, options: CompileOptions): AnalysesResult {
  const { chain, hook, table = 'filter' } = options;
  const together = chain === undefined ? chainsAt(hook, table) : [chain];
  if (together.length === 0) return failure('no-chain', `--hook ${hook} needs a chain`);
  const analyses: Analysis[] = [];
  for (const one of together) {
    const result = analyse(ruleset, { ...options, chain: one, together, ...(chain === undefined ? { table } : {}) });
    if (!result.ok) return result;
    analyses.push(result.analysis);
  }
  return { ok: true, analyses };
}

/** Looks at one chain of the ruleset from a hook. Fails only where there is nothing to look at. */
export function analyse(ruleset: Ruleset, options: ChainOptions): AnalysisResult {
  const { hook, chain } = options;
  const found = findJudged(ruleset, options);
  if (!found.ok) return found;
  const { table, policy } = found;
  const wire = isWireHook(hook);
  const mode = options.mode ?? 'exact';
  const rewrittenBy = mode === 'early' && chain !== 'PREROUTING' ? addressRewriting(ruleset) : undefined;
  const alternative = rewrittenBy === undefined ? undefined : otherChain(chain);
  const reachable = collectReachable(table, chain, alternative);
  const judged = { hook, table: table.name, chain };
  const view = viewOf(ruleset, judged, { mode, rewrittenBy, reachable });
  const refused = options.lookup === undefined ? undefined : refusedLookup(ruleset, options.lookup, mode, view);
  if (refused !== undefined) return refused;

  const reject = options.reject ?? 'answer';
  const together = options.together ?? (wire ? [chain] : chainsAt(hook, table.name));
  const scope = new MemoryScope(ruleset, table.name, together);
  const left = isBesideFilter(judged) ? planLeft(reachable) : undefined;
  const { rules, places } = analyseRules(reachable, view, { mode, reject, left, ruleset, judged }, scope);
  const asking = rules.filter(({ meaning }) => asksMore(meaning.condition));
  const used = usedFields(rules, view, mode, reject, left);
  const traced = isBesideFilter(judged) && options.shadow !== true && marksTraced(ruleset);
  if (traced) addLogged(used, view);
  if (options.lookup !== undefined && statesOf({ rules }).size > 0) {
    for (const field of lookupFields(ruleset.family)) used.add(field);
  }
  const reassembled = hook !== 'netfilter' && seesWholeDatagrams(ruleset, chain);
  const { fragments, warning } = isSocketHook(hook)
    ? chooseForWhole(options, seesPieces(ruleset, view))
    : chooseFragments(options, reassembled, wholeDatagrams(rules, asking, used, hook));
  const named = used.has('iif') || used.has('oif');
  const vlan = options.vlan ?? (named && wire ? (mode === 'early' ? 'pass' : 'drop') : 'judge');
  const again =
    mode === 'early' ? undefined : rules.find(({ rule }) => reroutes(judged, view, rule.rule.target.effect));
  const others = [
    ...otherTables(ruleset, judged, rewrittenBy === undefined ? used : new Set()),
    ...(again === undefined ? [] : [routedOnce(again.rule)]),
  ];
  const alternativePolicy = alternative === undefined ? undefined : findChain(table, alternative)?.policy;
  return {
    ok: true,
    analysis: {
      ruleset,
      table: table.name,
      chain,
      policy,
      ...(alternativePolicy === undefined ? {} : { alternativePolicy }),
      hook,
      mode,
      fragments,
      reassembled,
      reject,
      vlan,
      view,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      time: {
        taiOffset: options.taiOffset ?? DEFAULT_TIME_KEEPING.taiOffset,
        minutesWest: options.minutesWest ?? DEFAULT_TIME_KEEPING.minutesWest,
      },
      reachable,
      ...(left === undefined ? {} : { left }),
      ...(places === undefined ? {} : { places }),
      rules,
      asking,
      traced,
      used,
      assumptions: others.map((other) => other.assumption),
      warnings: [
        ...(rewrittenBy === undefined ? [] : [rewritingWarning(rewrittenBy, alternative)]),
        ...others.map((other) => other.warning),
        ...(warning === undefined ? [] : [warning]),
      ],
    },
  };
}

/** Rules of iptables that ask and do stand in table mangle and table filter. */
function isBesideFilter({ hook, table }: Judged): boolean {
  return hook === 'netfilter' && table === 'filter';
}

interface Circumstances {
  readonly mode: Mode;
  readonly rewrittenBy: string | undefined;
  readonly reachable: Reachable;
}

function viewOf(ruleset: Ruleset, judged: Judged, { mode, rewrittenBy, reachable }: Circumstances): View {
  const { hook, chain } = judged;
  const marks = reachable.rules.some((rule) => rule.rule.target.effect.kind === 'mark');
  const changed = markChange(ruleset, judged);
  const markChangedBy = changed ?? (mode === 'early' && marks ? 'a MARK rule of this chain' : undefined);
  const changedFields = headerChanges(ruleset, judged);
  return {
    hook,
    family: ruleset.family,
    chain,
    ...(markChangedBy === undefined ? {} : { markChangedBy }),
    ...(changedFields.size === 0 ? {} : { changed: changedFields }),
    ...(rewrittenBy === undefined ? {} : { rewrittenBy }),
    ...(isBesideFilter(judged) ? { asking: askingAt(ruleset, chain) } : {}),
  };
}

function refusedLookup(ruleset: Ruleset, lookup: Lookup, mode: Mode, view: View): Failure | undefined {
  const conflict = lookupConflict(ruleset, lookup);
  if (conflict !== undefined) return failure('no-lookup', `--lookup ${lookup}: ${conflict}`);
  if (mode === 'early' && isIngress(view)) return undefined;
  return failure('no-lookup', '--lookup is for arriving packets in early mode: elsewhere states are exact or refused');
}

/** All rules one by one, and then what is left to say of them together: where iptables is asked (netfilter). */
function analyseRules(
  reachable: Reachable,
  view: View,
  settings: RuleSettings,
  scope: MemoryScope,
): { readonly rules: readonly RuleAnalysis[]; readonly places?: PlacePlan } {
  const { ruleset, left } = settings;
  const rules = reachable.rules.map((rule) => analyseRule(rule, view, settings, scope));
  if (left === undefined) return { rules };
  const meaning = (rule: ReachableRule): RuleMeaning => rules[rule.id].meaning;
  const places = planPlaces(reachable, { ruleset, view, left, meaning });
  return places === undefined ? { rules } : { rules: rules.map((one) => withPlaces(one, places)), places };
}

/** iptables has a packet of mangle OUTPUT routed again; behind the device's route that is too late. */
function routedOnce({ rule }: ReachableRule): { readonly assumption: string; readonly warning: Diagnostic } {
  const assumption =
    'no route and no routing rule asks for the mark, TOS or hop limit that table mangle, chain OUTPUT sets: packets leave by the route that they had before';
  return { assumption, warning: { ...rule.range, code: 'routed-once', severity: 'warning', message: assumption } };
}

function withPlaces(one: RuleAnalysis, places: PlacePlan): RuleAnalysis {
  const why = places.undecided(one.rule);
  return why.length === 0 ? one : { ...one, undecided: [...one.undecided, ...why] };
}

function rewritingWarning(where: string, alternative: BuiltinChain | undefined): Diagnostic {
  const both = alternative === undefined ? '' : `, and dropped only if chain ${alternative} would drop it, too`;
  const message = `addresses are rewritten (${where}): a packet is judged without what may be rewritten${both}`;
  return { ...NOWHERE, code: 'addresses-rewritten', severity: 'warning', message };
}

/** The chain that a packet meets instead if its destination is rewritten. */
function otherChain(chain: BuiltinChain): BuiltinChain | undefined {
  if (chain === 'INPUT') return 'FORWARD';
  return chain === 'FORWARD' ? 'INPUT' : undefined;
}

/** The errors that refuse an exact object: each undecided rule with its reason and what to do. */
export function refusals(analysis: Analysis): readonly Diagnostic[] {
  const { hook } = analysis;
  return analysis.rules.flatMap(({ rule, undecided }) =>
    undecided.map((why): Diagnostic => ({
      ...rule.rule.range,
      code: 'not-exact',
      severity: 'error',
      message: `rule ${rule.number} of chain ${rule.chain} cannot be decided exactly at ${hook}: ${why.reason}`,
      hint: why.advice,
    })),
  );
}

/** The condition of a rule as this view decides it. */
export function meaningOf(analysis: Analysis): (rule: ReachableRule) => RuleMeaning {
  return (rule) => analysis.rules[rule.id].meaning;
}
