import type { PacketChange } from './change.js';
import type { Condition } from './condition.js';
import type { SourceRange } from './diagnostic.js';
import type { Family, TableName } from './family.js';

/** How often something matched: packets, and their bytes from the IP header on. */
export interface Counters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** ICMP answers of REJECT, by iptables' canonical name. `icmp-proto-unreachable` and friends are IPv4, `icmp6-*` IPv6. */
export type RejectType =
  | 'icmp-net-unreachable'
  | 'icmp-host-unreachable'
  | 'icmp-proto-unreachable'
  | 'icmp-port-unreachable'
  | 'icmp-net-prohibited'
  | 'icmp-host-prohibited'
  | 'icmp-admin-prohibited'
  | 'tcp-reset'
  | 'icmp6-no-route'
  | 'icmp6-adm-prohibited'
  | 'icmp6-addr-unreachable'
  | 'icmp6-port-unreachable'
  | 'icmp6-policy-fail'
  | 'icmp6-reject-route';

/** What a rule does to a packet that it matches. */
export type Effect =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  /** No target, or one that leaves no trace in the packet or the verdict. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'jump'; readonly chain: string; readonly goto: boolean }
  | { readonly kind: 'reject'; readonly type: RejectType }
  /** `group`: the netlink group of NFLOG, which has neither level nor flags. */
  | {
      readonly kind: 'log';
      readonly prefix: string;
      readonly level: number;
      readonly flags: number;
      readonly group?: number;
    }
  /** `mark = (mark & ~clear) ^ flip`, the one form behind all of MARK's options (net/netfilter/xt_mark.c). */
  | { readonly kind: 'mark'; readonly clear: number; readonly flip: number }
  /**
   * A target that is kept verbatim and not understood: it may decide, change, or continue; with `change` it does
   * nothing but that and goes on.
   */
  | {
      readonly kind: 'opaque';
      readonly target: string;
      readonly words: readonly string[];
      readonly change?: PacketChange;
    };

/** Whether no packet goes on to the next rule of the chain behind this effect. */
export function endsWay(effect: Effect): boolean {
  switch (effect.kind) {
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
      return true;
    case 'jump':
      return effect.goto;
    case 'continue':
    case 'log':
    case 'mark':
    case 'opaque':
      return false;
  }
}

/** One `-m` of a rule (or the implicit one of `-p`), with its meaning. `words` is its canonical text, `-m name` first. */
export interface BoundMatch {
  readonly name: string;
  readonly words: readonly string[];
  readonly condition: Condition;
}

/** The target of a rule: `-j`, `-g`, or none. */
export interface BoundTarget {
  /** Module or chain name; undefined for a rule without target. */
  readonly name?: string;
  /** Canonical text, `-j NAME` first. Empty without target. */
  readonly words: readonly string[];
  readonly effect: Effect;
}

/**
 * A rule with its meaning, and its text as written and as `iptables-save` prints it. Rules and matches of a dump cut their
 * texts out of it when asked, as accessors of their class: a spread (`{ ...rule }`) has none of them, `changedRule` has.
 */
export interface Rule {
  /** The same for rules that were read once for all of them: they differ in nothing but place and counters. */
  readonly identity?: object;
  /** Range of the rule's text in the dump, from its first word on. */
  readonly range: SourceRange;
  /** The rule's line(s) as written, without counters and newline. */
  readonly source: string;
  readonly counters?: Counters;
  /** Canonical text of `-s -d -i -o -p -f`. */
  readonly headWords: readonly string[];
  /** Addresses, interfaces, protocol, fragment flag in the kernel's order (ip_packet_match, ip6_packet_match). */
  readonly head: Condition;
  readonly matches: readonly BoundMatch[];
  readonly target: BoundTarget;
}

/** A rule that is like another one but for some of its parts. */
export function changedRule(rule: Rule, parts: Partial<Rule>): Rule {
  const { range, source, counters, headWords, head, matches, target } = rule;
  const counted = counters === undefined ? {} : { counters };
  return { range, source, ...counted, headWords, head, matches, target, ...parts };
}

/** The same for a match. */
export function changedMatch({ name, words, condition }: BoundMatch, parts: Partial<BoundMatch>): BoundMatch {
  return { name, words, condition, ...parts };
}

/** A chain of a table: built-in (with a policy) or made by the user. */
export interface Chain {
  readonly name: string;
  /** Built-in chains have a policy; user chains have none. */
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly counters?: Counters;
  readonly rules: readonly Rule[];
  readonly range?: SourceRange;
}

/** A table that the dump has. */
export interface Table {
  readonly name: TableName;
  /** Built-in chains first, in the kernel's order, all of them (default policy ACCEPT), then user chains in order. */
  readonly chains: readonly Chain[];
  readonly range: SourceRange;
}

/** A dump with its meaning. */
export interface Ruleset {
  readonly family: Family;
  /** Which tool printed it, as far as the text says. */
  readonly dialect: 'legacy' | 'nft' | 'unknown';
  readonly file?: string;
  readonly tables: readonly Table[];
}

export function isBuiltin(chain: Chain): boolean {
  return chain.policy !== undefined;
}

export function findTable(ruleset: Ruleset, name: TableName): Table | undefined {
  return ruleset.tables.find((table) => table.name === name);
}

export function findChain(table: Table, name: string): Chain | undefined {
  return table.chains.find((chain) => chain.name === name);
}

/** Names a rule for people and for tables: chain and 1-based number, as `iptables -L --line-numbers` counts. */
export interface RuleRef {
  readonly chain: string;
  readonly number: number;
}
