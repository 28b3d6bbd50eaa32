import { resolve } from 'node:path';
import { requireCapabilities, requireKernel } from '../../../bpf-runtime/system/requirements.js';
import { planAttach } from '../../live/attach.js';
import { requireBpfFileSystem } from '../../live/pins.js';
import {
  attachedRulesets,
  bootPlaces,
  disable as forget,
  enable as save,
  planDisable,
  planEnable,
  requireRoot,
  type ToSave,
} from '../../live/saved/enable.js';
import { planRestore, restore as load, type Outcome, type RestorePlan } from '../../live/saved/restore.js';
import type { OnFailure } from '../../live/saved/store.js';
import { errorLine, EXIT, sayJson, tell, userError, type ExitCode } from '../output.js';
import { objectOf, type AttachVerb } from './attach.js';
import { asPart, changed, ownCommand, tellLoads, tellRules, wouldChange } from './shared.js';

interface EnableVerb extends Omit<AttachVerb, 'confirm'> {
  readonly onFailure: OnFailure;
  readonly root: string;
  readonly unit: boolean;
}

/** Exit 0: saved; 1: a dump is refused; errors are thrown. */
export async function enable(path: string | undefined, options: EnableVerb): Promise<ExitCode> {
  const { name, pins, root, onFailure, unit, dryRun } = options;
  requireRoot(resolve(root));
  const rulesets = path === undefined ? running(pins, name) : await ofFile(path, options);
  if (rulesets === undefined) return EXIT.different;
  const names = rulesets.map(({ record }) => record.name);
  const command = ownCommand();
  const settings = { root: resolve(root), onFailure, units: unit, command };
  const { written, later } = dryRun === true ? planEnable(rulesets, settings) : save(rulesets, settings);
  const result = { names, onFailure, written, later };
  if (dryRun === true && options.json) sayJson({ dryRun: true, action: 'enable', ...result });
  else if (dryRun === true) {
    tellEnabled(result, `would be saved${unit ? ', and loaded when the machine starts' : ''}`);
    tell('nothing is changed');
  } else {
    changed(options, { action: 'enabled', ...result }, () => {
      tellEnabled(result, `saved; ${unit ? 'in force from the next start of the machine on' : 'restore loads it'}`);
    });
  }
  return EXIT.same;
}

interface Result {
  readonly names: readonly string[];
  readonly onFailure: OnFailure;
  readonly written: readonly string[];
  readonly later: readonly string[];
}

function tellEnabled({ names, onFailure, written, later }: Result, what: string): void {
  tell(`${names.join(', ')}: ${what}`);
  for (const one of written) tell(`  ${one}`);
  tell(`where loading fails, ${onFailure === 'closed' ? 'no packet passes' : 'packets pass'}`);
  if (later.length > 0) tell(`${later.join(', ')}: attached when it appears: until then it is not judged there`);
}

function running(pins: string, name: string | undefined): readonly ToSave[] {
  requireCapabilities();
  requireBpfFileSystem(pins);
  return attachedRulesets(pins, name, tell);
}

async function ofFile(path: string, options: EnableVerb): Promise<readonly ToSave[] | undefined> {
  const object = await objectOf(path, options, options.root === '/');
  if (object === undefined) return undefined;
  // Another kernel may load it in an image; here it would fail at the next start of the machine.
  if (options.root === '/') requireKernel(object.manifest.needs.kernel);
  const { pins, name, dev, xdp } = options;
  const record = planAttach(object.manifest, {
    base: pins,
    devices: dev ?? [],
    xdpMode: xdp,
    absent: 'later',
    ...asPart('name', name),
  });
  return [{ record, bytes: object.bytes }];
}

interface DisableVerb {
  readonly root: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Exit 0: nothing is saved any more; 1: nothing was. */
export function disable(options: DisableVerb): ExitCode {
  if (options.dryRun === true) {
    const { was, removes } = planDisable(resolve(options.root));
    wouldChange(options, { action: 'disable', removes }, () => {
      tell(was ? 'nothing would be loaded at the next start of the machine' : 'nothing was saved');
      for (const path of removes) tell(`  would be removed: ${path}`);
    });
    return was ? EXIT.same : EXIT.different;
  }
  const was = forget(resolve(options.root));
  if (options.json) sayJson({ changed: was });
  else tell(was ? 'nothing is loaded at the next start of the machine; what is in force stays' : 'nothing was saved');
  return was ? EXIT.same : EXIT.different;
}

interface RestoreVerb {
  readonly root: string;
  readonly pins: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Exit 0: all of it is in force; 1: some is not; errors are thrown. */
export function restore(options: RestoreVerb): ExitCode {
  const { root, pins, dryRun, json } = options;
  const settings = { base: pins, directory: bootPlaces(resolve(root)).state, told: tell };
  if (dryRun === true) return sayRestore(options, planRestore(settings));
  const outcomes = load(settings);
  if (outcomes.length === 0) throw userError('nothing-saved', 'no ruleset is saved');
  if (json) sayJson(outcomes);
  else outcomes.forEach((outcome) => tell(inWords(outcome)));
  return outcomes.every((outcome) => !('reason' in outcome)) ? EXIT.same : EXIT.different;
}

function sayRestore(options: RestoreVerb, rulesets: readonly RestorePlan[]): ExitCode {
  if (rulesets.length === 0) throw userError('nothing-saved', 'no ruleset is saved');
  wouldChange(options, { action: 'restore', rulesets }, () => {
    for (const plan of rulesets) {
      if ('reason' in plan) tell(inWords(plan));
      else {
        tell(`${plan.name}: ${WOULD[plan.would]}: ${plan.places.join(', ')}${notThere(plan.waiting)}`);
        if (plan.loads !== undefined) tellLoads(plan.loads);
        tellRules(plan.iptables);
      }
    }
  });
  return rulesets.every((plan) => !('reason' in plan)) ? EXIT.same : EXIT.different;
}

const WOULD: Readonly<Record<'attach' | 'replace' | 'keep', string>> = {
  attach: 'would be attached',
  replace: 'would be replaced',
  keep: 'in force already',
};

const notThere = (devices: readonly string[]): string =>
  devices.length === 0 ? '' : `; not there yet: ${devices.join(', ')}`;

const FAILED: Readonly<Record<Extract<Outcome, { readonly reason: string }>['state'], string>> = {
  blocked: 'no packet passes in its place',
  'as before': 'what was in force before stays',
  'not in force': 'nothing is in force in its place',
};

function inWords(outcome: Outcome): string {
  if ('reason' in outcome)
    return errorLine(outcome.code, `${outcome.name}: ${outcome.reason}; ${FAILED[outcome.state]}`);
  const { name, state, waiting } = outcome;
  return `${name}: ${state}${notThere(waiting)}`;
}
