import type { Field } from '../../grammar/model/fields.js';
import type { Packet } from '../../grammar/model/packet.js';
import { collectReachable, type Reachable, type ReachableRule } from '../../codegen/program/reachable.js';
import { findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { DEFAULT_DESTINATION_MAC } from '../packet/index.js';
import { devicesFor, groupsToTry } from './device-groups.js';
import { beside, grant, wishesFor, type Wish } from './goal.js';
import { payloadAims, type PayloadAim } from './payload-shape.js';
import { Random } from './random.js';
import { shapePacket } from './shape.js';

/** Which packets to make. The same seed makes the same packets. */
export interface GenerateOptions {
  readonly table: TableName;
  readonly chain: BuiltinChain;
  readonly count: number;
  readonly seed: number;
}

/** Share of packets that are to match the rule aimed at, that stand beside one of its tests, and that mix two rules. */
const SHARES = { inside: 0.5, beside: 0.3, mixed: 0.15 } as const;
/** Different devices of all packets: engines have to make each of them. */
const MAX_DEVICES = 16;
/** Earlier rules of a chain that a packet is led around, so that it comes to the one aimed at. */
const MAX_AVOIDED = 6;

/**
 * Packets directed at the rules that the chain reaches: inside, on and just outside the boundaries of every test, along
 * the jumps that lead to a rule, mixed between rules, and in hostile shapes. The same seed gives the same packets.
 */
export function generatePackets(ruleset: Ruleset, options: GenerateOptions): readonly Packet[] {
  const table = findTable(ruleset, options.table);
  if (table === undefined) return [];
  const reachable = collectReachable(table, options.chain);
  const random = new Random(options.seed);
  const paths = new Paths(reachable);
  const named = devicesFor(groupsToTry(reachable.rules));
  const devices = new Set<string>();
  const packets: Packet[] = [];
  for (let i = 0; i < options.count; i++) {
    // Every rule in turn, so that a long list is covered evenly.
    const rule = reachable.rules.length === 0 ? undefined : reachable.rules[i % reachable.rules.length];
    const other = rule === undefined ? undefined : random.pick(reachable.rules);
    const { values, aims } = aim(ruleset, paths, rule, other, random);
    const packet = shapePacket(values, { family: ruleset.family, chain: options.chain }, random, aims);
    packets.push(asFromHere(withFewDevices(inAnyGroup(packet, named, random), devices, random)));
  }
  return packets;
}

/** Where rules ask for groups: the packet, at one of these devices in place of the usual ones, at either end. */
function inAnyGroup(packet: Packet, names: readonly string[], random: Random): Packet {
  if (names.length === 0) return packet;
  const any = (name: string): string => (/^eth[01]$/.test(name) ? random.pick(names) : name);
  return { ...packet, inInterface: any(packet.inInterface), outInterface: any(packet.outInterface) };
}

/** The packet, at devices that others came by too once there are many. */
function withFewDevices(packet: Packet, devices: Set<string>, random: Random): Packet {
  const known = (name: string): string => {
    if (name === '' || devices.has(name)) return name;
    if (devices.size >= MAX_DEVICES) return random.pick([...devices]);
    devices.add(name);
    return name;
  };
  return { ...packet, inInterface: known(packet.inInterface), outInterface: known(packet.outInterface) };
}

/** What comes by `lo` has been put there by this host, in a frame that is addressed to nobody else. */
function asFromHere(packet: Packet): Packet {
  if (packet.inInterface !== 'lo' || (packet.frame[0] & 1) === 0) return packet;
  const frame = Uint8Array.from(packet.frame);
  new DataView(frame.buffer).setBigUint64(0, (DEFAULT_DESTINATION_MAC << 16n) | BigInt((frame[6] << 8) | frame[7]));
  return { ...packet, frame };
}

/** What a packet is to be like: field values, and tests over its bytes. */
interface Goal {
  readonly values: Map<Field, bigint>;
  readonly aims: readonly PayloadAim[];
}

/** The goal for a packet directed at a rule. */
function aim(
  ruleset: Ruleset,
  paths: Paths,
  rule: ReachableRule | undefined,
  other: ReachableRule | undefined,
  random: Random,
): Goal {
  const { family } = ruleset;
  if (rule === undefined) return { values: new Map(), aims: [] };
  const dice = random.below(1000) / 1000;
  const own = wishesFor(rule.condition, true, family, random);
  const steps = paths.to(rule, random);
  const way: Wish[] = steps.flatMap((step) => [...wishesFor(step.condition, true, family, random)]);
  const aims = [rule, ...steps].flatMap((step) => [...payloadAims(step.condition, true, random)]);
  if (dice < SHARES.inside) {
    const before = paths.before(rule, random);
    const avoided = before.flatMap((step) => [...wishesFor(step.condition, false, family, random)]);
    return { values: grant([...own, ...way, ...avoided], family, random), aims };
  }
  const values = grant([...own, ...way], family, random);
  if (aims.length > 0 && random.chance(0.6)) {
    const at = random.below(aims.length);
    return { values, aims: aims.map((one, i) => (i === at ? { ...one, sense: 'beside' } : one)) };
  }
  if (dice < SHARES.inside + SHARES.beside) {
    const tests = [...own, ...way];
    if (tests.length > 0) {
      // A piece of a datagram is one shape among many, though most rules test for it.
      const first = random.pick(tests);
      const wish = first.field === 'fragoff' && random.chance(0.8) ? random.pick(tests) : first;
      values.set(wish.field, beside(wish, family, random));
    }
  } else if (dice < SHARES.inside + SHARES.beside + SHARES.mixed && other !== undefined) {
    const theirs = grant(wishesFor(other.condition, true, family, random), family, random);
    for (const [field, value] of theirs) if (random.chance(0.5)) values.set(field, value);
    return { values, aims: payloadAims(other.condition, random.chance(0.7), random) };
  } else {
    for (const field of [...values.keys()]) if (random.chance(0.4)) values.delete(field);
  }
  return { values, aims };
}

/** The jumps that lead to a rule. */
class Paths {
  private readonly callers = new Map<string, ReachableRule[]>();

  constructor(private readonly reachable: Reachable) {
    for (const rule of reachable.rules) {
      const effect = rule.rule.target.effect;
      if (effect.kind !== 'jump') continue;
      this.callers.set(effect.chain, [...(this.callers.get(effect.chain) ?? []), rule]);
    }
  }

  /** Rules that jump on a random way from the entry chain to `rule`. */
  to(rule: ReachableRule, random: Random): readonly ReachableRule[] {
    const way: ReachableRule[] = [];
    let chain = rule.chain;
    while (chain !== this.reachable.entry.name) {
      const callers = this.callers.get(chain);
      if (callers === undefined || way.length > this.reachable.chains.size) break;
      const caller = random.pick(callers);
      way.push(caller);
      chain = caller.chain;
    }
    return way;
  }

  /** Some of the rules right before `rule` that would end a packet's way. */
  before(rule: ReachableRule, random: Random): readonly ReachableRule[] {
    const own = this.reachable.chains.get(rule.chain)?.rules ?? [];
    const ending = own
      .slice(0, rule.number - 1)
      .filter(({ rule: { target } }) => !['continue', 'log', 'mark', 'jump'].includes(target.effect.kind));
    return ending.filter(() => ending.length <= MAX_AVOIDED || random.chance(MAX_AVOIDED / ending.length));
  }
}
