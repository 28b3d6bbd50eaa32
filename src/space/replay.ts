import type { Ruleset } from '../../grammar/model/ruleset.js';
import { findChain, findTable } from '../../grammar/model/ruleset.js';
import { evaluate, type Decision, type Evaluation } from '../evaluate/index.js';
import { boxNode, type Box } from './boxes.js';
import type { ChainPlace } from './place.js';
import { describeBox, type Side } from './describe.js';
import { exampleOf, type Example } from './example.js';
import type { RuleNames } from './names.js';
import type { Product } from './product.js';
import { verdictKey } from './program.js';
import type { PacketSpace } from './space.js';

/** A packet of the region, or of one of its boxes (asked for if need be); undefined where none was found. */
export function exampleIn(space: PacketSpace, region: Product, boxes: () => readonly Box[]): Example | undefined {
  const whole = exampleOf(space, region);
  if (whole !== undefined) return whole;
  for (const box of boxes()) {
    const example = exampleOf(space, [boxNode(space.diagrams, box), ...region]);
    if (example !== undefined) return example;
  }
  return undefined;
}

/** What the reference says of an example. */
export interface Replayed {
  /** As `verdictKey` writes it; `unknown` where a target is not understood. */
  readonly verdict: string;
  /** Who decided, where the reference knows. */
  readonly decision?: Decision;
}

/** Judges an example by the reference, with the answers that are assumed beside it. */
export function replayExample(
  ruleset: Ruleset,
  { table, chain }: ChainPlace,
  space: PacketSpace,
  names: RuleNames,
  { packet, point }: Example,
): Replayed {
  const found = findTable(ruleset, table);
  if (found === undefined) return { verdict: 'accept' };
  const evaluation = evaluate({
    ruleset,
    table,
    chain,
    packet,
    passTargets: true,
    oracle: (test, ref) => {
      const rule = findChain(found, ref.chain)?.rules[ref.number - 1];
      const occurrence = rule && names.occurrence.get(rule);
      // A rule that the comparison has left out does not match, whatever this test says.
      if (occurrence === undefined) return false;
      return space.diagrams.evaluate(space.opaque(test, { occurrence }), point) === 1;
    },
  });
  const verdict = verdictOf(evaluation);
  return evaluation.kind === 'decided' ? { verdict, decision: evaluation.decision } : { verdict };
}

/** Whether two verdicts are the same; the reference names a target that it does not understand without its words. */
export function isVerdict(told: string, verdict: string): boolean {
  return told === verdict || (told.startsWith('target ') && verdict.startsWith(`${told} `));
}

/** What is assumed beside the packet, in words. */
export function describeInputs(space: PacketSpace, { inputs }: Example): readonly Side[] {
  return inputs.map(({ input, value }) => describeInput(space, input, value)).filter((side) => side !== undefined);
}

function describeInput(space: PacketSpace, input: Example['inputs'][number]['input'], value: number): Side | undefined {
  for (let variable = 0; variable < space.diagrams.variableCount; variable++) {
    const meaning = space.meaningOf(variable);
    if (meaning.kind !== 'input' || meaning.input !== input) continue;
    return describeBox(space, new Map([[variable, [[value, value] as const]]]))[0];
  }
  return undefined;
}

function verdictOf(evaluation: Evaluation): string {
  if (evaluation.kind === 'decided') return verdictKey(evaluation.verdict);
  const { unknown } = evaluation;
  return unknown.kind === 'target' ? `target ${unknown.target}` : 'unknown';
}
