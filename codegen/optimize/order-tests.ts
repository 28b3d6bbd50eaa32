import { asksMore } from '../../grammar/model/condition-parts.js';
import type { Condition } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import { fieldBits, fieldLimit, type Field } from '../../grammar/model/fields.js';
import { isPure } from './effects.js';
import type { FieldTest } from './product.js';

/**
 * Asks first what costs least and fails most, between what drops packets, remembers, or asks more than the packet: those keep their
 * places, and each test stays on its side of them.
 */
export function orderTests(condition: Condition, family: Family): Condition {
  if (condition.kind !== 'all' || condition.of.length < 2) return condition;
  const out: Condition[] = [];
  let from = 0;
  for (let at = 0; at <= condition.of.length; at++) {
    if (at < condition.of.length && isPure(condition.of[at])) continue;
    orderRun(condition.of, from, at, family, out);
    if (at < condition.of.length) out.push(condition.of[at]);
    from = at + 1;
  }
  // Without the spare room of an array that grew.
  return out.every((part, i) => part === condition.of[i]) ? condition : { kind: 'all', of: out.slice() };
}

/**
 * Adds the parts from `from` on, up to `end`. Tests that ask more than fields stay in their order, behind the others: they are
 * known by their number in the rule.
 */
function orderRun(parts: readonly Condition[], from: number, end: number, family: Family, out: Condition[]): void {
  if (end - from < 2) {
    for (let i = from; i < end; i++) out.push(parts[i]);
    return;
  }
  const start = out.length;
  const ranks: number[] = [];
  for (let i = from; i < end; i++) {
    const part = parts[i];
    if (asksMore(part)) continue;
    const rank = rankOf(part, family);
    // Runs are short.
    let at = ranks.length;
    for (; at > 0 && ranks[at - 1] > rank; at--) {
      ranks[at] = ranks[at - 1];
      out[start + at] = out[start + at - 1];
    }
    ranks[at] = rank;
    out[start + at] = part;
  }
  for (let i = from; i < end; i++) if (asksMore(parts[i])) out.push(parts[i]);
}

/** Cost by share of packets that fail: the smallest first is the cheapest order of tests that fail independently. */
function rankOf(part: Condition, family: Family): number {
  const { cost, passes } = estimate(part, family);
  return cost / Math.max(1 - passes, LEAST_FAILING);
}

const LEAST_FAILING = 0.001;

interface Estimate {
  /** Instructions. */
  readonly cost: number;
  /** Share of packets. */
  readonly passes: number;
}

function estimate(condition: Condition, family: Family): Estimate {
  switch (condition.kind) {
    case 'in':
      return estimateTest(condition, family);
    case 'not': {
      const { cost, passes } = estimate(condition.of, family);
      return { cost, passes: 1 - passes };
    }
    case 'all':
    case 'any': {
      const parts = condition.of.map((part) => estimate(part, family));
      const cost = parts.reduce((sum, one) => sum + one.cost, 0);
      const all = (of: (one: Estimate) => number): number => parts.reduce((product, one) => product * of(one), 1);
      return { cost, passes: condition.kind === 'all' ? all((one) => one.passes) : 1 - all((one) => 1 - one.passes) };
    }
    case 'hotdrop':
    case 'opaque':
    case 'payload':
      return { cost: 100, passes: 1 };
  }
}

/** What packets of a network have in these fields is not spread evenly: a test of one value passes about so many. */
const LEAST_PASSING: Readonly<Partial<Record<Field, number>>> = {
  proto: 0.5,
  iif: 0.5,
  oif: 0.5,
  dport: 0.05,
  sport: 0.2,
  'tcp.flags': 0.3,
  'icmp.type': 0.2,
  tos: 0.5,
  ttl: 0.3,
  length: 0.3,
  mark: 0.3,
  pkttype: 0.5,
};
/** Packets without these are rare. */
const MOSTLY: readonly Field[] = ['l4found', 'fragoff', 'l4len', 'tcp.whole', 'tcp.doff', 'mac.ether'];
const RARE = 0.01;

function estimateTest({ field, mask, set }: FieldTest, family: Family): Estimate {
  const words = Math.ceil(fieldBits(field, family) / 64);
  const cost = words * (1 + 2 * set.length) + (mask === undefined ? 0 : words);
  const limit = fieldLimit(field, family);
  const size = Number(mask === undefined ? limit : mask & limit) + 1;
  let values = 0;
  for (const { lo, hi } of set) values += lo === hi ? 1 : Number(hi - lo) + 1;
  const share = values / size;
  if (MOSTLY.includes(field)) return { cost, passes: 1 - RARE };
  const least = LEAST_PASSING[field] ?? 0;
  // The opposite of a few values passes the rest.
  const passes = share > 1 / 2 ? Math.min(share, 1 - least / 2) : Math.max(share, least);
  return { cost, passes };
}
