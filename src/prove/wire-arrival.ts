import type { Manifest } from '../../codegen/program/manifest.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import { possibleConnections } from './connection.js';
import type { Arrivals } from './entry-model.js';
import type { OnesComplement } from './checksum.js';
import { FRAME_LENGTH, networkOffset, TOTAL_LENGTH } from './frame.js';
import { isLoopback, networkBytes, type WireReading } from './wire-reading.js';
import { CONTEXT, ROUTE } from './wire-world.js';
import { bitAt, constantBits, slice, type Bits } from './words.js';

const ETHERTYPE_IPV4 = 0x0800n;
const VLAN_TYPES = [0x8100n, 0x88a8n];
const PACKET_OTHERHOST = 3n;
const AF_PACKET = 17n;
const LINEAR = 512n;
const IGMP = 2n;
/** BPF_FIB_LKUP_RET_* (include/uapi/linux/bpf.h). */
const FIB = { SUCCESS: 0n, NOT_FWDED: 4n, FWD_DISABLED: 5n } as const;

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
  conditions.push(words.equal(variables.word('device name 15', 8), []));
  return bdd.allOf(conditions);
}

/**
 * What the receive path does before the chain (src/evaluate/reaches-ipv4.ts), and the policies that the object was
 * compiled with (docs/exactness.md). Routes answer as bpf_fib_lookup does.
 */
export function arrivalsOf(reading: WireReading, manifest: Manifest, checksums: OnesComplement): Arrivals {
  const { words, frame, variables, hook, chain } = reading;
  const { bdd } = words;
  let left = framesOf(reading);
  let passed: Ref = FALSE;
  let dropped: Ref = FALSE;
  const pass = (when: Ref): void => {
    passed = bdd.or(passed, bdd.and(left, when));
    left = bdd.without(left, when);
  };
  const drop = (when: Ref): void => {
    dropped = bdd.or(dropped, bdd.and(left, when));
    left = bdd.without(left, when);
  };
  const equal = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  const ingress = chain !== 'OUTPUT';
  const network = networkOffset(frame.shape);
  const length = variables.word(FRAME_LENGTH, 16);

  if (hook === 'tc' && ingress) pass(equal(variables.word(CONTEXT.packetType, 3), PACKET_OTHERHOST));
  if (!ingress) {
    pass(not(equal(variables.word(CONTEXT.ingress, 32), 0n)));
    const none = variables.word('no socket', 1)[0];
    pass(bdd.without(equal(variables.word('socket family', 16), AF_PACKET), none));
  }
  pass(not(words.atLeast(length, BigInt(network))));
  if (chain === 'FORWARD') pass(bitAt(frame.byte(0), 0));
  pass(not(equal(frame.number(network - 2, 2), ETHERTYPE_IPV4)));
  const otherVlan = bdd.anyOf(vlanIds(reading).map((id) => not(equal(id, 0n))));
  if (manifest.vlan === 'drop') drop(otherVlan);
  if (manifest.vlan === 'pass') pass(otherVlan);

  pass(not(words.atLeast(length, BigInt(network + 20))));
  const first = frame.byte(network);
  pass(not(equal(slice(first, 4, 4), 4n)));
  pass(words.below(slice(first, 0, 4), constantBits(5n)));
  const total = variables.word(TOTAL_LENGTH, 16);
  pass(words.below(total, constantBits(BigInt(frame.shape.header))));
  const there =
    hook === 'xdp'
      ? networkBytes(reading)
      : words.subtract(variables.word(CONTEXT.skbLength, 16), constantBits(BigInt(network)), 17);
  pass(words.below(there, total));
  if (ingress) pass(not(checksums.holds(network, network + frame.shape.header, network)));
  if (chain === 'FORWARD') pass(words.below(frame.ip(8), constantBits(2n)));
  if (chain === 'INPUT' || chain === 'FORWARD') pass(not(comesTo(reading)));
  const piece = bdd.anyOf(slice(frame.ip(6, 2), 0, 14));
  if (manifest.fragments === 'drop') drop(piece);
  if (manifest.fragments === 'pass') pass(piece);
  return { passed, dropped, judged: left };
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

/** ip_route_input_rcu and ip_route_input_slow (net/ipv4/route.c): whether the routes lead to the chain. */
function comesTo(reading: WireReading): Ref {
  const { words, frame, variables } = reading;
  const { bdd } = words;
  const source = frame.ip(12, 4);
  const destination = frame.ip(16, 4);
  const is = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  const group = (bits: Bits): Ref => is(slice(bits, 28, 4), 0xen);
  const everybody = (bits: Bits): Ref => is(bits, 0xffffffffn);
  const input = reading.chain === 'INPUT';
  const here = input ? TRUE : FALSE;

  const code = variables.word(ROUTE.code, 4);
  const failed = variables.word(ROUTE.failed, 1)[0];
  const local = bdd.or(is(code, FIB.NOT_FWDED), is(code, FIB.FWD_DISABLED));
  const refused = bdd.without(words.below(code, constantBits(FIB.FWD_DISABLED + 1n)), is(code, FIB.SUCCESS));
  const routed = bdd.or(failed, input ? local : not(refused));

  const sourceless = bdd.anyOf([is(slice(destination, 8, 24), 0xe00000n), is(frame.ip(9), IGMP)]);
  const noSource = bdd.choose(
    bdd.or(everybody(destination), is(destination, 0n)),
    here,
    bdd.choose(bdd.and(group(destination), sourceless), here, FALSE),
  );
  const withSource = bdd.choose(
    is(destination, 0n),
    FALSE,
    bdd.choose(bdd.or(group(destination), everybody(destination)), here, routed),
  );
  const valid = not(bdd.or(group(source), everybody(source)));
  const arrived = bdd.and(valid, bdd.choose(is(source, 0n), noSource, withSource));
  return bdd.choose(isLoopback(reading), here, arrived);
}
