import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Condition } from '../../grammar/model/condition.js';
import type { DeviceGroupTest } from '../../grammar/model/device-group.js';
import type { VerifyJob } from './job.js';

/** The greatest group that `ip link set` takes. */
const GREATEST = 0x7fffffff;

/** Rules with their conditions. */
type Rules = readonly { readonly condition: Condition }[];

/**
 * Groups that tell the tests of the rules apart: none, and for each test those that are just inside and just outside;
 * empty where no rule asks.
 */
export function groupsToTry(rules: Rules): readonly number[] {
  const tests: DeviceGroupTest[] = [];
  for (const { condition } of rules) {
    visitCondition(condition, { opaque: (test) => void (test.name === 'devgroup' && tests.push(test)) });
  }
  if (tests.length === 0) return [];
  const near = tests.flatMap(({ value, mask }) => [value, value ^ ~mask, value ^ (mask & -mask)]);
  return [...new Set([0, ...near].map((group) => group & GREATEST))];
}

/** Names of devices enough for these groups. */
export function devicesFor(groups: readonly number[]): readonly string[] {
  return groups.slice(0, 10).map((_, number) => `eth${number}`);
}

const GROUPS = new WeakMap<Rules, readonly number[]>();

/** The group that each device is put into: every engine has to give it the same one. */
export function deviceGroups({ analysis }: VerifyJob): (name: string) => number {
  const { rules } = analysis.reachable;
  let groups = GROUPS.get(rules);
  if (groups === undefined) GROUPS.set(rules, (groups = groupsToTry(rules)));
  if (groups.length === 0) return () => 0;
  const all = groups;
  return (name) => all[new TextEncoder().encode(name).reduce((sum, byte) => sum + byte, 0) % all.length];
}
