import { isLeaving } from '../../grammar/model/family.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import { FRAME_LENGTH, networkOffset } from './frame.js';
import { isPieceOf } from './ip-reading.js';
import type { NetworkArrival } from './network-arrival.js';
import { countedLength, FIB, isLoopback, thereBytes, type WireReading } from './wire-reading.js';
import { CONTEXT, ROUTE } from './wire-world.js';
import { constantBits, slice, type Bits } from './words.js';

const HEADER = 40;
const SCOPE_RESERVED = 0n;
const SCOPE_INTERFACE = 1n;

/** Behind the link header: ip6_rcv_core, the routes and ip6_forward (src/evaluate/reaches-ipv6.ts). */
export function ipv6Arrival(arrival: NetworkArrival): void {
  const { words, frame, variables, family, chain, pass, drop, manifest } = arrival;
  const network = networkOffset(frame.shape);
  const equal = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  pass(not(words.atLeast(variables.word(FRAME_LENGTH, 16), BigInt(network + HEADER))));
  pass(not(equal(slice(frame.byte(network), 4, 4), 6n)));
  // A raw socket may say any payload length, and nothing is trimmed to it.
  if (!isLeaving(chain)) pass(words.below(thereBytes(arrival), countedLength(arrival)));
  if (chain === 'FORWARD') pass(words.below(frame.ip(7), constantBits(2n)));
  if (!isLeaving(chain)) pass(refusedAddresses(arrival));
  if (chain === 'INPUT' || chain === 'FORWARD') pass(not(comesTo(arrival)));
  const piece = isPieceOf({ words, family, frame, length: countedLength(arrival) });
  if (manifest.fragments === 'drop') drop(piece);
  if (manifest.fragments === 'pass') pass(piece);
}

function addresses({ frame }: WireReading): { readonly source: Bits; readonly destination: Bits } {
  return { source: frame.ip(8, 16), destination: frame.ip(24, 16) };
}

/** ip6_rcv_core: loopback addresses from outside, multicast sources, groups of a scope that does not leave a host. */
function refusedAddresses(reading: WireReading): Ref {
  const { words } = reading;
  const { bdd } = words;
  const { source, destination } = addresses(reading);
  const is = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  const outside = not(isLoopback(reading));
  const scope = slice(destination, 112, 4);
  const group = isMulticast(reading, destination);
  return bdd.anyOf([
    isMulticast(reading, source),
    bdd.and(outside, bdd.or(is(source, 1n), is(destination, 1n))),
    bdd.and(group, is(scope, SCOPE_RESERVED)),
    bdd.allOf([group, is(scope, SCOPE_INTERFACE), outside]),
  ]);
}

function isMulticast({ words }: WireReading, address: Bits): Ref {
  return words.equal(slice(address, 120, 8), constantBits(0xffn));
}

/** Whether the routes lead to the chain, and ip6_forward takes the packet. */
function comesTo(reading: WireReading): Ref {
  const { words, variables, chain } = reading;
  const { bdd } = words;
  const { destination } = addresses(reading);
  const is = (bits: Bits, value: bigint): Ref => words.equal(bits, constantBits(value));
  const code = variables.word(ROUTE.code, 4);
  const failed = variables.word(ROUTE.failed, 1)[0];
  const input = chain === 'INPUT';
  const local = bdd.or(is(code, FIB.NOT_FWDED), is(code, FIB.FWD_DISABLED));
  const refused = bdd.without(words.below(code, constantBits(FIB.FWD_DISABLED + 1n)), is(code, FIB.SUCCESS));
  const routed = bdd.or(failed, input ? local : not(refused));
  const forwarded = input ? TRUE : not(isBoundToLink(reading));
  const stays = bdd.or(isLoopback(reading), isMulticast(reading, destination));
  return bdd.choose(stays, input ? TRUE : FALSE, bdd.and(routed, forwarded));
}

/** ip6_forward: unspecified, loopback and link-local sources stay on their link. */
function isBoundToLink(reading: WireReading): Ref {
  const { words, variables } = reading;
  const { source } = addresses(reading);
  const sameDevice = words.equal(variables.word(CONTEXT.ifindex, 32), variables.word(ROUTE.ifindex, 32));
  const linkLocal = words.equal(slice(source, 118, 10), constantBits(0x3fan));
  return words.bdd.without(words.bdd.or(words.below(source, constantBits(2n)), linkLocal), sameDevice);
}
