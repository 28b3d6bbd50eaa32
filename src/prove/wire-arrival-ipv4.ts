import { isLeaving } from '../../grammar/model/family.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import { FRAME_LENGTH, networkOffset, TOTAL_LENGTH } from './frame.js';
import type { NetworkArrival } from './network-arrival.js';
import { FIB, isLoopback, thereBytes, type WireReading } from './wire-reading.js';
import { ROUTE } from './wire-world.js';
import { constantBits, slice, type Bits } from './words.js';

const IGMP = 2n;

/** Behind the link header: ip_rcv_core, the routes and ip_forward (src/evaluate/reaches-ipv4.ts). */
export function ipv4Arrival(arrival: NetworkArrival): void {
  const { words, frame, variables, chain, pass, drop, checksums, manifest } = arrival;
  const { bdd } = words;
  const equal = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  const network = networkOffset(frame.shape);
  const length = variables.word(FRAME_LENGTH, 16);
  pass(not(words.atLeast(length, BigInt(network + 20))));
  const first = frame.byte(network);
  pass(not(equal(slice(first, 4, 4), 4n)));
  pass(words.below(slice(first, 0, 4), constantBits(5n)));
  const total = variables.word(TOTAL_LENGTH, 16);
  pass(words.below(total, constantBits(BigInt(frame.shape.header))));
  pass(words.below(thereBytes(arrival), total));
  if (!isLeaving(chain)) pass(not(checksums.holds(network, network + frame.shape.header, network)));
  if (chain === 'FORWARD') pass(words.below(frame.ip(8), constantBits(2n)));
  if (chain === 'INPUT' || chain === 'FORWARD') pass(not(comesTo(arrival)));
  const piece = bdd.anyOf(slice(frame.ip(6, 2), 0, 14));
  if (manifest.fragments === 'drop') drop(piece);
  if (manifest.fragments === 'pass') pass(piece);
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
