import { printRule } from '../../grammar/index.js';
import { findChain, type RuleRef } from '../../grammar/model/ruleset.js';
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
  const example = exampleOf(view.space, [region]);
  if (example === undefined) return { kind: 'none' };
  const asked = new Set<number>();
  const evaluation = replay(view, place, example, { asked, whole });
  const { hits } = evaluation;
  if (hits.some((hit) => hit.chain === place.chain.name && hit.number === number)) return { kind: 'refuted' };
  const decided = decidedIn(place, evaluation);
  if (decided === undefined) return { kind: 'none' };
  return {
    kind: 'example',
    example: {
      hook: view.hook,
      packet: printPacketText(example.packet),
      assumed: assumedOf(view.space, example, asked),
      ...decided,
    },
    hits,
    passed: evaluation.trace.flatMap((step) => (step.kind === 'mismatch' ? [step.rule] : [])),
  };
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
  return said;
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
