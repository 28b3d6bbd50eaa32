import { remembers, type Opaque } from '../../grammar/model/condition.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Field } from '../../grammar/model/fields.js';
import { BUILTIN_CHAINS, type BuiltinChain, isLeaving, type TableName } from '../../grammar/model/family.js';
import { DEFAULT_TIME_KEEPING, type TimeKeeping } from '../../grammar/model/time.js';
import { findChain, findTable, type Rule, type Ruleset } from '../../grammar/model/ruleset.js';
import { changeFields } from './changes/kinds.js';
import { reroutes, tellsPiecesApart, undecidedChange } from './changes/view.js';
import { LOGGED_FIELDS } from './log.js';
import type { CompileOptions, FragmentPolicy, Hook, Lookup, Mode, RejectPolicy, VlanPolicy } from './manifest.js';
import { asksMore, visitCondition } from '../../grammar/model/condition-parts.js';
import { collectReachable, type Reachable, type ReachableRule, type RuleMeaning } from './reachable.js';
import { payloadFields } from './payload/fields.js';
import { rejectFields } from './reject/index.js';
import { setTestFields } from './sets/view.js';
import { lookupConflict, lookupFields } from './lookup.js';
import { memoryFields } from './memory-tests.js';
import { MemoryScope } from './memory-scope.js';
import { isLeft, planLeft, type LeftPlan } from './netfilter/left.js';
import { planPlaces, type PlacePlan } from './netfilter/places.js';
import { parsedFields } from './netfilter/parsed.js';
import { SEGMENT_SIZE_FIELDS } from './netfilter/segment-size.js';
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
import { chainsAt, isSocketHook, isWireHook, isWireView, type Undecided, type View } from './place.js';
import { isIngress, specialise } from './view.js';
import { undecidedTarget } from './untranslated.js';
import { statesOf } from './wire-state.js';

/** What a rule becomes at a hook: translated, or why not. */
export interface RuleAnalysis {
  readonly rule: ReachableRule;
  readonly meaning: RuleMeaning;
  /** Why an exact object is refused (or the rule deferred in early mode); empty if it is exact. */
  readonly undecided: readonly Undecided[];
}

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

export type AnalysisResult =
  | { readonly ok: true; readonly analysis: Analysis }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const NOWHERE = { line: 1, column: 1, length: 1 } as const;

function failure(code: string, message: string, hint?: string): { ok: false; diagnostics: readonly Diagnostic[] } {
  const diagnostic: Diagnostic = {
    ...NOWHERE,
    code,
    severity: 'error',
    message,
    ...(hint === undefined ? {} : { hint }),
  };
  return { ok: false, diagnostics: [diagnostic] };
}

/** The table meant: the one asked for, `filter`, or for PREROUTING the only one of raw and mangle with rules. */
function chooseTable(ruleset: Ruleset, options: ChainOptions): TableName | AnalysisResult {
  const { chain, table } = options;
  if (table !== undefined) {
    if (!BUILTIN_CHAINS[table].includes(chain)) return failure('no-chain', `table ${table} has no chain ${chain}`);
    return table;
  }
  if (chain === 'POSTROUTING') return 'mangle';
  if (chain !== 'PREROUTING') return 'filter';
  const candidates = (['raw', 'mangle'] as const).filter((name) => {
    const found = findTable(ruleset, name);
    return found !== undefined && (findChain(found, chain)?.rules.length ?? 0) > 0;
  });
  if (candidates.length > 1) {
    return failure('ambiguous-table', 'tables raw and mangle both have rules in PREROUTING', 'say which with --table');
  }
  return candidates[0] ?? (findTable(ruleset, 'raw') !== undefined ? 'raw' : 'mangle');
}

export type AnalysesResult =
  | { readonly ok: true; readonly analyses: readonly Analysis[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

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

export type ChainOptions = CompileOptions & {
  readonly chain: BuiltinChain;
  /** The chains that the object will judge; at netfilter all of table filter if left out. */
  readonly together?: readonly BuiltinChain[];
};

/** Looks at one chain of the ruleset from a hook. Fails only where there is nothing to look at. */
export function analyse(ruleset: Ruleset, options: ChainOptions): AnalysisResult {
  const { hook, chain } = options;
  const wire = isWireHook(hook);
  if (!wire && options.mode === 'early') {
    const hint = hook === 'netfilter' ? 'at netfilter the state is known: use exact' : 'use exact mode';
    return failure('no-mode', 'early objects are for hooks on the wire', hint);
  }
  if (isSocketHook(hook) && (options.table ?? 'filter') !== 'filter') {
    return failure('no-hook', `table ${options.table} stays with the kernel at hook ${hook}`);
  }
  if (isSocketHook(hook) && !chainsAt(hook).includes(chain)) {
    const seen = hook === 'cgroup' ? 'what sockets get and send' : 'what a socket gets';
    return failure('no-hook', `chain ${chain} cannot be compiled for ${hook}: programs there see ${seen}`);
  }
  if (hook === 'xdp' && isLeaving(chain)) {
    return failure('no-hook', `XDP sees arriving packets alone; chain ${chain} is about leaving ones`, 'use --hook tc');
  }
  const tableName = chooseTable(ruleset, options);
  if (typeof tableName !== 'string') return tableName;
  if (tableName === 'nat') return failure('no-hook', 'table nat stays with the kernel');
  const table = findTable(ruleset, tableName);
  const entry = table && findChain(table, chain);
  if (table === undefined || entry?.policy === undefined) {
    return failure('no-table', `the dump has no table ${tableName}`, 'see --table');
  }
  if (hook === 'netfilter' && tableName !== 'filter') {
    if (options.shadow === true) return failure('no-shadow', 'with iptables table filter alone is compared');
    if (marksTraced(ruleset)) {
      return failure(
        'no-hook',
        `packets are traced: what they meet in table ${tableName} is told by iptables alone (keep that table with iptables, or take the rules with TRACE out)`,
      );
    }
  }

  // Rules of iptables that ask and do stand in table mangle and table filter.
  const besideFilter = hook === 'netfilter' && tableName === 'filter';
  const mode = options.mode ?? 'exact';
  const rewrittenBy = mode === 'early' && chain !== 'PREROUTING' ? addressRewriting(ruleset) : undefined;
  const alternative = rewrittenBy === undefined ? undefined : otherChain(chain);
  const reachable = collectReachable(table, chain, alternative);
  const marks = reachable.rules.some((rule) => rule.rule.target.effect.kind === 'mark');
  const judged = { hook, table: tableName, chain };
  const changed = markChange(ruleset, judged);
  const markChangedBy = changed ?? (mode === 'early' && marks ? 'a MARK rule of this chain' : undefined);
  const changedFields = headerChanges(ruleset, judged);
  const family = ruleset.family;
  const view: View = {
    hook,
    family,
    chain,
    ...(markChangedBy === undefined ? {} : { markChangedBy }),
    ...(changedFields.size === 0 ? {} : { changed: changedFields }),
    ...(rewrittenBy === undefined ? {} : { rewrittenBy }),
    ...(besideFilter ? { asking: askingAt(ruleset, chain) } : {}),
  };
  const lookup = options.lookup === undefined ? {} : { lookup: options.lookup };
  if (options.lookup !== undefined) {
    const conflict = lookupConflict(ruleset, options.lookup);
    if (conflict !== undefined) return failure('no-lookup', `--lookup ${options.lookup}: ${conflict}`);
    if (mode !== 'early' || !isIngress(view)) {
      return failure(
        'no-lookup',
        '--lookup is for arriving packets in early mode: elsewhere states are exact or refused',
      );
    }
  }
  const reject = options.reject ?? 'answer';
  const together = options.together ?? (wire ? [chain] : chainsAt(hook, tableName));
  const scope = new MemoryScope(ruleset, tableName, together);
  const left = besideFilter ? planLeft(reachable) : undefined;
  const judgedRules = reachable.rules.map((rule) =>
    analyseRule(rule, view, { mode, reject, left, ruleset, judged }, scope),
  );
  const meaning = (rule: ReachableRule): RuleMeaning => judgedRules[rule.id].meaning;
  const places = left === undefined ? undefined : planPlaces(reachable, { ruleset, view, left, meaning });
  const rules = places === undefined ? judgedRules : judgedRules.map((one) => withPlaces(one, places));

  const asking = rules.filter(({ meaning }) => asksMore(meaning.condition));
  const used = usedFields(rules, view, mode, reject, left);
  const traced = besideFilter && options.shadow !== true && marksTraced(ruleset);
  if (traced) addLogged(used, view);
  if (options.lookup !== undefined && statesOf({ rules }).size > 0) {
    for (const field of lookupFields(family)) used.add(field);
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
      table: tableName,
      chain,
      policy: entry.policy,
      ...(alternativePolicy === undefined ? {} : { alternativePolicy }),
      hook,
      mode,
      fragments,
      reassembled,
      reject,
      vlan,
      view,
      ...lookup,
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

interface RuleSettings extends Pick<Analysis, 'mode' | 'reject' | 'ruleset'> {
  readonly judged: Judged;
  readonly left: LeftPlan | undefined;
}

function analyseRule(rule: ReachableRule, view: View, settings: RuleSettings, scope: MemoryScope): RuleAnalysis {
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
  if (undecided.length === 0) return { rule, meaning: { condition, undecided: false }, undecided };
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
      return [];
  }
}

const BESIDE = 'keep this table with iptables, beside an object for table filter';

function unwritten({ hook, chain }: View, what: string, kind: 'mark' | 'bytes'): Undecided {
  const reason = `a program at ${hook} cannot write ${what}`;
  if (hook !== 'netfilter') return { reason, advice: 'use --hook tc' };
  const atTc = kind === 'mark' || (chain !== 'INPUT' && chain !== 'FORWARD');
  return { reason, advice: atTc ? `use --hook tc, or ${BESIDE}` : BESIDE };
}

/** Fields that events show. */
function addLogged(used: Set<Field>, { chain }: View): void {
  for (const field of LOGGED_FIELDS) used.add(field);
  if (chain !== 'OUTPUT') used.add('iif');
  if (chain === 'FORWARD' || chain === 'OUTPUT') used.add('oif');
}

/** Fields that the code of an opaque test reads. */
function opaqueFields(test: Opaque, { family }: View): readonly Field[] {
  // What a device is like is read where its name is.
  if (test.name === 'devgroup') return [test.which === 'in' ? 'iif' : 'oif'];
  const parsed = test.name === 'connlimit' ? parsedFields(family) : [];
  return [...memoryFields(test, family), ...setTestFields(test, family), ...parsed];
}

function usedFields(
  rules: readonly RuleAnalysis[],
  view: View,
  mode: Mode,
  reject: RejectPolicy,
  left: LeftPlan | undefined,
): Set<Field> {
  const used = new Set<Field>(left?.goingOn.some(({ segmentSize }) => segmentSize) ? SEGMENT_SIZE_FIELDS : []);
  for (const { rule, meaning } of rules) {
    visitCondition(meaning.condition, {
      field: (field) => used.add(field),
      payload: (test) => payloadFields(test).forEach((field) => used.add(field)),
      opaque: (test) => opaqueFields(test, view).forEach((field) => used.add(field)),
    });
    const effect = rule.rule.target.effect;
    if (mode === 'exact' && effect.kind === 'log') {
      addLogged(used, view);
    }
    if (mode === 'exact' && effect.kind === 'mark') used.add('mark');
    if (mode === 'exact' && view.hook === 'tc' && effect.kind === 'opaque' && effect.change !== undefined) {
      for (const field of changeFields(effect.change)) used.add(field);
    }
    if (mode === 'exact' && effect.kind === 'reject' && reject === 'answer' && isWireView(view)) {
      for (const field of rejectFields(view.family)) used.add(field);
    }
  }
  return used;
}

/** Why pieces of datagrams cannot stand for the whole. A limit counts them, too, which lets less through. */
function wholeDatagrams(
  rules: readonly RuleAnalysis[],
  asking: readonly RuleAnalysis[],
  used: ReadonlySet<Field>,
  hook: Hook,
): string | undefined {
  if (used.has('length')) return 'tests the length of';
  let counts = false;
  let walks = false;
  for (const { meaning } of asking) {
    visitCondition(meaning.condition, {
      opaque: (test) => (counts ||= remembers(test) && test.name !== 'limit'),
      payload: () => (walks = true),
    });
  }
  if (counts) return 'counts';
  const changes =
    hook === 'tc' &&
    tellsPiecesApart(
      rules.map(({ rule }) => rule.rule),
      used,
      walks,
    );
  return changes ? 'changes' : undefined;
}

/**
 * What pieces of datagrams meet. Exact: they are judged as the kernel does where it does not reassemble, unless the
 * chain sees whole datagrams and tests their length or remembers them. Early: they are passed, as a piece matches less than its whole.
 */
function chooseFragments(
  options: CompileOptions,
  whole: boolean,
  asks: string | undefined,
): { readonly fragments: FragmentPolicy; readonly warning?: Diagnostic } {
  if (options.fragments !== undefined) return { fragments: options.fragments };
  if (options.mode === 'early') return { fragments: 'pass' };
  if (!whole || asks === undefined) return { fragments: 'judge' };
  const message = `chain ${options.chain} ${asks} whole datagrams: fragments are dropped`;
  const hint = 'choose with --fragments judge|drop|pass';
  return { fragments: 'drop', warning: { ...NOWHERE, code: 'fragments-dropped', severity: 'warning', message, hint } };
}

/**
 * At sockets all datagrams are whole. Without connection tracking, ip6tables judges the pieces of IPv6 datagrams in
 * INPUT (ip6_input is before reassembly): whether all pieces would come through is not known of the whole.
 */
function chooseForWhole(
  options: CompileOptions,
  pieces: boolean,
): { readonly fragments: FragmentPolicy; readonly warning?: Diagnostic } {
  if (options.fragments !== undefined) return { fragments: options.fragments };
  if (!pieces) return { fragments: 'judge' };
  const message =
    'ip6tables judges the pieces of datagrams here, which come to sockets whole: such datagrams are dropped';
  const hint = 'choose with --fragments judge|drop|pass';
  return { fragments: 'drop', warning: { ...NOWHERE, code: 'fragments-dropped', severity: 'warning', message, hint } };
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
