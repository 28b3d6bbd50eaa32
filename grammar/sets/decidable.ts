import type { Family } from '../model/family.js';
import type { IpSet, OtherIpSet, SetTest } from '../model/ip-set.js';
import { dimensionOf, ELEMENT_PARTS } from './types.js';

/** Why nobody but the kernel can answer a test, and what to do. */
export interface UndecidedSet {
  readonly reason: string;
  readonly advice: string;
}

const EARLY = 'use --mode early and keep iptables behind it';

/** Why a test on an IP set has no answer beside the kernel's; undefined where its members decide. */
export function undecidedSet(test: SetTest, family: Family): UndecidedSet | undefined {
  const { set, name, counters } = test;
  if (set === undefined) {
    return { reason: `the members of set ${name} are not known`, advice: 'give what "ipset save" prints with --ipset' };
  }
  // Of other types it is not known what they count; a list counts by the sets in it.
  if (counters.length > 0 && (set.type === 'other' || set.type === 'list:set')) {
    return { reason: `${counters[0]} compares what the kernel counts in set ${name}`, advice: EARLY };
  }
  return undecidedPart(set, test, family);
}

/** Whether the set can have an answer other than no: its dimensions and IP version (ip_set_test). */
export function canMatch(set: IpSet, { directions }: SetTest, family: Family): boolean {
  return directions.length >= dimensionOf(set.type) && (set.family === undefined || set.family === family);
}

function undecidedPart(set: IpSet | OtherIpSet, test: SetTest, family: Family): UndecidedSet | undefined {
  const { name } = set;
  if (set.type === 'other') {
    return { reason: `set ${name} is of type ${set.typeName}, which is not translated`, advice: EARLY };
  }
  if (!canMatch(set, test, family)) return undefined;
  if (set.type === 'list:set') {
    if (set.members.some(({ timeout = 0 }) => timeout > 0)) {
      return { reason: `sets leave the list ${name} when their time is over`, advice: EARLY };
    }
    for (const part of set.sets) {
      if (part.type !== 'other' && part.comparedBy !== undefined) {
        const reason = `elements of ${part.name} count packets for list ${name}, and a rule compares them (${part.comparedBy})`;
        return { reason, advice: EARLY };
      }
      const why = undecidedPart(part, test, family);
      if (why !== undefined) return why;
    }
    return undefined;
  }
  if (set.changedBy !== undefined) {
    return { reason: `packets change set ${name} (${set.changedBy})`, advice: EARLY };
  }
  const mac = ELEMENT_PARTS[set.type].find(({ kind }) => kind === 'mac');
  if (mac === undefined) return undefined;
  if (test.directions[mac.dimension] === 'dst') {
    return { reason: `the destination MAC that set ${name} is asked for is not read`, advice: EARLY };
  }
  if (set.members.some((member) => member.mac === undefined)) {
    return { reason: `set ${name} learns MAC addresses from packets`, advice: 'add the elements with their MACs' };
  }
  return undefined;
}
