import { printRule } from '../../grammar/index.js';
import type { Rule } from '../../grammar/model/ruleset.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { decidingOf } from '../space/deciding.js';
import type { Fate } from '../space/explore.js';
import { barrierOf } from './barrier.js';
import type { Behind } from './behind.js';
import { exampleFor } from './example.js';
import type { HookView } from './hook.js';
import { lintRule, type Jump, type RulePlace } from './place.js';
import type { LintCode, LintFinding, LintRule } from './model.js';
import { exampleOfUnreached } from './unreached.js';
import { ownVerdict } from './verdict.js';
import type { TakenPackets } from './reach.js';
import type { Step } from './walked.js';

/** Rules that are named as the cause. */
const MOST_BY = 4;

/** A chain whose rules no packet comes to. */
export function chainFinding({ table, chain }: RulePlace, jumps: readonly Jump[]): readonly LintFinding[] {
  const by = jumps.map(({ chain: from, number, rule }) => lintRule(from.name, number, rule));
  const message =
    jumps.length === 0
      ? `no rule jumps to chain ${chain.name}`
      : `only rules that no packet matches jump to chain ${chain.name}: ${linesText(by, MOST_BY)}`;
  return [
    {
      code: 'unreachable',
      table: table.name,
      chain: chain.name,
      ...(chain.range ?? chain.rules[0].range),
      text: `chain ${chain.name}`,
      message,
      by: by.slice(0, MOST_BY),
      more: Math.max(0, by.length - MOST_BY),
    },
  ];
}

/** A rule that packets come to, and that would not be missed. */
export function behindFinding(place: RulePlace, rule: Rule, number: number, { by, example }: Behind): LintFinding {
  const message = `${linesText(by, MOST_BY)} behind it ${verb(by)} the same to all its packets`;
  return { ...findingAbout(place, rule, number, 'redundant', message, by), ...(example && { example }) };
}

function findingAbout(
  { table, chain }: RulePlace,
  rule: Rule,
  number: number,
  code: LintCode,
  message: string,
  by: readonly LintRule[],
): LintFinding {
  return {
    code,
    table: table.name,
    chain: chain.name,
    rule: number,
    ...rule.range,
    text: `-A ${chain.name} ${printRule(rule)}`.trimEnd(),
    message,
    by: by.slice(0, MOST_BY),
    more: Math.max(0, by.length - MOST_BY),
  };
}

/** What is wrong with a rule that no packet comes to or matches; undefined where the reference does not confirm it. */
export function ruleFinding(
  place: RulePlace,
  rule: Rule,
  number: number,
  jumps: readonly Jump[],
): LintFinding | undefined {
  const views = place.views.filter(({ chains }) => chains.includes(place.chain));
  const finding = (code: LintCode, message: string, by: readonly LintRule[] = []): LintFinding =>
    findingAbout(place, rule, number, code, message, by);
  if (views.every(({ contradictory }) => contradictory.has(rule))) {
    const hooks = views.map(({ hook }) => hook).join(' or ');
    return finding('contradictory', isEmpty(rule, views) ? 'no packet matches it' : `no packet of ${hooks} matches it`);
  }
  const ways = views.flatMap((view) => {
    const state = view.states.get(rule);
    return state?.kind === 'dead' ? state.ways.map((way) => ({ view, way })) : [];
  });
  const left = views.some((view) => {
    const state = view.states.get(rule);
    return state?.kind === 'dead' && state.drops;
  })
    ? '; its tests still drop packets with a cut or broken header'
    : '';
  const barrier = barrierOf({ ...place, views }, number, ways.length === 0);
  if (barrier !== undefined) {
    const found = finding('unreachable', `no packet comes past line ${String(barrier.line)}`, [barrier]);
    return ways.length === 0 ? unreached(found, place, views, rule, number) : withExample(found, place, number, ways);
  }
  if (ways.length === 0) {
    const by = jumps.map(({ chain, number: from, rule: jump }) => lintRule(chain.name, from, jump));
    const message =
      by.length === 0
        ? 'no packet that comes to it matches it'
        : `no packet that matches it comes to chain ${place.chain.name} by ${linesText(by, MOST_BY)}`;
    return unreached(finding('unreachable', message, by), place, views, rule, number);
  }
  const takers = takersOf(place, ways);
  const own = ownVerdict(rule);
  const same = own !== undefined && takers.verdicts.size > 0 && [...takers.verdicts].every((one) => one === own);
  const who = takers.rules.length === 0 ? 'the rules before it' : linesText(takers.rules, MOST_BY);
  const message = same
    ? `${who} ${verb(takers.rules)} the same to all its packets`
    : `all its packets are taken by ${who}`;
  return withExample(finding(same ? 'redundant' : 'shadowed', message + left, takers.rules), place, number, ways);
}

function verb(rules: readonly LintRule[]): string {
  return rules.length === 1 ? 'does' : 'do';
}

function isEmpty(rule: Rule, views: readonly HookView[]): boolean {
  return views.every(({ space, occurrence }) => {
    const outcome = space.outcomes.of(ruleCondition(rule), { occurrence: occurrence('', 0) });
    return [...space.diagrams.valuesOf(outcome)].every((value) => value === 0 || value === 2);
  });
}

interface Way {
  readonly view: HookView;
  readonly way: TakenPackets;
}

function withExample(
  finding: LintFinding,
  place: RulePlace,
  number: number,
  ways: readonly Way[],
): LintFinding | undefined {
  for (const { view, way } of ways) {
    const told = exampleFor(view, place, number, way.region);
    if (told.kind === 'refuted') return undefined;
    if (told.kind === 'example') return named({ ...finding, example: told.example });
  }
  return finding;
}

/** Where it was too much to tell who takes all packets, at least the one that takes those of the example. */
function named(finding: LintFinding): LintFinding {
  return finding.by.length > 0 || finding.example === undefined
    ? finding
    : { ...finding, by: [finding.example.decidedBy] };
}

/** With a packet that would match the rule, and what keeps it away. */
function unreached(
  finding: LintFinding,
  place: RulePlace,
  views: readonly HookView[],
  rule: Rule,
  number: number,
): LintFinding | undefined {
  const told = exampleOfUnreached({ ...place, views }, rule, number, finding.by);
  if (told.kind === 'refuted') return undefined;
  if (told.kind === 'none') return finding;
  const { example, cause } = told;
  if (finding.by.length > 0 || cause.by.length === 0) return named({ ...finding, example });
  const message =
    cause.how === 'changes'
      ? `no packet matches it behind ${linesText(cause.by, MOST_BY)}`
      : 'no packet that matches it comes to it';
  return { ...finding, message, by: cause.by.slice(0, MOST_BY), more: Math.max(0, cause.by.length - MOST_BY), example };
}

/** Who takes the packets of a rule, and what for; nobody where it is too much to tell. */
function takersOf(
  { ruleset }: RulePlace,
  ways: readonly Way[],
): { readonly rules: readonly LintRule[]; readonly verdicts: ReadonlySet<string> } {
  const rules = new Map<string, LintRule>();
  const verdicts = new Set<string>();
  for (const { view, way } of ways) {
    const single = way.single && singleFate(view, way.single);
    const fates = single === undefined ? way.fates : [single];
    for (const fate of fates) {
      const { chain, rule: number, line, text } = decidingOf(fate, ruleset, view);
      rules.set(`${chain} ${number ?? ''}`, {
        chain,
        ...(number === undefined ? {} : { number }),
        ...(line === undefined ? {} : { line }),
        text,
      });
    }
    for (const { verdict, hotdrop } of fates) verdicts.add(hotdrop ? 'drop' : verdict);
    if (fates.length === 0) verdicts.add('unknown');
  }
  return { rules: [...rules.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)), verdicts };
}

/** The one rule that takes all of the packets that come there, even where rules before it take some already. */
function singleFate(view: HookView, { rule, effect }: Step): Fate {
  const verdict = effect.kind === 'verdict' ? effect.key : 'leaves';
  return { verdict, decider: view.deciders.get(rule), hotdrop: false, counted: [] };
}

/** `line 3`, `lines 3 and 5`, `lines 3, 5, 7, 9 and 12 more`. */
function linesText(rules: readonly LintRule[], most: number): string {
  const names = rules
    .slice(0, most)
    .map(({ line, chain }) => (line === undefined ? `the policy of ${chain}` : `${line}`));
  const more = rules.length - names.length;
  const all = more > 0 ? [...names, `${more} more`] : names;
  const list = all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
  return rules[0]?.line === undefined ? list : `${rules.length === 1 ? 'line' : 'lines'} ${list}`;
}
