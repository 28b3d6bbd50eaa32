import type { Diagnostic } from '../model/diagnostic.js';
import type { Family, TableName } from '../model/family.js';
import type { Counters } from '../model/ruleset.js';
import type { Given, MatchModule, ModuleContext, TargetModule } from '../modules/define.js';
import type { Word } from '../syntax/index.js';
import type { AddressTerm, Hosts } from './address.js';
import type { Entry, ModuleRegistry } from './registry.js';

/** What a line does to its table. */
export type Command =
  | { readonly kind: 'append' | 'check'; readonly chain: Word }
  | { readonly kind: 'insert' | 'replace'; readonly chain: Word; readonly number: number }
  | { readonly kind: 'delete'; readonly chain: Word; readonly number?: number }
  | { readonly kind: 'new-chain'; readonly chain: Word }
  | { readonly kind: 'flush' | 'zero' | 'delete-chain' | 'list'; readonly chain?: Word }
  | { readonly kind: 'rename-chain'; readonly chain: Word; readonly to: Word }
  | { readonly kind: 'policy'; readonly chain: Word; readonly policy: Word };

/** An option of a module as it stands in the line. */
export interface ReadOption {
  readonly key: string;
  readonly inverted: boolean;
  /** Number of the protocol that `-p` named before it: what a value means may depend on it. */
  readonly protocol: number | undefined;
  readonly at: Word;
  readonly values: readonly Word[];
}

/** A module that is understood, with the options given to it so far. */
export interface KnownUse<M extends MatchModule | TargetModule = MatchModule | TargetModule> {
  readonly kind: 'known';
  readonly entry: Entry<M>;
  /** The word that loaded it: its name, or for an implicit match the protocol. */
  readonly at: Word;
  readonly given: Record<string, Given<unknown>>;
  /** Its options in the order of the line. */
  readonly read: ReadOption[];
  /** One of its values could not be read. */
  broken: boolean;
}

/** A module that is kept verbatim, `!` among its words. */
export interface UnknownUse {
  readonly kind: 'unknown';
  readonly name: string;
  readonly at: Word;
  readonly words: Word[];
}

export type MatchUse = KnownUse<MatchModule> | UnknownUse;

export type TargetUse =
  | KnownUse<TargetModule>
  | UnknownUse
  | { readonly kind: 'chain'; readonly name: string; readonly goto: boolean; readonly at: Word };

/** A core option with its value. */
export interface Head<T> {
  readonly value: T;
  readonly inverted: boolean;
  readonly at: Word;
}

/** The same, wherever it stands. */
export type HeadValue<T> = Omit<Head<T>, 'at'>;

export interface RuleHead {
  readonly source?: Head<readonly AddressTerm[]>;
  readonly destination?: Head<readonly AddressTerm[]>;
  readonly inInterface?: Head<string>;
  readonly outInterface?: Head<string>;
  readonly protocol?: Head<number>;
  readonly fragments?: Head<true>;
}

/** What a head means, wherever its words stand. */
export type HeadValues = { readonly [K in keyof RuleHead]: Omit<NonNullable<RuleHead[K]>, 'at'> };

/** The words of a line, understood one by one. */
export interface RuleWords {
  readonly command?: Command;
  /** Chain of the rule, where one is named. */
  readonly chain?: string;
  /** Where the rule stands, all its words read. */
  readonly context: ModuleContext;
  readonly head: RuleHead;
  readonly matches: readonly MatchUse[];
  readonly target?: TargetUse;
  /** From `-c`. */
  readonly counters?: Counters;
  /** The line is for the other address family (`-6` in an IPv4 file) and adds no rule. */
  readonly otherFamily: boolean;
  /** Reading ended at a fault: what would have followed is not known. */
  readonly stopped: boolean;
  readonly faults: readonly Diagnostic[];
}

/** What reading a rule needs to know of its surroundings. */
export interface Surroundings {
  readonly registry: ModuleRegistry;
  readonly family: Family;
  readonly table: TableName;
  /** Chain of a rule that stands without its command. */
  readonly chain?: string;
  readonly hosts?: Hosts;
  /** IP sets that exist; not asked where it is left out. */
  readonly sets?: ReadonlySet<string>;
  /** Accounting objects that exist; not asked where it is left out. */
  readonly accounts?: ReadonlySet<string>;
  /** The rule is of a dump that iptables before 1.8.10 saved. */
  readonly mayBeOlder?: boolean;
  /** Names of the table's chains as far as they are declared. */
  readonly chains: { has(name: string): boolean; keys(): Iterable<string> };
  isBuiltin(chain: string): boolean;
}
