import { printRule } from '../../grammar/index.js';
import { findChain, type Rule, type RuleRef, type Ruleset } from '../../grammar/model/ruleset.js';
import { evaluate, type Evaluation } from '../evaluate/index.js';
import { natureOf } from '../evaluate/targets.js';
import { printPacketText } from '../packet/index.js';
import { boxText, describeBox } from '../space/describe.js';
import type { Node } from '../space/diagram.js';
import { exampleOf, type Example } from '../space/example.js';
import { verdictKey } from '../space/program.js';
import type { PacketSpace } from '../space/space.js';
import type { HookView } from './hook.js';
import type { LintExample, LintRule } from './model.js';
import type { RulePlace } from './place.js';

/** `refuted`: the reference says that the packet does come to the rule. */
export type Told =
  | {
      readonly kind: 'example';
      readonly example: LintExample;
      /** Rules that the packet matches, in order. */
      readonly hits: readonly RuleRef[];
      /** Rules that it comes to and does not match, where the whole way was asked for. */
      readonly passed: readonly RuleRef[];
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'refuted' };

/** A packet of the region, and what the reference says becomes of it; `whole`: with the whole way that it takes. */
export function exampleFor(view: HookView, place: RulePlace, number: number, region: Node, whole = false): Told {
  const found = exampleOf(view.space, [region]);
  if (found === undefined) return { kind: 'none' };
  const { evaluation, example } = judge(view, place, found, { whole });
  if (meets(evaluation, place, number)) return { kind: 'refuted' };
  if (example === undefined) return { kind: 'none' };
  const passed = evaluation.trace.flatMap((step) => (step.kind === 'mismatch' ? [step.rule] : []));
  return { kind: 'example', example, hits: evaluation.hits, passed };
}

/** A packet that matches a rule, and what becomes of it without that rule; `refuted`: something else. */
export function exampleWithout(view: HookView, place: RulePlace, number: number, region: Node): Told {
  const found = exampleOf(view.space, [region]);
  if (found === undefined) return { kind: 'none' };
  const before = judge(view, place, found, { whole: false });
  if (!meets(before.evaluation, place, number)) return { kind: 'none' };
  const ruleset = without(place, number);
  const { evaluation, example } = judge(view, { ...place, ruleset }, found, { whole: false });
  if (before.example === undefined || example === undefined) return { kind: 'none' };
  if (before.example.verdict !== example.verdict) return { kind: 'refuted' };
  return { kind: 'example', example, hits: evaluation.hits, passed: [] };
}

function meets({ hits }: Evaluation, { chain }: RulePlace, number: number): boolean {
  return hits.some((hit) => hit.chain === chain.name && hit.number === number);
}

/** The rules, one of which does nothing any more. */
function without({ ruleset, table, chain }: RulePlace, number: number): Ruleset {
  const still = (rule: Rule): Rule => ({ ...rule, target: { ...rule.target, effect: { kind: 'continue' } } });
  const rules = chain.rules.map((rule, i) => (i === number - 1 ? still(rule) : rule));
  const chains = table.chains.map((one) => (one === chain ? { ...chain, rules } : one));
  return { ...ruleset, tables: ruleset.tables.map((one) => (one === table ? { ...table, chains } : one)) };
}

function judge(
  view: HookView,
  place: RulePlace,
  found: Example,
  { whole }: { readonly whole: boolean },
): { readonly evaluation: Evaluation; readonly example: LintExample | undefined } {
  const asked = new Set<number>();
  const evaluation = replay(view, place, found, { asked, whole });
  const decided = decidedIn(place, evaluation);
  const packet = printPacketText(found.packet);
  const example = decided && { hook: view.hook, packet, assumed: assumedOf(view.space, found, asked), ...decided };
  return { evaluation, example };
}

/** What became of the packet; undefined where a target decides that may do anything. */
function decidedIn(place: RulePlace, evaluation: Evaluation): Pick<LintExample, 'verdict' | 'decidedBy'> | undefined {
  if (evaluation.kind === 'decided') {
    const { verdict, decision } = evaluation;
    const decidedBy = decision.by === 'policy' ? policyOf(place, decision.chain) : ruleOf(place, decision.rule);
    return { verdict: verdictKey(verdict), decidedBy };
  }
  const { unknown } = evaluation;
  if (unknown.kind !== 'target') return undefined;
  const effect = findChain(place.table, unknown.rule.chain)?.rules[unknown.rule.number - 1]?.target.effect;
  if (effect?.kind !== 'opaque' || natureOf(effect.target, effect.words) !== 'decides') return undefined;
  return { verdict: verdictKey({ target: effect.target }), decidedBy: ruleOf(place, unknown.rule) };
}

/** `asked` gets the variables that answered for tests which the packet alone does not decide. */
function replay(
  { space, hook, table, occurrence }: HookView,
  { ruleset }: RulePlace,
  example: Example,
  { asked, whole }: { readonly asked: Set<number>; readonly whole: boolean },
): Evaluation {
  const at = (variable: number): number => {
    asked.add(variable);
    return example.point(variable);
  };
  return evaluate({
    ruleset,
    table,
    chain: hook,
    packet: example.packet,
    passTargets: true,
    trace: whole,
    oracle: (test, { chain, number }) =>
      space.diagrams.evaluate(space.opaque(test, { occurrence: occurrence(chain, number) }), at) === 1,
  });
}

/** The answers that the region or the packet's way hangs on, in words. */
function assumedOf(space: PacketSpace, { inputs, point }: Example, asked: ReadonlySet<number>): readonly string[] {
  const given = new Map(inputs.map(({ input, value }) => [input, value]));
  const said: string[] = [];
  for (let variable = 0; variable < space.diagrams.variableCount; variable++) {
    const meaning = space.meaningOf(variable);
    if (meaning.kind !== 'input') continue;
    const value = given.get(meaning.input) ?? (asked.has(variable) ? point(variable) : undefined);
    if (value !== undefined) said.push(boxText(describeBox(space, new Map([[variable, [[value, value] as const]]]))));
  }
  // Tests with the same words at several places have answers of their own.
  return [...new Set(said)];
}

function ruleOf({ table }: RulePlace, { chain, number }: { chain: string; number: number }): LintRule {
  const rule = findChain(table, chain)?.rules[number - 1];
  if (rule === undefined) return { chain, number, text: '' };
  return { chain, number, line: rule.range.line, text: `-A ${chain} ${printRule(rule)}`.trimEnd() };
}

function policyOf({ table }: RulePlace, name: string): LintRule {
  const chain = findChain(table, name);
  const line = chain?.range?.line;
  return { chain: name, ...(line === undefined ? {} : { line }), text: `policy ${chain?.policy ?? ''} of ${name}` };
}
