import { setTimeout as sleep } from 'node:timers/promises';
import { resolve } from 'node:path';
import { requireCapabilities } from '../../../bpf-runtime/system/requirements.js';
import { parseDump } from '../../../grammar/index.js';
import type { Family } from '../../../grammar/model/family.js';
import { attach, defaultName, planAttach, requireAbilities } from '../../live/attach.js';
import {
  bringBack,
  chainsOfOthers,
  forgetRules,
  keepRules,
  keptAt,
  keptRules,
  planBack,
  planRemoval,
  removeFilterRules,
  requireUnchanged,
} from '../../live/migrate.js';
import { hasTool, readLiveRules, type LiveRules } from '../../live/live-rules.js';
import type { CheckedObject } from '../../live/object.js';
import { Pins, requireBpfFileSystem } from '../../live/pins.js';
import { placesOf } from '../../live/places.js';
import { prepare } from '../../live/prepare.js';
import { rehearse } from '../../live/rehearse.js';
import { confirm, detach } from '../../live/replace.js';
import { planRules } from '../../live/residual.js';
import { attachedRulesets, enable, requireRoot } from '../../live/saved/enable.js';
import type { OnFailure } from '../../live/saved/store.js';
import { agrees } from '../../live/shadow.js';
import { readStatus } from '../../live/status.js';
import { isRefusal } from '../refusal.js';
import { EXIT, tell, tellDiagnostics, UserError, userError, type ExitCode } from '../output.js';
import { ofRunningKernel } from './attach.js';
import { Questions } from './ask.js';
import { comparisonLines } from './comparison.js';
import { ownCommand, progress, tellLoads, tellRules } from './shared.js';
import { leaveBehind } from './unconfirmed.js';

interface Options {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly back?: boolean;
  readonly family?: Family;
  /** Seconds. */
  readonly compare?: number;
  readonly confirm?: number;
  readonly keepRules?: boolean;
  readonly onFailure?: OnFailure;
  readonly root: string;
  readonly pins: string;
}

/** Seconds, where nobody says something else. */
const USUAL = { compare: 60, confirm: 60 } as const;

/** One IP version on its way. */
interface Ready {
  readonly rules: LiveRules;
  readonly judge: CheckedObject;
  readonly shadow: CheckedObject;
  readonly name: string;
}

/** Exit 0: done; 1: refused, or the programs and iptables differ: iptables goes on as before; errors are thrown. */
export async function run(options: Options): Promise<ExitCode> {
  requireCapabilities();
  requireBpfFileSystem(options.pins);
  requireRoot(resolve(options.root));
  if (options.back === true) return goBack(options);
  const questions = new Questions(options.yes === true || options.dryRun === true);
  try {
    return await walk(options, questions);
  } finally {
    questions.close();
  }
}

async function walk(options: Options, questions: Questions): Promise<ExitCode> {
  requireNothingAttached(options);
  const ready = await readAndCompile(options);
  if (ready === undefined) return EXIT.different;
  if (options.dryRun === true) {
    ready.forEach((one) => tellSteps(one, options));
    tell('nothing is changed');
    return EXIT.same;
  }
  for (const { rules } of ready) tell(`the way back is kept: ${keepRules(resolve(options.root), rules)}`);
  if (!(await compare(ready, options, questions))) return EXIT.different;
  if (!(await takeOver(ready, options, questions))) return EXIT.different;
  await removeRules(ready, options, questions);
  await enableAtBoot(options, questions);
  tell('back to where you were, at any time: ipt2bpf migrate --back');
  return EXIT.same;
}

/** What the steps behind `readAndCompile` would do. */
function tellSteps({ rules, judge, shadow, name }: Ready, { root, pins, keepRules, compare }: Options): void {
  const { manifest } = judge;
  requireAbilities(pins, manifest);
  const record = planAttach(manifest, { base: pins, name, devices: [] });
  progress('loading, to let go of it');
  if (compare !== 0) rehearse(shadow, { ...record, role: 'shadow' });
  tellLoads(rehearse(judge, record));
  const places = placesOf(record).map(({ words }) => words);
  tell(`the way back would be kept: ${keptAt(resolve(root), rules.family)}`);
  if (compare !== 0) tell(`${name}: would be compared with iptables for ${compare ?? USUAL.compare} s`);
  tell(`${name}: would judge in front of iptables: ${places.join(', ')}`);
  const stay = keepRules === true || chainsOfOthers(rules).length > 0;
  const { gets } = planRules(new Pins(pins, name), record, [{ side: 0, manifest }], 0);
  const removal = stay ? { gets: [], loses: [] } : planRemoval(rules);
  tellRules({ gets: [...gets, ...removal.gets], loses: removal.loses });
  if (stay) tell('the rules would stay in table filter, behind the programs');
}

/** Their rules in iptables would be taken for the host's own. */
function requireNothingAttached({ pins }: Options): void {
  const [one] = readStatus(pins).deployments.filter(({ record }) => record.hook === 'netfilter');
  if (one === undefined) return;
  throw userError('already-attached', `${one.record.name} is attached: detach it first (or use replace)`);
}

/** Steps 1 and 2. Undefined where something cannot be translated, which is told. */
async function readAndCompile({ family }: Options): Promise<readonly Ready[] | undefined> {
  const families = family === undefined ? (['v4', 'v6'] as const) : [family];
  const live = families.map(readLiveRules).filter((rules) => rules !== undefined);
  if (!families.some(hasTool))
    throw userError('command-missing', 'iptables is not installed: there are no rules to migrate');
  if (live.length === 0)
    throw userError('no-rules', 'iptables has no rules in table filter: there is nothing to migrate');
  const ready: Ready[] = [];
  for (const rules of live) {
    const [judge, shadow] = [await compiled(rules, false), await compiled(rules, true)];
    if (judge === undefined || shadow === undefined) return undefined;
    const count = judge.manifest.counters.filter(({ kind }) => kind === 'rule').length;
    tell(`IP${rules.family}: ${count} rules of table filter are translated exactly${kindOf(rules)}`);
    for (const assumption of judge.manifest.assumptions) tell(`  assumes: ${assumption}`);
    const others = chainsOfOthers(rules);
    if (others.length > 0) {
      tell(`  other programs change these chains while the machine runs: ${others.join(', ')}`);
      tell('  what they change later the programs do not see: leave the rules with iptables (--keep-rules)');
    }
    ready.push({ rules, judge, shadow, name: defaultName(judge.manifest) });
  }
  return ready;
}

/** Where `iptables` does not show the rules that are meant. */
const kindOf = ({ tool }: LiveRules): string => (/-(legacy|nft)$/.test(tool) ? ` (those of ${tool})` : '');

async function compiled({ text, file, family }: LiveRules, shadow: boolean): Promise<CheckedObject | undefined> {
  const { ruleset, diagnostics } = parseDump(text, { file, family });
  if (diagnostics.some(({ severity }) => severity === 'error')) {
    tellDiagnostics(diagnostics, file, text);
    throw new UserError(`ipt2bpf: ${file}: nothing is changed`);
  }
  const result = await prepare(ruleset, {
    ...ofRunningKernel(),
    hook: 'netfilter',
    source: text,
    sourceFile: file,
    shadow,
    verify: !shadow,
    progress,
  });
  if (result.kind === 'ready') return result.object;
  if (result.kind === 'unequal') {
    throw userError(
      'wrong-program',
      `${file}: the program differs from the reference: please report it; nothing is changed`,
    );
  }
  tellDiagnostics(result.diagnostics, file, text);
  if (!isRefusal(result.diagnostics)) throw new UserError(`ipt2bpf: ${file}: nothing is changed`);
  tell(`ipt2bpf: ${file}: these rules stay with iptables; nothing is changed`);
  return undefined;
}

/** Step 3: the programs run beside iptables. False where they differ. */
async function compare(ready: readonly Ready[], options: Options, questions: Questions): Promise<boolean> {
  const seconds =
    options.compare ?? (await questions.number('compare with iptables for how many seconds?', USUAL.compare));
  if (seconds === 0) return true;
  const { pins } = options;
  try {
    progress('loading');
    for (const { shadow, name } of ready) attach(shadow, { base: pins, name, devices: [], told: tell });
    tell(`comparing for ${seconds} s: iptables decides`);
    await waitFor(seconds);
    // A packet that iptables has dropped is known as dropped when its note is a second old.
    await sleep(1100);
    const all = ready.map(({ name }) => ({ name, comparison: readStatus(pins, name).deployments[0]?.comparison }));
    for (const { name, comparison } of all) {
      if (comparison !== undefined) comparisonLines(comparison).forEach((line) => tell(`${name}: ${line}`));
    }
    const same = all.every(({ comparison }) => comparison !== undefined && agrees(comparison));
    if (!same) tell('the programs and iptables differ: iptables goes on as before');
    return same;
  } finally {
    for (const { name } of ready) {
      if (readStatus(pins, name).deployments.length > 0) detach({ base: pins, name });
    }
  }
}

async function waitFor(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left--) {
    if (process.stderr.isTTY) process.stderr.write(`\r${left} s `);
    await sleep(1000);
  }
  if (process.stderr.isTTY) process.stderr.write('\r        \r');
}

/** Step 4: the programs judge in front of iptables, whose rules are all there still. False where nobody confirms. */
async function takeOver(ready: readonly Ready[], options: Options, questions: Questions): Promise<boolean> {
  const { pins } = options;
  if (!(await questions.yes('let the programs judge, in front of the rules of iptables?'))) return false;
  const seconds = options.yes === true ? undefined : (options.confirm ?? USUAL.confirm);
  for (const { rules } of ready) requireUnchanged(rules);
  const attached: string[] = [];
  try {
    for (const { judge, name } of ready) {
      const settings = { base: pins, name, devices: [], told: tell };
      progress('loading');
      attach(judge, seconds === undefined ? settings : { ...settings, confirm: seconds });
      if (seconds !== undefined) leaveBehind(pins, name);
      attached.push(name);
      tell(`${name}: in force, in front of iptables`);
    }
  } catch (error) {
    for (const name of attached) detach({ base: pins, name });
    throw error;
  }
  if (seconds === undefined) return true;
  tell(`without an answer within ${seconds} s iptables alone judges again: try a new connection to this host now`);
  const kept = (await questions.yes('does all work?', false)) && ready.every(({ name }) => isConfirmed(pins, name));
  if (kept) return true;
  for (const { name } of ready) if (readStatus(pins, name).deployments.length > 0) detach({ base: pins, name });
  tell('iptables alone judges, as before');
  return false;
}

function isConfirmed(pins: string, name: string): boolean {
  return readStatus(pins, name).deployments.length > 0 && confirm({ base: pins, name }).confirmed;
}

/** Step 5: the rules whose place the programs take. */
async function removeRules(ready: readonly Ready[], options: Options, questions: Questions): Promise<void> {
  const others = ready.some(({ rules }) => chainsOfOthers(rules).length > 0);
  const keep = options.keepRules === true || (others && options.yes === true);
  if (keep || !(await questions.yes('remove the rules of table filter that the programs replace?', !others))) {
    tell('the rules stay in table filter, behind the programs: both judge');
    return;
  }
  for (const { rules } of ready) {
    requireUnchanged(rules);
    removeFilterRules(rules);
    tell(`IP${rules.family}: the rules of table filter are removed; other tables stay as they are`);
  }
}

/** Step 6. */
async function enableAtBoot({ onFailure, yes, pins, root }: Options, questions: Questions): Promise<void> {
  const wanted =
    onFailure !== undefined || (yes !== true && (await questions.yes('load them when the machine starts?')));
  if (!wanted) {
    tell('after the next start of the machine nothing of this is in force: ipt2bpf enable changes that');
    return;
  }
  const closed =
    onFailure === undefined && (await questions.yes('let no packet pass where loading fails then?', false));
  const choice = onFailure ?? (closed ? 'closed' : 'open');
  const command = ownCommand();
  enable(attachedRulesets(pins), { root: resolve(root), onFailure: choice, command, units: true });
  tell(`enabled (${choice} where loading fails); what loads the old rules at start, as netfilter-persistent, may go`);
}

/** The rules first, so that something judges at every moment. */
function goBack({ root, pins, family, dryRun }: Options): ExitCode {
  const kept = keptRules(resolve(root)).filter((rules) => family === undefined || rules.family === family);
  if (kept.length === 0) throw userError('nothing-kept', 'no rules are kept: nothing has been migrated');
  for (const rules of kept) {
    const name = `filter-${rules.family}`;
    const attached = readStatus(pins, name).deployments.length > 0;
    if (dryRun === true) {
      tell(`IP${rules.family}: iptables would have the rules of ${rules.file} again`);
      tellRules(planBack(rules));
      if (attached) tell(`${name}: would be detached`);
      continue;
    }
    bringBack(rules);
    tell(`IP${rules.family}: iptables has the rules of ${rules.file} again`);
    if (attached) {
      detach({ base: pins, name, told: tell });
      tell(`${name}: detached`);
    }
    forgetRules(resolve(root), rules);
  }
  tell(dryRun === true ? 'nothing is changed' : 'if it is enabled for the start of the machine: ipt2bpf disable');
  return EXIT.same;
}
