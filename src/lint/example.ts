import { printRule } from '../../grammar/index.js';
import { findChain } from '../../grammar/model/ruleset.js';
import { evaluate, type Evaluation } from '../evaluate/index.js';
import { printPacketText } from '../packet/index.js';
import { boxText, describeBox } from '../space/describe.js';
import type { Node } from '../space/diagram.js';
import { exampleOf, type Example } from '../space/example.js';
import type { Input } from '../space/meaning.js';
import { verdictKey } from '../space/program.js';
import type { PacketSpace } from '../space/space.js';
import type { HookView } from './hook.js';
import type { LintExample, LintRule } from './model.js';
import type { RulePlace } from './place.js';

/** `refuted`: the reference says that the packet does come to the rule. */
export type Told =
  | { readonly kind: 'example'; readonly example: LintExample }
  | { readonly kind: 'none' }
  | { readonly kind: 'refuted' };

/** A packet of the region, and what the reference says becomes of it. */
export function exampleFor(view: HookView, place: RulePlace, number: number, region: Node): Told {
  const example = exampleOf(view.space, [region]);
  if (example === undefined) return { kind: 'none' };
  const evaluation = replay(view, place, example);
  const meets = ({ chain, number: hit }: { readonly chain: string; readonly number: number }): boolean =>
    chain === place.chain.name && hit === number;
  if (evaluation.hits.some(meets)) return { kind: 'refuted' };
  if (evaluation.kind !== 'decided') return { kind: 'none' };
  const { verdict, decision } = evaluation;
  return {
    kind: 'example',
    example: {
      hook: view.hook,
      packet: printPacketText(example.packet),
      assumed: assumedOf(view.space, example),
      verdict: verdictKey(verdict),
      decidedBy: decision.by === 'policy' ? policyOf(place, decision.chain) : ruleOf(place, decision.rule),
    },
  };
}

function replay({ space, hook, table, occurrence }: HookView, { ruleset }: RulePlace, example: Example): Evaluation {
  return evaluate({
    ruleset,
    table,
    chain: hook,
    packet: example.packet,
    oracle: (test, { chain, number }) =>
      space.diagrams.evaluate(space.opaque(test, { occurrence: occurrence(chain, number) }), example.point) === 1,
  });
}

function assumedOf(space: PacketSpace, { inputs }: Example): readonly string[] {
  return inputs.flatMap(({ input, value }) => {
    const variable = variableOf(space, input);
    if (variable === undefined) return [];
    return [boxText(describeBox(space, new Map([[variable, [[value, value] as const]]])))];
  });
}

function variableOf(space: PacketSpace, input: Input): number | undefined {
  for (let variable = 0; variable < space.diagrams.variableCount; variable++) {
    const meaning = space.meaningOf(variable);
    if (meaning.kind === 'input' && meaning.input === input) return variable;
  }
  return undefined;
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
