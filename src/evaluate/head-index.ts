import type { Condition } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import { fieldBits } from '../../grammar/model/fields.js';
import type { Chain } from '../../grammar/model/ruleset.js';
import { FirstHit, type Rectangle } from './first-hit.js';
import type { FieldValues } from './read-fields.js';

/** Chains of so many rules are worth an index, once so many packets have come to them. */
const MANY_RULES = 500;
const SOME_PACKETS = 40;

const ADDRESSES = ['saddr', 'daddr'] as const;
/** Bits of an address that the index looks at, the first ones: numbers stay exact. */
const BITS = 32;

/** Tells which rules of a long chain a packet's addresses rule out. */
export class HeadIndex {
  readonly #first: FirstHit;

  constructor(
    { rules }: Chain,
    private readonly family: Family,
  ) {
    this.#first = new FirstHit(
      rules.map(({ head }) => rectangleOf(head, family)),
      () => 2 ** BITS,
    );
  }

  /** The first rule from `from` on whose head `mayHold`, which is not asked where an address rules it out. */
  next(fields: FieldValues, from: number, end: number, mayHold: (rule: number) => boolean): number {
    const values = ADDRESSES.map((field) => leading(fields[field], this.family));
    return this.#first.find((variable) => values[variable], from, end, mayHold);
  }
}

const known = new WeakMap<Chain, { packets: number; index?: HeadIndex }>();

/** Undefined where looking at each rule is less work. `from`: the rule that is next, 0 for a packet that has just come. */
export function headIndexOf(chain: Chain, family: Family, from: number): HeadIndex | undefined {
  if (chain.rules.length < MANY_RULES) return undefined;
  let entry = known.get(chain);
  if (entry === undefined) known.set(chain, (entry = { packets: 0 }));
  if (from === 0) entry.packets++;
  if (entry.index === undefined && entry.packets > SOME_PACKETS) entry.index = new HeadIndex(chain, family);
  return entry.index;
}

function leading(address: bigint, family: Family): number {
  return Number(address >> BigInt(fieldBits('saddr', family) - BITS));
}

/** The addresses outside of which the head does not hold: those that it tests first. */
function rectangleOf(head: Condition, family: Family): Rectangle {
  const rectangle = { variables: [] as number[], least: [] as number[], most: [] as number[] };
  for (const part of head.kind === 'all' ? head.of : [head]) {
    // Behind a test that may drop the packet others do not matter.
    if (part.kind !== 'in') break;
    const variable = ADDRESSES.findIndex((field) => field === part.field);
    if (variable < 0 || part.mask !== undefined || part.set.length === 0 || rectangle.variables.includes(variable))
      continue;
    rectangle.variables.push(variable);
    rectangle.least.push(leading(part.set[0].lo, family));
    rectangle.most.push(leading(part.set[part.set.length - 1].hi, family));
  }
  return rectangle;
}
