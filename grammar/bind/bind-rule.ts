import type { Diagnostic } from '../model/diagnostic.js';
import type { BoundMatch, Rule } from '../model/ruleset.js';
import type { ModuleContext, RuleParts } from '../modules/define.js';
import { problem, type RuleLine } from '../syntax/index.js';
import { hookNeeds, ruleFaults, type HookNeed, type ModuleBinder } from './bind-module.js';
import { addressPairs, headCondition, headWords } from './head.js';
import type { Command, MatchUse, RuleWords, TargetUse } from './rule-words.js';

/** The rules that a line makes: one for each pair of its addresses. */
export interface BoundLine {
  readonly rules: readonly Rule[];
  readonly hookNeeds: readonly HookNeed[];
  readonly faults: readonly Diagnostic[];
}

/** Checks the parts of a rule against each other and gives the rule its meaning. */
export function bindRule(line: RuleLine, words: RuleWords, modules: ModuleBinder): BoundLine {
  const { context } = words;
  const faults: Diagnostic[] = [];
  addInterfaceFault(words, faults);
  addIllegalOption(words, faults);
  // Of a rule that was not read to its end, nobody knows what it lacks.
  if (words.stopped) return { rules: [], hookNeeds: [], faults };
  const matches = words.matches.map((use) => modules.match(use, context, faults)).filter(isBound);
  const target = modules.target(words.target, context, faults);
  const whole = matches.length === words.matches.length && target !== undefined;
  if (whole) addRuleFaults(words, context, faults);
  if (faults.length > 0 || !whole || words.faults.some(isError)) {
    return { rules: [], hookNeeds: [], faults };
  }
  const { range, source } = line;
  const { family } = context;
  const counters = words.counters ?? line.counters;
  const rules = addressPairs(words.head).map((pair): Rule => {
    const canonical = headWords(words.head, pair, family);
    const head = headCondition(words.head, pair, family);
    if (counters === undefined) return { range, source, headWords: canonical, head, matches, target };
    return { range, source, counters, headWords: canonical, head, matches, target };
  });
  return { rules, hookNeeds: needsOf(words), faults };
}

/** Faults of modules that look at the rest of their rule. */
function addRuleFaults({ head, matches, target }: RuleWords, context: ModuleContext, faults: Diagnostic[]): void {
  if (!matches.some(looksAtRule) && (target === undefined || !looksAtRule(target))) return;
  const rule: RuleParts = {
    context,
    destinations: (head.destination?.value ?? []).map((term) => ('hostName' in term ? undefined : term)),
    ...(head.inInterface === undefined ? {} : { inInterface: head.inInterface.value }),
    matches: matches.flatMap((use) =>
      use.kind === 'known' ? [{ name: use.entry.module.name, options: use.given }] : [],
    ),
  };
  for (const use of target === undefined ? matches : [...matches, target]) faults.push(...ruleFaults(use, rule));
}

function looksAtRule(use: MatchUse | TargetUse): boolean {
  return use.kind === 'known' && use.entry.module.checkRule !== undefined;
}

function needsOf({ matches, target }: RuleWords): readonly HookNeed[] {
  let needs: HookNeed[] | undefined;
  for (const use of target === undefined ? matches : [...matches, target]) {
    for (const need of hookNeeds(use)) (needs ??= []).push(need);
  }
  return needs ?? NO_NEEDS;
}

function isBound(match: BoundMatch | undefined): match is BoundMatch {
  return match !== undefined;
}

const NO_NEEDS: readonly HookNeed[] = [];

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
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
function addIllegalOption({ command, head, matches, target, counters }: RuleWords, faults: Diagnostic[]): void {
  if (command === undefined) return;
  if (!takesRule(command)) {
    const [given] = [...Object.values(head), ...matches, ...(target === undefined ? [] : [target])];
    const message = `a rule cannot stand behind -${LETTERS[command.kind]}`;
    if (given !== undefined) faults.push(problem('illegal-option', given.at, message));
  }
  if (counters !== undefined && !COUNTED.has(command.kind) && command.chain !== undefined) {
    faults.push(problem('illegal-option', command.chain, `-c cannot stand beside -${LETTERS[command.kind]}`));
  }
}

const COUNTED: ReadonlySet<Command['kind']> = new Set(['append', 'insert', 'replace', 'policy']);

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

/** xshared.c `do_parse`: no output interface on the way in, no input interface on the way out. */
function addInterfaceFault({ head, chain }: RuleWords, faults: Diagnostic[]): void {
  const inward = chain === 'PREROUTING' || chain === 'INPUT';
  const outward = chain === 'POSTROUTING' || chain === 'OUTPUT';
  const wrong = inward ? head.outInterface : outward ? head.inInterface : undefined;
  if (wrong === undefined) return;
  const message = `${chain} has no ${inward ? 'output' : 'input'} interface for ${inward ? '-o' : '-i'}`;
  const hint = inward ? '-i names the interface that it came in by' : '-o names the interface that it leaves by';
  faults.push(problem('interface-at-hook', wrong.at, message, hint));
}
