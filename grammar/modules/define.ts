import { opaque, type Condition } from '../model/condition.js';
import type { BuiltinChain, Family, TableName } from '../model/family.js';
import type { PacketChange } from '../model/change.js';
import type { Effect } from '../model/ruleset.js';

/** Where a module stands: what may change how its words are read and printed. */
export interface ModuleContext {
  readonly family: Family;
  readonly table: TableName;
  /** Protocol of the rule's `-p`, 0 for all; undefined if there was no `-p`. `inverted` for `! -p`. */
  readonly protocol?: { readonly number: number; readonly inverted: boolean };
  /**
   * The text was saved by iptables before 1.8.10, which took ranges of ports and numbers that end before they start.
   * They match nothing.
   */
  readonly takesReversedRanges?: boolean;
  /** IP sets that exist; not asked where it is left out. */
  readonly sets?: ReadonlySet<string>;
  /** Accounting objects that exist (`nfacct add`); not asked where it is left out. */
  readonly accounts?: ReadonlySet<string>;
}

/** What a module can see of the rest of its rule. */
export interface RuleParts {
  readonly context: ModuleContext;
  /** Addresses behind `-d`; empty without it, undefined entries for host names. */
  readonly destinations: readonly ({ readonly address: bigint; readonly mask: bigint } | undefined)[];
  /** Name behind `-i`. */
  readonly inInterface?: string;
  /** The matches that are understood, each with its options. */
  readonly matches: readonly { readonly name: string; readonly options: Readonly<Record<string, Given<unknown>>> }[];
}

/**
 * How iptables-save prints a value: `bare` as it is (here with quotes where it could not be read back otherwise),
 * `string` in quotes unless it is of letters, digits, `-` and `_` (`xtables_save_string`), `always` in quotes.
 */
export type Quoting = 'bare' | 'string' | 'always';

/** A parse of one option's words: the value, or why not (a sentence fragment that names the word) and what to do. */
export type Parsed<T> = { readonly value: T } | { readonly error: string; readonly hint?: string };

/** How the words behind an option become a value and back. */
export interface ValueType<T> {
  /** How many words it takes (0 for a flag option). */
  readonly arity: number;
  /** Its one word may be left out: `parse` gets none then. */
  readonly optional?: true;
  /** Placeholder for help texts, e.g. `port[:port]`. */
  readonly placeholder: string;
  parse(words: readonly string[], context: ModuleContext): Parsed<T>;
  /** Canonical words as `iptables-save` prints them (unquoted; quoting is the printer's work). */
  print(value: T, context: ModuleContext): readonly string[];
}

export interface OptionSpec<T> {
  /** The flag that `iptables-save` prints, e.g. `--dport`. */
  readonly flag: string;
  readonly aliases: readonly string[];
  readonly value: ValueType<T>;
  /** Whether `!` may stand before it. */
  readonly invertible: boolean;
  readonly required: boolean;
  /** Keys of options in the same module that cannot stand beside this one. */
  readonly excludes: readonly string[];
  /** May be given more than once (rare): the last value counts, and an inversion stays. */
  readonly repeatable: boolean;
  /**
   * Keys of the options that describe one element of a list. Each time this option is given it ends an element: the
   * options so far move into its value, a list of elements, and may be given anew (`--next` of policy).
   */
  readonly ends: readonly string[];
  readonly doc: string;
}

/** An option as given in a rule. */
export interface Given<T> {
  readonly value: T;
  readonly inverted: boolean;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one place where the value type is existential
export type OptionSpecs = Readonly<Record<string, OptionSpec<any>>>;

export type OptionsOf<S extends OptionSpecs> = {
  readonly [K in keyof S]?: S[K] extends OptionSpec<infer T> ? Given<T> : never;
};

interface ModuleBase<S extends OptionSpecs> {
  /** Name after `-m` or `-j`; the canonical one comes first, others are read and printed as the canonical one unless `printName` says otherwise. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly families: readonly Family[];
  /** Tables that allow it; all if left out. */
  readonly tables?: readonly TableName[];
  /** Hooks (built-in chains) that allow it; all if left out. */
  readonly hooks?: readonly BuiltinChain[];
  readonly doc: string;
  readonly options: S;
  /** Hooks that these options allow, where that depends on them; all if undefined. */
  hooksFor?(options: OptionsOf<S>): readonly BuiltinChain[] | undefined;
  /** Errors that need more than one option or the context: each a sentence. */
  check?(options: OptionsOf<S>, context: ModuleContext): readonly string[];
  /** Errors that need the rest of the rule. */
  checkRule?(options: OptionsOf<S>, rule: RuleParts): readonly string[];
  /** Canonical words after `-m name` / `-j NAME`, where it is not simply each given option in declared order. */
  print?(options: OptionsOf<S>, context: ModuleContext): readonly string[];
  /** Name that `iptables-save` prints behind `-m` / `-j`, where it is not `name`. */
  readonly printName?: string;
  /** By flag; most are `bare`. */
  readonly quoting?: Readonly<Record<string, Quoting>>;
}

export interface MatchModule<S extends OptionSpecs = OptionSpecs> extends ModuleBase<S> {
  readonly kind: 'match';
  /** Protocol numbers, one of which `-p` must name (not inverted) for this match to be allowed. */
  readonly protocols?: readonly number[];
  /** `-p NAME` alone makes this match available for options without `-m` (iptables: implicit match). */
  readonly implicitFor?: readonly number[];
  /** … but only if `-p` calls the protocol by this name, in either letter case. */
  readonly implicitName?: string;
  condition(options: OptionsOf<S>, context: ModuleContext): Condition;
}

export interface TargetModule<S extends OptionSpecs = OptionSpecs> extends ModuleBase<S> {
  readonly kind: 'target';
  effect(options: OptionsOf<S>, context: ModuleContext): Effect;
}

export function defineMatch<S extends OptionSpecs>(module: Omit<MatchModule<S>, 'kind'>): MatchModule<S> {
  return { kind: 'match', ...module };
}

export function defineTarget<S extends OptionSpecs>(module: Omit<TargetModule<S>, 'kind'>): TargetModule<S> {
  return { kind: 'target', ...module };
}

/** Canonical words of one option, inversion and flag included. */
export function optionWords<T>(spec: OptionSpec<T>, given: Given<T>, context: ModuleContext): readonly string[] {
  return [...(given.inverted ? ['!'] : []), spec.flag, ...spec.value.print(given.value, context)];
}

/** Canonical words after `-m name` / `-j NAME`: the module's own print, else each given option in declared order. */
export function moduleWords<S extends OptionSpecs>(
  module: {
    readonly options: S;
    readonly print?: (options: OptionsOf<S>, context: ModuleContext) => readonly string[];
  },
  options: OptionsOf<S>,
  context: ModuleContext,
): readonly string[] {
  if (module.print !== undefined) return module.print(options, context);
  return givenWords(module.options, options, context);
}

/** Each given option in declared order. */
export function givenWords<S extends OptionSpecs>(
  specs: S,
  options: OptionsOf<S>,
  context: ModuleContext,
): readonly string[] {
  const words: string[] = [];
  for (const key in specs) {
    const given: Given<unknown> | undefined = options[key];
    if (given !== undefined) words.push(...optionWords(specs[key], given, context));
  }
  return words;
}

/**
 * A match whose options are read and printed, but whose answer is not in the fields of a packet: its meaning is its
 * canonical words, and each hook refuses or defers it by name.
 */
export function defineVerbatimMatch<S extends OptionSpecs>(
  module: Omit<MatchModule<S>, 'kind' | 'condition'>,
): MatchModule<S> {
  return {
    kind: 'match',
    ...module,
    condition: (options, context) =>
      opaque({ name: 'module', module: module.name, words: moduleWords(module, options, context) }),
  };
}

/** A target that is read and printed, and whose effect is none that the model knows, or nothing but a `change`. */
export function defineVerbatimTarget<S extends OptionSpecs>(
  module: Omit<TargetModule<S>, 'kind' | 'effect'> & { change?(options: OptionsOf<S>): PacketChange | undefined },
): TargetModule<S> {
  const { change: changeOf, ...rest } = module;
  return {
    kind: 'target',
    ...rest,
    effect: (options, context) => {
      const words = moduleWords(module, options, context);
      const change = changeOf?.(options);
      return { kind: 'opaque', target: module.name, words, ...(change === undefined ? {} : { change }) };
    },
  };
}

/** Whether both options were given, `first` before `second` (options are kept in the order of the rule). */
export function isBefore(options: Readonly<Record<string, unknown>>, first: string, second: string): boolean {
  const order = Object.keys(options).filter((key) => options[key] !== undefined);
  const [a, b] = [order.indexOf(first), order.indexOf(second)];
  return a >= 0 && b >= 0 && a < b;
}

/** Ends an element of a list: moves its options out of `given`, to the end of the list that is the value of `key`. */
export function endElement(given: Record<string, Given<unknown>>, key: string, ends: readonly string[]): void {
  const before = given[key] as Given<readonly unknown[]> | undefined;
  const element: Record<string, Given<unknown>> = {};
  for (const part of ends) {
    if (given[part] !== undefined) element[part] = given[part];
    Reflect.deleteProperty(given, part);
  }
  given[key] = { value: [...(before?.value ?? []), element], inverted: false };
}

/** Whether no option was given at all. */
export function isEmpty(options: Readonly<Record<string, unknown>>): boolean {
  return Object.values(options).every((given) => given === undefined);
}

interface OptionSettings {
  readonly aliases?: readonly string[];
  readonly invertible?: boolean;
  readonly required?: boolean;
  readonly excludes?: readonly string[];
  readonly repeatable?: boolean;
  readonly ends?: readonly string[];
  readonly doc: string;
}

export function option<T>(flag: string, value: ValueType<T>, settings: OptionSettings): OptionSpec<T> {
  return {
    flag,
    value,
    aliases: settings.aliases ?? [],
    invertible: settings.invertible ?? false,
    required: settings.required ?? false,
    excludes: settings.excludes ?? [],
    repeatable: settings.repeatable ?? false,
    ends: settings.ends ?? [],
    doc: settings.doc,
  };
}
