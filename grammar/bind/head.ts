import { all, equals, FALSE, hotdrop, inSet, invertIf, not, opaque, TRUE, type Condition } from '../model/condition.js';
import type { Family } from '../model/family.js';
import { systemProtocolName, CHAIN_PROTOCOLS } from '../modules/value/protocols.js';
import { fullMask, prefixLength, type MaskedAddress } from '../modules/value/address.js';
import { printMasked, type AddressTerm } from './address.js';
import { interfaceCondition, isAnyInterface } from './interface.js';
import { quoteIfNeeded } from '../syntax/index.js';
import type { Head, RuleHead } from './rule-words.js';

/** One of the pairs of addresses that a rule's lists make. */
export interface AddressPair {
  readonly source: AddressTerm | undefined;
  readonly destination: AddressTerm | undefined;
}

/** Each pair of addresses, the sources outside (iptables.c `append_entry`). */
export function addressPairs({ source, destination }: RuleHead): readonly AddressPair[] {
  const sources = source === undefined ? [undefined] : source.value;
  const destinations = destination === undefined ? [undefined] : destination.value;
  if (sources.length === 1 && destinations.length === 1) return [{ source: sources[0], destination: destinations[0] }];
  return sources.flatMap((from) => destinations.map((to) => ({ source: from, destination: to })));
}

/** Canonical words in the order of iptables-save (iptables.c `print_rule4`, xshared.c `save_rule_details`). */
export function headWords(head: RuleHead, pair: AddressPair, family: Family): readonly string[] {
  const { inInterface, outInterface, protocol, fragments } = head;
  const words: string[] = [];
  if (pair.source !== undefined) addAddress(words, '-s', pair.source, isInverted(head.source), family);
  if (pair.destination !== undefined) addAddress(words, '-d', pair.destination, isInverted(head.destination), family);
  if (inInterface !== undefined) addInterface(words, '-i', inInterface);
  if (outInterface !== undefined) addInterface(words, '-o', outInterface);
  if (protocol !== undefined && protocol.value !== 0) {
    addOption(words, protocol.inverted, '-p', protocolName(protocol.value));
  }
  if (fragments !== undefined) addOption(words, fragments.inverted, '-f');
  // A copy holds no spare room.
  return words.slice();
}

function addOption(words: string[], inverted: boolean, flag: string, value?: string): void {
  if (inverted) words.push('!');
  words.push(flag);
  if (value !== undefined) words.push(value);
}

function addAddress(words: string[], flag: string, value: AddressTerm, inverted: boolean, family: Family): void {
  if ('hostName' in value || value.mask !== 0n || inverted)
    addOption(words, inverted, flag, printMasked(value, family));
}

function isInverted(given: Head<unknown> | undefined): boolean {
  return given?.inverted ?? false;
}

function addInterface(words: string[], flag: string, { value, inverted }: Head<string>): void {
  if (!isAnyInterface(value) || inverted) addOption(words, inverted, flag, quoteIfNeeded(value));
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
export function headCondition(head: RuleHead, pair: AddressPair, family: Family): Condition {
  const tests: Condition[] = [];
  const put = (condition: Condition): void => {
    if (condition !== TRUE) tests.push(condition);
  };
  if (pair.source !== undefined) put(sourceOrDestination('-s', pair.source, isInverted(head.source), family));
  if (pair.destination !== undefined) {
    put(sourceOrDestination('-d', pair.destination, isInverted(head.destination), family));
  }
  if (head.inInterface !== undefined) put(interfaceCondition('iif', head.inInterface.value, head.inInterface.inverted));
  if (head.outInterface !== undefined) {
    put(interfaceCondition('oif', head.outInterface.value, head.outInterface.inverted));
  }
  if (head.protocol !== undefined) tests.push(...protocolConditions(head.protocol, family));
  if (head.fragments !== undefined) put(invertIf(head.fragments.inverted, LATER_FRAGMENT));
  return tests.length === 0 ? TRUE : all(...tests);
}

const LATER_FRAGMENT = inSet('fragoff', [{ lo: 1n, hi: 0xffffn }]);
const NO_HEADER_FOUND = hotdrop(equals('l4found', 0));

/** In IPv6 any `-p`, even `-p all`, drops a packet whose headers cannot be walked. */
function protocolConditions({ value, inverted }: Head<number>, family: Family): readonly Condition[] {
  const plain = PROTOCOL_TESTS[value];
  const test = value === 0 ? [] : [inverted ? plain.inverted : plain.straight];
  return family === 'v6' ? [NO_HEADER_FOUND, ...test] : test;
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
  { address, mask }: MaskedAddress,
  inverted: boolean,
  family: Family,
): Condition {
  if (mask === 0n) return inverted ? FALSE : TRUE;
  return invertIf(inverted, addressTest(field, address, mask, family));
}

function addressTest(field: 'saddr' | 'daddr', address: bigint, mask: bigint, family: Family): Condition {
  const full = fullMask(family);
  if (mask === full) return equals(field, address);
  if (prefixLength(mask, family) === undefined) return equals(field, address, mask);
  return inSet(field, [{ lo: address, hi: address | (mask ^ full) }]);
}
