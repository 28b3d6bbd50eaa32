import { all, equals, FALSE, hotdrop, inSet, invertIf, not, TRUE, type Condition } from '../model/condition.js';
import type { Family } from '../model/family.js';
import { systemProtocolName, CHAIN_PROTOCOLS } from '../modules/value/protocols.js';
import { fullMask, prefixLength, printMasked, type AddressMask } from './address.js';
import { interfaceCondition, isAnyInterface } from './interface.js';
import type { Head, RuleHead } from './rule-words.js';

/** A rule's head with one source and one destination. */
export interface SingleHead extends Omit<RuleHead, 'source' | 'destination'> {
  readonly source?: Head<AddressMask>;
  readonly destination?: Head<AddressMask>;
}

/** One head for each pair of addresses, the sources outside (iptables.c `append_entry`). */
export function crossProduct(head: RuleHead): readonly SingleHead[] {
  const { source, destination, ...rest } = head;
  return spread(source).flatMap((from) =>
    spread(destination).map((to) => ({ ...rest, source: from, destination: to })),
  );
}

function spread(list: Head<readonly AddressMask[]> | undefined): readonly (Head<AddressMask> | undefined)[] {
  return list === undefined ? [undefined] : list.value.map((value) => ({ ...list, value }));
}

/** Canonical words in the order of iptables-save (iptables.c `print_rule4`, xshared.c `save_rule_details`). */
export function headWords(head: SingleHead, family: Family): readonly string[] {
  const words: string[] = [];
  const put = (inverted: boolean, ...option: readonly string[]): void => {
    if (inverted) words.push('!');
    words.push(...option);
  };
  for (const [flag, given] of [['-s', head.source] as const, ['-d', head.destination] as const]) {
    if (given !== undefined && (given.value.mask !== 0n || given.inverted)) {
      put(given.inverted, flag, printMasked(given.value, family));
    }
  }
  for (const [flag, given] of [['-i', head.inInterface] as const, ['-o', head.outInterface] as const]) {
    if (given !== undefined && (!isAnyInterface(given.value) || given.inverted)) put(given.inverted, flag, given.value);
  }
  const { protocol, fragments } = head;
  if (protocol !== undefined && protocol.value !== 0) put(protocol.inverted, '-p', protocolName(protocol.value));
  if (fragments !== undefined) put(fragments.inverted, '-f');
  return words;
}

/** Name of a protocol as iptables-save prints it, its number where it has none. */
export function protocolName(number: number): string {
  return CHAIN_PROTOCOLS.find(([, value]) => value === number)?.[0] ?? systemProtocolName(number) ?? String(number);
}

/**
 * The part of the test that the chain engine itself does, in its order: `ip_packet_match`
 * (net/ipv4/netfilter/ip_tables.c), `ip6_packet_match` (net/ipv6/netfilter/ip6_tables.c).
 */
export function headCondition(head: SingleHead, family: Family): Condition {
  const tests: Condition[] = [];
  const put = (condition: Condition): void => {
    if (condition !== TRUE) tests.push(condition);
  };
  if (head.source !== undefined) put(addressCondition('saddr', head.source, family));
  if (head.destination !== undefined) put(addressCondition('daddr', head.destination, family));
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
  const test = value === 0 ? [] : [invertIf(inverted, equals('proto', value))];
  return family === 'v6' ? [NO_HEADER_FOUND, ...test] : test;
}

function addressCondition(field: 'saddr' | 'daddr', given: Head<AddressMask>, family: Family): Condition {
  const { address, mask } = given.value;
  if (mask === 0n) return given.inverted ? FALSE : TRUE;
  const prefix = prefixLength(mask, family) !== undefined;
  const condition = prefix
    ? inSet(field, [{ lo: address, hi: address | (mask ^ fullMask(family)) }])
    : equals(field, address, mask);
  return given.inverted ? not(condition) : condition;
}
