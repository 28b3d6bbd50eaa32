import { equals, FALSE, hotdrop, inSet, invertIf, not, opaque, TRUE, type Condition } from '../model/condition.js';
import type { Family } from '../model/family.js';
import { systemProtocolName, CHAIN_PROTOCOLS } from '../modules/value/protocols.js';
import { addressBits, lastAddress, prefixLength } from '../modules/value/address.js';
import { printMasked, type AddressTerm, type NetworkTerm } from './address.js';
import { interfaceCondition, isAnyInterface } from './interface.js';
import { quoteIfNeeded } from '../syntax/index.js';
import { Scratch } from './scratch.js';
import type { HeadValue, HeadValues } from './rule-words.js';

/** One of the pairs of addresses that a rule's lists make. */
export interface AddressPair {
  readonly source: AddressTerm | undefined;
  readonly destination: AddressTerm | undefined;
}

/** Each pair of addresses, the sources outside (iptables.c `append_entry`). */
export function addressPairs({ source, destination }: HeadValues): readonly AddressPair[] {
  const sources = source === undefined ? [undefined] : source.value;
  const destinations = destination === undefined ? [undefined] : destination.value;
  if (sources.length === 1 && destinations.length === 1) return [{ source: sources[0], destination: destinations[0] }];
  return sources.flatMap((from) => destinations.map((to) => ({ source: from, destination: to })));
}

/** Canonical words in the order of iptables-save (iptables.c `print_rule4`, xshared.c `save_rule_details`). */
export function headWords(head: HeadValues, pair: AddressPair, family: Family): readonly string[] {
  const { inInterface, outInterface, protocol, fragments } = head;
  if (pair.source !== undefined) addAddress('-s', pair.source, isInverted(head.source), family);
  if (pair.destination !== undefined) addAddress('-d', pair.destination, isInverted(head.destination), family);
  if (inInterface !== undefined) addInterface('-i', inInterface);
  if (outInterface !== undefined) addInterface('-o', outInterface);
  if (protocol !== undefined && protocol.value !== 0) {
    addOption(protocol.inverted, '-p', protocolName(protocol.value));
  }
  if (fragments !== undefined) addOption(fragments.inverted, '-f');
  return words.take();
}

/** The words of one head after the other. */
const words = new Scratch<string>();

function addOption(inverted: boolean, flag: string, value?: string): void {
  if (inverted) words.put('!');
  words.put(flag);
  if (value !== undefined) words.put(value);
}

function addAddress(flag: string, value: AddressTerm, inverted: boolean, family: Family): void {
  if ('hostName' in value || value.mask !== 0n || inverted) addOption(inverted, flag, printMasked(value, family));
}

function isInverted(given: HeadValue<unknown> | undefined): boolean {
  return given?.inverted ?? false;
}

function addInterface(flag: string, { value, inverted }: HeadValue<string>): void {
  if (!isAnyInterface(value) || inverted) addOption(inverted, flag, quoteIfNeeded(value));
}

/** Name of a protocol as iptables-save prints it, its number where it has none. */
export function protocolName(number: number): string {
  return PROTOCOL_NAMES[number] ?? String(number);
}

const PROTOCOL_NAMES: readonly (string | undefined)[] = Array.from(
  { length: 256 },
  (_, number) => CHAIN_PROTOCOLS.find(([, value]) => value === number)?.[0] ?? systemProtocolName(number),
);

/**
 * The part of the test that the chain engine itself does, in its order: `ip_packet_match`
 * (net/ipv4/netfilter/ip_tables.c), `ip6_packet_match` (net/ipv6/netfilter/ip6_tables.c).
 */
export function headCondition(head: HeadValues, pair: AddressPair, family: Family): Condition {
  if (pair.source !== undefined) put(sourceOrDestination('-s', pair.source, isInverted(head.source), family));
  if (pair.destination !== undefined) {
    put(sourceOrDestination('-d', pair.destination, isInverted(head.destination), family));
  }
  if (head.inInterface !== undefined) put(interfaceCondition('iif', head.inInterface.value, head.inInterface.inverted));
  if (head.outInterface !== undefined) {
    put(interfaceCondition('oif', head.outInterface.value, head.outInterface.inverted));
  }
  if (head.protocol !== undefined) putProtocol(head.protocol, family);
  if (head.fragments !== undefined) put(invertIf(head.fragments.inverted, LATER_FRAGMENT));
  const of = tests.take();
  return of.length === 0 ? TRUE : of.length === 1 ? of[0] : { kind: 'all', of };
}

/** The tests of one head after the other. */
const tests = new Scratch<Condition>();

function put(condition: Condition): void {
  if (condition !== TRUE) tests.put(condition);
}

const LATER_FRAGMENT = inSet('fragoff', [{ lo: 1n, hi: 0xffffn }]);
const NO_HEADER_FOUND = hotdrop(equals('l4found', 0));

/** In IPv6 any `-p`, even `-p all`, drops a packet whose headers cannot be walked. */
function putProtocol({ value, inverted }: HeadValue<number>, family: Family): void {
  if (family === 'v6') put(NO_HEADER_FOUND);
  if (value !== 0) put(inverted ? PROTOCOL_TESTS[value].inverted : PROTOCOL_TESTS[value].straight);
}

const PROTOCOL_TESTS = Array.from({ length: 256 }, (_, number) => {
  const straight = equals('proto', number);
  return { straight, inverted: not(straight) };
});

/** What a host name stands for depends on the moment: its test is one that nobody can answer. */
function sourceOrDestination(flag: '-s' | '-d', term: AddressTerm, inverted: boolean, family: Family): Condition {
  if (!('hostName' in term)) return addressCondition(flag === '-s' ? 'saddr' : 'daddr', term, inverted, family);
  return invertIf(inverted, opaque({ name: 'module', module: 'host name', words: [flag, term.hostName] }));
}

function addressCondition(
  field: 'saddr' | 'daddr',
  network: NetworkTerm,
  inverted: boolean,
  family: Family,
): Condition {
  if (network.mask === 0n) return inverted ? FALSE : TRUE;
  return invertIf(inverted, addressTest(field, network, family));
}

function addressTest(
  field: 'saddr' | 'daddr',
  { address, mask, length: known }: NetworkTerm,
  family: Family,
): Condition {
  const length = known ?? prefixLength(mask, family);
  if (length === undefined) return equals(field, address, mask);
  if (length === addressBits(family)) return equals(field, address);
  return inSet(field, [{ lo: address, hi: lastAddress(address, length, family) }]);
}
