import { isLeaving } from '../../grammar/model/family.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { FALSE, not, type Ref } from './bdd.js';
import { possibleConnections } from './connection.js';
import type { Arrivals } from './entry-model.js';
import type { OnesComplement } from './checksum.js';
import { FRAME_LENGTH, networkOffset, TOTAL_LENGTH } from './frame.js';
import { endsWalk } from './ip-reading.js';
import { ipv4Arrival } from './wire-arrival-ipv4.js';
import { ipv6Arrival } from './wire-arrival-ipv6.js';
import type { WireReading } from './wire-reading.js';
import { CONTEXT } from './wire-world.js';
import { bitAt, constantBits, slice, type Bits } from './words.js';

const ETHERTYPE = { v4: 0x0800n, v6: 0x86ddn } as const;
const VLAN_TYPES = [0x8100n, 0x88a8n];
const PACKET_OTHERHOST = 3n;
const AF_PACKET = 17n;
const LINEAR = 512n;

/** The frames that have this shape, and what is taken for granted of them: see `domainOf` in domain.ts. */
export function framesOf(reading: WireReading): Ref {
  const { words, frame, variables, hook } = reading;
  const { bdd } = words;
  const type = (tag: number): Ref =>
    bdd.anyOf(VLAN_TYPES.map((one) => words.equal(frame.number(12 + 4 * tag, 2), constantBits(one))));
  const conditions: Ref[] = [];
  for (let tag = 0; tag < frame.shape.tags; tag++) conditions.push(type(tag));
  if (frame.shape.tags < 2) conditions.push(not(type(frame.shape.tags)));
  if (hook === 'tc') {
    const linear = variables.word(FRAME_LENGTH, 16);
    const length = variables.word(CONTEXT.skbLength, 16);
    conditions.push(not(words.below(length, linear)));
    conditions.push(bdd.or(words.equal(length, linear), words.atLeast(linear, LINEAR)));
    const gso = words.equal(variables.word(CONTEXT.gso, 16), []);
    conditions.push(possibleConnections(words, variables));
    conditions.push(bdd.or(gso, not(words.equal(variables.word(TOTAL_LENGTH, 16), []))));
  }
  if (reading.family === 'v6') conditions.push(endsWalk(words, frame.nextHeader));
  conditions.push(words.equal(variables.word('device name 15', 8), []));
  return bdd.allOf(conditions);
}

/**
 * What the receive path does before the chain (src/evaluate/reaches-ipv4.ts and reaches-ipv6.ts), and the policies that the object was
 * compiled with (docs/exactness.md). Routes answer as bpf_fib_lookup does.
 */
export function arrivalsOf(reading: WireReading, manifest: Manifest, checksums: OnesComplement): Arrivals {
  const { words, frame, variables, hook, chain } = reading;
  const { bdd } = words;
  const all = framesOf(reading);
  let left = all;
  let dropped: Ref = FALSE;
  const pass = (when: Ref): void => {
    left = bdd.without(left, when);
  };
  const drop = (when: Ref): void => {
    dropped = bdd.or(dropped, bdd.and(left, when));
    left = bdd.without(left, when);
  };
  const equal = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  const ingress = !isLeaving(chain);
  const start = networkOffset(frame.shape);
  const length = variables.word(FRAME_LENGTH, 16);

  if (hook === 'tc' && ingress) pass(equal(variables.word(CONTEXT.packetType, 3), PACKET_OTHERHOST));
  if (!ingress) {
    if (chain === 'OUTPUT') pass(not(equal(variables.word(CONTEXT.ingress, 32), 0n)));
    const none = variables.word('no socket', 1)[0];
    pass(bdd.without(equal(variables.word('socket family', 16), AF_PACKET), none));
  }
  pass(not(words.atLeast(length, BigInt(start))));
  if (chain === 'FORWARD') pass(bitAt(frame.byte(0), 0));
  pass(not(equal(frame.number(start - 2, 2), ETHERTYPE[reading.family])));
  const otherVlan = bdd.anyOf(vlanIds(reading).map((id) => not(equal(id, 0n))));
  if (manifest.vlan === 'drop') drop(otherVlan);
  if (manifest.vlan === 'pass') pass(otherVlan);

  const network = reading.family === 'v4' ? ipv4Arrival : ipv6Arrival;
  network({ ...reading, pass, drop, checksums, manifest });
  // What is neither dropped nor left has passed.
  return { passed: bdd.without(all, bdd.or(left, dropped)), dropped, judged: left };
}

/** Ids of the tags, and the one that the device has taken off at tc. */
function vlanIds({ words, frame, variables, hook }: WireReading): readonly Bits[] {
  const ids: Bits[] = [];
  for (let tag = 0; tag < frame.shape.tags; tag++) ids.push(slice(frame.number(14 + 4 * tag, 2), 0, 12));
  if (hook === 'tc') {
    const present = variables.word(CONTEXT.vlanPresent, 1)[0];
    ids.push(words.where(present, slice(variables.word(CONTEXT.vlanTci, 16), 0, 12)));
  }
  return ids;
}
