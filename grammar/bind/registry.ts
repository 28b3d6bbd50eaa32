import type { Family } from '../model/family.js';
import type { MatchModule, OptionSpec, TargetModule } from '../modules/define.js';
import type { ExtensionKind } from './extensions.js';

/** One option of a module under one of its names. */
export interface FlagEntry {
  readonly key: string;
  readonly spec: OptionSpec<unknown>;
}

/** A module with its options by flag (`--dport`). */
export interface Entry<M extends MatchModule | TargetModule = MatchModule | TargetModule> {
  readonly module: M;
  readonly flags: ReadonlyMap<string, FlagEntry>;
  /** Options that must be given. */
  readonly required: readonly FlagEntry[];
}

function entryOf<M extends MatchModule | TargetModule>(module: M): Entry<M> {
  const options = Object.entries(module.options).map(([key, spec]): FlagEntry => ({ key, spec }));
  const named = options.flatMap((option) =>
    [option.spec.flag, ...option.spec.aliases].map((flag) => [flag, option] as const),
  );
  return { module, flags: new Map(named), required: options.filter(({ spec }) => spec.required) };
}

/** The modules of one address family, by name. */
export class ModuleRegistry {
  private readonly matches = new Map<string, Entry<MatchModule>>();
  private readonly targets = new Map<string, Entry<TargetModule>>();
  private readonly byProtocol = new Map<number, Entry<MatchModule>>();
  private readonly foreign: Readonly<Record<ExtensionKind, ReadonlySet<string>>>;

  constructor(
    readonly family: Family,
    matches: readonly MatchModule[],
    targets: readonly TargetModule[],
  ) {
    const here = (module: MatchModule | TargetModule): boolean => module.families.includes(family);
    for (const module of matches.filter(here)) {
      const entry = entryOf(module);
      for (const name of [module.name, ...(module.aliases ?? [])]) this.matches.set(name, entry);
      for (const protocol of module.implicitFor ?? []) this.byProtocol.set(protocol, entry);
    }
    for (const module of targets.filter(here)) {
      const entry = entryOf(module);
      for (const name of [module.name, ...(module.aliases ?? [])]) this.targets.set(name, entry);
    }
    const elsewhere = (modules: readonly (MatchModule | TargetModule)[]): ReadonlySet<string> =>
      new Set(modules.filter((module) => !here(module)).flatMap(({ name, aliases = [] }) => [name, ...aliases]));
    this.foreign = { match: elsewhere(matches), target: elsewhere(targets) };
  }

  match(name: string): Entry<MatchModule> | undefined {
    return this.matches.get(name);
  }

  target(name: string): Entry<TargetModule> | undefined {
    return this.targets.get(name);
  }

  /** The match that `-p` alone makes available, where the protocol was called `name`. */
  implicit(protocol: number, name: string): Entry<MatchModule> | undefined {
    const entry = this.byProtocol.get(protocol);
    const needed = entry?.module.implicitName;
    return needed === undefined || needed === name.toLowerCase() ? entry : undefined;
  }

  names(kind: ExtensionKind): Iterable<string> {
    return (kind === 'match' ? this.matches : this.targets).keys();
  }

  /** Each match and target once. */
  entries(): ReadonlySet<Entry> {
    return new Set<Entry>([...this.matches.values(), ...this.targets.values()]);
  }

  /** Whether a module of this name exists for the other family alone. */
  isForeign(kind: ExtensionKind, name: string): boolean {
    return this.foreign[kind].has(name);
  }
}
