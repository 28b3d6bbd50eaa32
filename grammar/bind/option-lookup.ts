import type { MatchModule, TargetModule } from '../modules/define.js';
import { didYouMean, nearest } from '../modules/value/suggest.js';
import type { Code } from '../syntax/index.js';
import { CORE_BY_NAME, CORE_OPTIONS, type CoreOption } from './core-options.js';
import { protocolName } from './head.js';
import type { FlagEntry, ModuleRegistry } from './registry.js';
import type { KnownUse, Surroundings, UnknownUse } from './rule-words.js';

/** What a long option turns out to be. */
export type Resolved =
  | { readonly kind: 'core'; readonly option: CoreOption }
  | { readonly kind: 'module'; readonly use: KnownUse; readonly option: FlagEntry }
  | { readonly kind: 'unknown-module'; readonly use: UnknownUse }
  | { readonly kind: 'none'; readonly code: Code; readonly message: string; readonly hint?: string };

/** What of a rule is loaded, and the one thing that may still be. */
export interface Loaded {
  readonly surroundings: Surroundings;
  /** Modules in the order in which they were loaded. */
  readonly loaded: readonly (KnownUse | UnknownUse)[];
  implicitHas(flag: string): boolean;
  loadImplicit(): boolean;
}

/**
 * Finds the option that `flag` (with its dashes) names: exactly, of iptables itself, then of the modules, the newest
 * first; by an unambiguous beginning; else after loading the protocol's own match. While a module is loaded whose
 * options are not known, what nothing else has exactly is its, but that beginnings count for the module loaded last.
 */
export function resolveFlag(loaded: Loaded, flag: string): Resolved {
  const core = CORE_FOUND.get(flag);
  if (core !== undefined) return core;
  const exact = exactOption(loaded, flag);
  if (exact !== undefined) return exact;
  const all = uses(loaded);
  const unknown = all.find(isUnknown);
  const begun =
    unknown === undefined ? abbreviated(all, flag) : all[0] === unknown ? [] : abbreviatedByModule(all, flag);
  if (begun.length === 1) return begun[0].found;
  if (unknown !== undefined && !loaded.implicitHas(flag)) return { kind: 'unknown-module', use: unknown };
  if (loaded.loadImplicit()) return resolveFlag(loaded, flag);
  if (begun.length > 1) {
    const names = begun.map(({ name }) => name).join(', ');
    return { kind: 'none', code: 'ambiguous-option', message: `"${flag}" fits ${names}` };
  }
  return {
    kind: 'none',
    code: 'unknown-option',
    message: `nothing loaded so far has "${flag}"`,
    hint: hint(loaded, flag),
  };
}

/** Every option of iptables itself by its long name, dashes included. */
const CORE_FOUND: ReadonlyMap<string, Resolved> = new Map(
  [...CORE_BY_NAME].map(([name, option]): [string, Resolved] => [`--${name}`, { kind: 'core', option }]),
);

/** Loaded modules, the newest first; of a match given twice the newest alone takes options. */
function uses({ loaded }: Loaded): readonly (KnownUse | UnknownUse)[] {
  if (loaded.length < 2) return loaded;
  return loaded.filter((use, i) => use.kind === 'unknown' || !hasLater(loaded, i, use)).reverse();
}

function hasLater(loaded: readonly (KnownUse | UnknownUse)[], index: number, { entry }: KnownUse): boolean {
  for (let i = index + 1; i < loaded.length; i++) {
    const later = loaded[i];
    if (later.kind === 'known' && later.entry === entry) return true;
  }
  return false;
}

/**
 * An exact name. An option that a known module has been given already, or excludes, belongs to an unknown module
 * loaded after it, if there is one (`-m mark --mark 1 -m connmark --mark 2`).
 */
function exactOption(loaded: Loaded, flag: string): Resolved | undefined {
  let unknown: UnknownUse | undefined;
  const all = loaded.loaded;
  for (let i = all.length - 1; i >= 0; i--) {
    const use = all[i];
    if (use.kind === 'unknown') {
      unknown ??= use;
      continue;
    }
    const option = use.entry.flags.get(flag);
    if (option === undefined || hasLater(all, i, use)) continue;
    if (unknown !== undefined && use.given[option.key] !== undefined) return { kind: 'unknown-module', use: unknown };
    return { kind: 'module', use, option };
  }
  return undefined;
}

function isUnknown(use: KnownUse | UnknownUse): use is UnknownUse {
  return use.kind === 'unknown';
}

interface Begun {
  readonly name: string;
  readonly found: Resolved;
}

/** Every option that `flag` is the beginning of, each once however many names it has. */
function abbreviated(all: readonly (KnownUse | UnknownUse)[], flag: string): readonly Begun[] {
  const begun: Begun[] = [];
  for (const option of CORE_OPTIONS) {
    const name = option.names.find((candidate) => `--${candidate}`.startsWith(flag));
    if (name !== undefined) begun.push({ name: `--${name}`, found: { kind: 'core', option } });
  }
  return [...begun, ...abbreviatedByModule(all, flag)];
}

function abbreviatedByModule(all: readonly (KnownUse | UnknownUse)[], flag: string): readonly Begun[] {
  const begun: Begun[] = [];
  for (const use of all) {
    if (use.kind === 'unknown') continue;
    const keys = new Set<string>();
    for (const [name, option] of use.entry.flags) {
      if (!name.startsWith(flag) || keys.has(option.key)) continue;
      keys.add(option.key);
      begun.push({ name, found: { kind: 'module', use, option } });
    }
  }
  return begun;
}

/** Where the option would be known, or what it may have been meant to be. */
function hint(loaded: Loaded, flag: string): string | undefined {
  const { registry } = loaded.surroundings;
  const owners = flagOwners(registry, flag);
  if (owners.length > 0) return `it belongs to ${owners.join(', ')}, which must stand before it`;
  const names = uses(loaded).flatMap((use) => (use.kind === 'known' ? [...use.entry.flags.keys()] : []));
  const near = didYouMean(flag, [...names, ...[...CORE_BY_NAME.keys()].map((name) => `--${name}`)]);
  if (near !== undefined) return near;
  const elsewhere = nearest(
    flag,
    [...registry.entries()].flatMap(({ flags }) => [...flags.keys()]),
  );
  return elsewhere === undefined
    ? undefined
    : `did you mean ${elsewhere} of ${flagOwners(registry, elsewhere).join(', ')}?`;
}

/** The words that make an option known: `-m NAME`, `-j NAME`, or `-p NAME` for the match of a protocol. */
export function flagOwners(registry: ModuleRegistry, flag: string): readonly string[] {
  const owners = [...registry.entries()]
    .filter((entry) => entry.flags.has(flag))
    .map(({ module }) => loadingWords(module));
  return [...new Set(owners)];
}

function loadingWords(module: MatchModule | TargetModule): string {
  if (module.kind === 'target') return `-j ${module.name}`;
  const [protocol] = module.implicitFor ?? [];
  return protocol === undefined ? `-m ${module.name}` : `-p ${protocolName(protocol)}`;
}
