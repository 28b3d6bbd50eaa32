import { opaque } from '../model/condition.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { BuiltinChain, TableName } from '../model/family.js';
import type { BoundMatch, BoundTarget } from '../model/ruleset.js';
import {
  moduleWords,
  type MatchModule,
  type ModuleContext,
  type OptionsOf,
  type OptionSpecs,
  type RuleParts,
  type TargetModule,
} from '../modules/define.js';
import { problem, type Word } from '../syntax/index.js';
import { protocolName } from './head.js';
import type { KnownUse, MatchUse, TargetUse, UnknownUse } from './rule-words.js';
import { Recall } from './recall.js';
import { savedModule, savedWords } from './saved-words.js';

/** A module of a rule that is allowed below some hooks alone. */
export interface HookNeed {
  readonly name: string;
  readonly hooks: readonly BuiltinChain[];
  readonly at: Word;
}

/** What uses meant in one context, by their text. */
interface Memory {
  readonly context: ModuleContext;
  readonly matches: Recall<BoundMatch>;
  readonly targets: Recall<BoundTarget>;
}

/**
 * Gives the matches and targets of rules their meaning. Uses of the same text in the same context share one result:
 * large dumps say the same thing many times.
 */
export class ModuleBinder {
  private readonly memories = new Map<string, Memory>();
  private last: Memory | undefined;
  private readonly jumps = new Map<string, BoundTarget>();

  /** The bound match, or undefined where faults were added. */
  match(use: MatchUse, context: ModuleContext, faults: Diagnostic[]): BoundMatch | undefined {
    if (use.kind === 'unknown') return verbatimMatch(use);
    return remembered(this.memory(context).matches, use, context, faults, boundMatch);
  }

  target(use: TargetUse | undefined, context: ModuleContext, faults: Diagnostic[]): BoundTarget | undefined {
    if (use === undefined) return NO_TARGET;
    switch (use.kind) {
      case 'chain':
        return this.jump(use.name, use.goto);
      case 'unknown':
        return verbatimTarget(use);
      case 'known':
        return remembered(this.memory(context).targets, use, context, faults, boundTarget);
      default:
        return use satisfies never;
    }
  }

  jump(chain: string, goto: boolean): BoundTarget {
    const key = goto ? `-g ${chain}` : chain;
    let target = this.jumps.get(key);
    if (target === undefined) this.jumps.set(key, (target = jumpTarget(chain, goto)));
    return target;
  }

  private memory(context: ModuleContext): Memory {
    if (this.last === undefined || !sameContext(this.last.context, context)) this.last = this.findMemory(context);
    return this.last;
  }

  private findMemory(context: ModuleContext): Memory {
    const { family, table, protocol } = context;
    const key = `${family} ${table} ${protocol?.inverted === true ? '!' : ''}${protocol?.number ?? ''}`;
    const before = this.memories.get(key);
    if (before !== undefined) return before;
    const memory = { context, matches: new Recall<BoundMatch>(), targets: new Recall<BoundTarget>() };
    this.memories.set(key, memory);
    return memory;
  }
}

function sameContext(a: ModuleContext, b: ModuleContext): boolean {
  return (
    a.table === b.table &&
    a.family === b.family &&
    a.protocol?.number === b.protocol?.number &&
    a.protocol?.inverted === b.protocol?.inverted
  );
}

function remembered<U extends KnownUse, T>(
  known: Recall<T>,
  use: U,
  context: ModuleContext,
  faults: Diagnostic[],
  bind: (use: U, context: ModuleContext) => T,
): T | undefined {
  const text = known.isOpen ? textOf(use) : undefined;
  const before = text === undefined ? undefined : known.get(text);
  if (before !== undefined) return before;
  const found = moduleFaults(use, context);
  faults.push(...found);
  if (found.length > 0 || use.broken) return undefined;
  const bound = bind(use, context);
  if (text !== undefined) known.set(text, bound);
  return bound;
}

/** The module and its options as read: of equal text, two uses in the same context mean the same. */
function textOf({ entry, read }: KnownUse): string {
  let text = entry.module.name;
  for (const { key, inverted, protocol, values } of read) {
    text += `\n${inverted ? '!' : ''}${key} ${protocol ?? ''}`;
    for (const value of values) text += `\n${value.text}`;
  }
  return text;
}

export function hookNeeds(use: KnownUse | MatchUse | TargetUse): readonly HookNeed[] {
  switch (use.kind) {
    case 'known':
      return knownNeeds(use);
    case 'unknown':
    case 'chain':
      return NO_NEEDS;
    default:
      return use satisfies never;
  }
}

function knownNeeds(use: KnownUse): readonly HookNeed[] {
  const { name, hooks, hooksFor } = use.entry.module;
  if (hooks === undefined && hooksFor === undefined) return NO_NEEDS;
  const always = needOf(name, hooks, use.at);
  if (hooksFor === undefined || use.broken) return always;
  return [...always, ...needOf(name, hooksFor(optionsOf(use)), use.at)];
}

/** What a module says of the rest of its rule. */
export function ruleFaults(use: MatchUse | TargetUse, rule: RuleParts): readonly Diagnostic[] {
  if (use.kind !== 'known' || use.broken) return [];
  const errors = use.entry.module.checkRule?.(optionsOf(use), rule) ?? [];
  return errors.map((message) => checkFault(use, message));
}

/** At the option that the message speaks of, else at the module. */
function checkFault({ entry, read, at }: KnownUse, message: string): Diagnostic {
  const { name, options } = entry.module;
  const words = message.split(/[ ,:]+/);
  const spoken = read.find(({ key }) => words.includes(options[key].flag));
  return problem(
    'module-check',
    // Of an option that is given twice, the last one counts.
    spoken === undefined ? at : (read.findLast(({ key }) => key === spoken.key) ?? spoken).at,
    message.includes(name) ? message : `${name}: ${message}`,
  );
}

const NO_NEEDS: readonly HookNeed[] = [];

function needOf(name: string, hooks: readonly BuiltinChain[] | undefined, at: Word): readonly HookNeed[] {
  return hooks === undefined ? NO_NEEDS : [{ name, hooks, at }];
}

export const NO_TARGET: BoundTarget = { words: [], effect: { kind: 'continue' } };

export function jumpTarget(chain: string, goto: boolean): BoundTarget {
  return { name: chain, words: savedWords([goto ? '-g' : '-j', chain]), effect: { kind: 'jump', chain, goto } };
}

export function boundMatch(use: KnownUse<MatchModule>, context: ModuleContext): BoundMatch {
  const { module } = use.entry;
  return { name: module.name, words: useWords(use, context), condition: module.condition(optionsOf(use), context) };
}

export function boundTarget(use: KnownUse<TargetModule>, context: ModuleContext): BoundTarget {
  const { module } = use.entry;
  return { name: module.name, words: useWords(use, context), effect: module.effect(optionsOf(use), context) };
}

/** The canonical words of a module with its options, `-m` or `-j` first. */
export function useWords(use: KnownUse, context: ModuleContext): readonly string[] {
  const { module } = use.entry;
  const own = moduleWords(module, optionsOf(use), context);
  return savedModule(module.kind === 'match' ? '-m' : '-j', module.printName ?? module.name, own, module.quoting);
}

/** The options of a use belong to its own module: they were parsed by that module's value types. */
function optionsOf(use: KnownUse): OptionsOf<OptionSpecs> {
  return use.given;
}

function verbatimMatch({ name, words }: UnknownUse): BoundMatch {
  const condition = opaque({ name: 'module', module: name, words: words.map(({ text }) => text) });
  return { name, words: ['-m', name, ...words.map(({ raw }) => raw)], condition };
}

function verbatimTarget({ name, words }: UnknownUse): BoundTarget {
  const effect = { kind: 'opaque', target: name, words: words.map(({ text }) => text) } as const;
  return { name, words: ['-j', name, ...words.map(({ raw }) => raw)], effect };
}

/** What is wrong with a module's options among each other, and below its context. */
export function moduleFaults(use: KnownUse, context: ModuleContext): readonly Diagnostic[] {
  const { module, required } = use.entry;
  const { at, given } = use;
  const faults: Diagnostic[] = [];
  if (module.tables !== undefined) addTableFault(module.name, at, module.tables, context, faults);
  if (module.kind === 'match' && module.protocols !== undefined) {
    const { protocol } = context;
    if (protocol === undefined || protocol.inverted || !module.protocols.includes(protocol.number)) {
      faults.push(problem('wrong-protocol', at, `match ${module.name} needs ${protocolWords(module)}`, had(protocol)));
    }
  }
  for (const { key, spec } of required) {
    if (given[key] === undefined) faults.push(problem('missing-option', at, `${module.name} needs ${spec.flag}`));
  }
  if (faults.length > 0 || use.broken || module.check === undefined) return faults;
  return module.check(optionsOf(use), context).map((message) => checkFault(use, message));
}

function addTableFault(
  name: string,
  at: Word,
  tables: readonly TableName[],
  { table }: ModuleContext,
  faults: Diagnostic[],
): void {
  if (tables.includes(table)) return;
  const hint = `it can stand in ${tables.join(', ')}`;
  faults.push(problem('wrong-table', at, `${name} cannot stand in table ${table}`, hint));
}

function protocolWords({ protocols = [] }: MatchModule): string {
  return protocols.map((number) => `-p ${protocolName(number)}`).join(' or ');
}

function had(protocol: ModuleContext['protocol']): string | undefined {
  if (protocol === undefined) return undefined;
  return `the rule has ${protocol.inverted ? '! ' : ''}-p ${protocolName(protocol.number)}`;
}
