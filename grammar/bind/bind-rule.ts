import { opaque } from '../model/condition.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { BuiltinChain, TableName } from '../model/family.js';
import type { BoundMatch, BoundTarget, Rule } from '../model/ruleset.js';
import {
  moduleWords,
  type MatchModule,
  type ModuleContext,
  type OptionsOf,
  type OptionSpecs,
  type TargetModule,
} from '../modules/define.js';
import { problem, type RuleLine, type Word } from '../syntax/index.js';
import { targetLimits } from './extension-syntax.js';
import { crossProduct, headCondition, headWords } from './head.js';
import { savedWords } from './saved-words.js';
import type { Command, KnownUse, MatchUse, RuleWords, TargetUse, UnknownUse } from './rule-words.js';

/** A module of a rule that is allowed below some hooks alone. */
export interface HookNeed {
  readonly name: string;
  readonly hooks: readonly BuiltinChain[];
  readonly at: Word;
}

/** The rules that a line makes: one for each pair of its addresses. */
export interface BoundLine {
  readonly rules: readonly Rule[];
  readonly hookNeeds: readonly HookNeed[];
  readonly faults: readonly Diagnostic[];
}

/** Checks the modules of a rule against each other and gives the rule its meaning. */
export function bindRule(line: RuleLine, words: RuleWords, context: ModuleContext): BoundLine {
  const faults: Diagnostic[] = [...interfaceFaults(words, context), ...illegalOptions(words)];
  const known = [...words.matches, ...(words.target === undefined ? [] : [words.target])].filter(
    (use) => use.kind === 'known',
  );
  for (const use of known) faults.push(...moduleFaults(use, context));
  const unknownTarget = words.target?.kind === 'unknown' ? words.target : undefined;
  if (unknownTarget !== undefined)
    faults.push(...tableFaults(unknownTarget, targetLimits(unknownTarget.name).tables, context));
  if ([...words.faults, ...faults].some(({ severity }) => severity === 'error'))
    return { rules: [], hookNeeds: [], faults };
  const counters = words.counters ?? line.counters;
  const shared = {
    range: line.range,
    source: line.source,
    ...(counters === undefined ? {} : { counters }),
    matches: words.matches.map((use) => boundMatch(use, context)),
    target: boundTarget(words.target, context),
  };
  const rules = crossProduct(words.head).map((head) => ({
    ...shared,
    headWords: savedWords(headWords(head, context.family)),
    head: headCondition(head, context.family),
  }));
  return { rules, hookNeeds: [...known.flatMap(hookNeed), ...unknownHookNeed(unknownTarget)], faults };
}

/** Whether a command has a rule behind it. */
export function takesRule(command: Command): boolean {
  const { kind } = command;
  return (
    kind === 'append' ||
    kind === 'insert' ||
    kind === 'replace' ||
    kind === 'check' ||
    (kind === 'delete' && command.number === undefined)
  );
}

/** Parts of a rule beside a command that takes none (xshared.c `generic_opt_check`). */
function illegalOptions({ command, head, matches, target, counters }: RuleWords): readonly Diagnostic[] {
  if (command === undefined) return [];
  const given = takesRule(command)
    ? []
    : [...Object.values(head), ...matches, ...(target === undefined ? [] : [target])];
  const faults = given
    .slice(0, 1)
    .map(({ at }) => problem('illegal-option', at, `a rule cannot stand behind -${LETTERS[command.kind]}`));
  const counted: readonly Command['kind'][] = ['append', 'insert', 'replace', 'policy'];
  if (counters === undefined || counted.includes(command.kind)) return faults;
  const at = command.chain;
  return at === undefined ? faults : [...faults, problem('illegal-option', at, '-c cannot stand beside this command')];
}

const LETTERS: Readonly<Record<Command['kind'], string>> = {
  append: 'A',
  check: 'C',
  insert: 'I',
  replace: 'R',
  delete: 'D with a number',
  'new-chain': 'N',
  flush: 'F',
  zero: 'Z',
  'delete-chain': 'X',
  list: 'L',
  'rename-chain': 'E',
  policy: 'P',
};

function hookNeed(use: KnownUse): readonly HookNeed[] {
  const { hooks, name } = use.entry.module;
  return hooks === undefined ? [] : [{ name, hooks, at: use.at }];
}

function unknownHookNeed(use: UnknownUse | undefined): readonly HookNeed[] {
  const hooks = use === undefined ? undefined : targetLimits(use.name).hooks;
  return use === undefined || hooks === undefined ? [] : [{ name: use.name, hooks, at: use.at }];
}

function boundMatch(use: MatchUse, context: ModuleContext): BoundMatch {
  if (use.kind === 'unknown') {
    const condition = opaque({ name: 'module', module: use.name, words: use.words.map(({ text }) => text) });
    return { name: use.name, words: ['-m', use.name, ...use.words.map(({ raw }) => raw)], condition };
  }
  const { module } = use.entry;
  const options = optionsOf(module, use);
  return {
    name: module.name,
    words: ['-m', module.printName ?? module.name, ...savedWords(moduleWords(module, options, context))],
    condition: module.condition(options, context),
  };
}

const NO_TARGET: BoundTarget = { words: [], effect: { kind: 'continue' } };

function boundTarget(use: TargetUse | undefined, context: ModuleContext): BoundTarget {
  if (use === undefined) return NO_TARGET;
  switch (use.kind) {
    case 'chain':
      return jumpTarget(use.name, use.goto);
    case 'unknown':
      return verbatimTarget(use);
    case 'known': {
      const { module } = use.entry;
      const options = optionsOf(module, use);
      return {
        name: module.name,
        words: ['-j', module.printName ?? module.name, ...savedWords(moduleWords(module, options, context))],
        effect: module.effect(options, context),
      };
    }
    default:
      return use satisfies never;
  }
}

export function jumpTarget(chain: string, goto: boolean): BoundTarget {
  return { name: chain, words: [goto ? '-g' : '-j', chain], effect: { kind: 'jump', chain, goto } };
}

function verbatimTarget({ name, words }: UnknownUse): BoundTarget {
  return {
    name,
    words: ['-j', name, ...words.map(({ raw }) => raw)],
    effect: { kind: 'opaque', target: name, words: words.map(({ text }) => text) },
  };
}

/** The options of a use belong to its own module: they were parsed by that module's value types. */
function optionsOf(_module: MatchModule | TargetModule, use: KnownUse): OptionsOf<OptionSpecs> {
  return use.given;
}

function moduleFaults(use: KnownUse, context: ModuleContext): readonly Diagnostic[] {
  const { module } = use.entry;
  const { at, given } = use;
  const faults: Diagnostic[] = [...tableFaults({ name: module.name, at }, module.tables, context)];
  if (module.kind === 'match' && module.protocols !== undefined) {
    const { protocol } = context;
    if (protocol === undefined || protocol.inverted || !module.protocols.includes(protocol.number)) {
      faults.push(problem('wrong-protocol', at, `match ${module.name} needs a -p of its own`, protocolHint(module)));
    }
  }
  for (const [key, spec] of Object.entries(module.options)) {
    if (spec.required && given[key] === undefined) {
      faults.push(problem('missing-option', at, `${module.name} needs ${spec.flag}`));
    }
  }
  const broken = Object.values(given).some(({ value }) => value === undefined);
  if (faults.length > 0 || broken) return faults;
  return (module.check?.(optionsOf(module, use), context) ?? []).map((message) => problem('module-check', at, message));
}

function tableFaults(
  { name, at }: { readonly name: string; readonly at: Word },
  tables: readonly TableName[] | undefined,
  { table }: ModuleContext,
): readonly Diagnostic[] {
  if (tables === undefined || tables.includes(table)) return [];
  const hint = `it can stand in ${tables.join(', ')}`;
  return [problem('wrong-table', at, `${name} cannot stand in table ${table}`, hint)];
}

function protocolHint(module: MatchModule): string {
  const names = (module.protocols ?? []).map(String);
  return `give -p ${module.name === 'icmp6' ? 'ipv6-icmp' : names.length === 1 ? module.name : names.join(' or -p ')}`;
}

/** xshared.c `do_parse`: no output interface on the way in, no input interface on the way out. */
function interfaceFaults({ head, command }: RuleWords, { chain }: ModuleContext): readonly Diagnostic[] {
  if (command?.kind === 'delete' && command.number !== undefined) return [];
  const inward = chain === 'PREROUTING' || chain === 'INPUT';
  const outward = chain === 'POSTROUTING' || chain === 'OUTPUT';
  const wrong = inward ? head.outInterface : outward ? head.inInterface : undefined;
  if (wrong === undefined) return [];
  const flag = inward ? '-o' : '-i';
  return [
    problem('interface-at-hook', wrong.at, `${chain} has no ${inward ? 'output' : 'input'} interface for ${flag}`),
  ];
}
