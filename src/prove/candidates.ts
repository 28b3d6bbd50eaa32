import type { BuiltinChain } from '../../grammar/model/family.js';
import { FIELDS, type Field } from '../../grammar/model/fields.js';
import { Random } from '../verify/random.js';
import { shapePacket } from '../verify/shape.js';
import type { ChainProof } from './chain-proof.js';
import type { Difference } from './difference.js';
import type { Example } from './entry-model.js';
import type { EntryDifference, EntryProof } from './entry-proof.js';
import { reaching } from './reach.js';
import { stateOf } from './connection.js';

const TRIES = 24;

/** Packets that come to a rule with the fields for which its code differs. */
export function examplesAtRule(
  proof: ChainProof,
  difference: Difference,
  chain: BuiltinChain,
  random: Random,
): readonly Example[] {
  const where = reaching(proof, difference);
  const { bdd, variables } = proof;
  const family = proof.settings.family;
  const depends = bdd.support(where);
  const isAsked = (name: string): boolean =>
    variables.has(name) && variables.variablesOf(name).some((one) => depends.has(one));
  const examples: Example[] = [];
  for (let i = 0; i < TRIES; i++) {
    // The plainest first, then any.
    const assignment = bdd.satisfy(where, () => i > 0 && random.chance(0.5));
    if (assignment === undefined) return examples;
    const values = new Map<Field, bigint>();
    for (const field of Object.keys(FIELDS) as Field[]) {
      if (isAsked(field)) values.set(field, variables.value(field, assignment) ?? 0n);
    }
    const packet = shapePacket(values, { family, chain }, random);
    const bits = isAsked(STATE) ? variables.value(STATE, assignment) : undefined;
    examples.push(bits === undefined ? { packet } : { packet, state: stateOf(bits) });
  }
  return examples;
}

const STATE = 'connection state';

/** Packets for which the entry function differs, byte by byte. */
export function examplesAtEntry(
  proof: EntryProof,
  { shape, where }: EntryDifference,
  chain: BuiltinChain,
  random: Random,
): readonly Example[] {
  const examples: Example[] = [];
  for (let i = 0; i < TRIES; i++) {
    const assignment = proof.bdd.satisfy(where, () => i > 0 && random.chance(0.5));
    if (assignment === undefined) return examples;
    examples.push(proof.model.example(shape, assignment, chain));
  }
  return examples;
}
