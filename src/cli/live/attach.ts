import { runningHz, runningRecentEntries } from '../../../bpf-runtime/system/running-kernel.js';
import {
  attach as attachObject,
  planAttach,
  requireAbilities,
  requireAttachable,
  requireDevices,
  requireFree,
  withTcWay,
} from '../../live/attach.js';
import { findDeployment, leftovers } from '../../live/deployment.js';
import { checkObject, MOST_OBJECT_BYTES, type CheckedObject } from '../../live/object.js';
import { prepare } from '../../live/prepare.js';
import { Pins } from '../../live/pins.js';
import { rehearse, type Rehearsal } from '../../live/rehearse.js';
import { planReplace, replace as replaceObject } from '../../live/replace.js';
import { planRules, type RuleChange } from '../../live/residual.js';
import type { XdpMode } from '../../live/record.js';
import { placesOf } from '../../live/places.js';
import { placeOf, type TranslationOptions } from '../compile.js';
import { loadRulesFrom, type DumpOptions } from '../dump.js';
import { readInput } from '../files.js';
import { isRefusal } from '../refusal.js';
import { EXIT, sayJson, tell, tellDiagnostics, UserError, userError, type ExitCode } from '../output.js';
import { asPart, changed, progress, tellConfirm, tellLoads, wouldChange } from './shared.js';
import { leaveBehind } from './unconfirmed.js';

export interface CommonOptions extends DumpOptions, Omit<TranslationOptions, 'hook'> {
  readonly hook?: TranslationOptions['hook'];
  readonly name?: string;
  readonly confirm?: number;
  readonly dryRun?: boolean;
  readonly verify: boolean;
  readonly pins: string;
  readonly json?: boolean;
}

export interface AttachVerb extends CommonOptions {
  readonly dev?: readonly string[];
  readonly xdp: XdpMode;
  readonly shadow?: boolean;
}

interface ReplaceVerb extends CommonOptions {
  readonly zero?: boolean;
}

/** Exit 0: in force; 1: refused; errors are thrown. */
export async function attach(path: string, options: AttachVerb): Promise<ExitCode> {
  requirePlaces(options);
  const object = await objectOf(path, options);
  if (object === undefined) return EXIT.different;
  const { manifest } = object;
  const { name, confirm, pins } = options;
  if (options.shadow === true && manifest.shadow === undefined) {
    throw userError('usage', '--shadow is for a dump, at netfilter: what is compiled decides');
  }
  const settings = {
    base: pins,
    devices: options.dev ?? [],
    xdpMode: options.xdp,
    told: tell,
    ...(name === undefined ? {} : { name }),
    ...(confirm === undefined ? {} : { confirm }),
  };
  if (options.dryRun === true) {
    requireAbilities(pins, manifest);
    const record = withTcWay(planAttach(manifest, settings));
    const blocking = requireAttachable(pins, record);
    const left = leftovers(pins);
    for (const one of left) tell(`${one}: not in force any more: would be removed`);
    progress('loading, to let go of it');
    return sayPlan(options, {
      action: 'attach',
      name: record.name,
      places: placesOf(record).map(({ words }) => words),
      // What keeps packets out, or is left, may have its places.
      loads: rehearse(object, blocking === undefined && left.length === 0 ? record : undefined),
      iptables: planRules(new Pins(pins, record.name), record, [{ side: 0, manifest }], 0),
      ...asPart('confirm', confirm),
    });
  }
  progress('loading');
  const record = attachObject(object, settings);
  if (confirm !== undefined) leaveBehind(pins, record.name);
  const places = placesOf(record).map(({ words }) => words);
  changed(options, { action: 'attached', name: record.name, places, ...asPart('confirm', confirm) }, () => {
    const what = record.role === 'shadow' ? 'only compares' : 'in force';
    tell(`${record.name}: ${what}: ${places.join(', ')}`);
    tellConfirm(confirm, 'nothing is in force again');
  });
  return EXIT.same;
}

/** Exit 0: in force; 1: refused; errors are thrown. */
export async function replace(path: string, options: ReplaceVerb): Promise<ExitCode> {
  const { name, confirm, zero, pins } = options;
  requireThere(pins, name);
  const running = findDeployment(pins, name);
  const { hook, chains, table } = running.record;
  const own = { hook, table, ...(hook === 'netfilter' && chains.length > 1 ? {} : { chain: chains[0] }) };
  const object = await objectOf(path, { ...options, ...own, table: options.table ?? table });
  if (object === undefined) return EXIT.different;
  if (options.dryRun === true) {
    requireAbilities(pins, object.manifest);
    const iptables = planReplace(running, object.manifest, confirm !== undefined);
    progress('loading, to let go of it');
    return sayPlan(options, {
      action: 'replace',
      name: running.record.name,
      places: placesOf(running.record).map(({ words }) => words),
      loads: rehearse(object),
      iptables,
      ...asPart('confirm', confirm),
    });
  }
  progress('loading');
  const { record } = replaceObject(object, {
    base: pins,
    told: tell,
    ...asPart('name', name),
    ...asPart('zero', zero),
    ...asPart('confirm', confirm),
  });
  if (confirm !== undefined) leaveBehind(pins, record.name);
  changed(options, { action: 'replaced', name: record.name, ...asPart('confirm', confirm) }, () => {
    tell(`${record.name}: ${object.manifest.sourceFile} is in force`);
    tellConfirm(confirm, 'the ruleset before is in force again');
  });
  return EXIT.same;
}

/** What is missing is told before anything is compiled: permission, file system, name, devices. */
function requirePlaces({ pins, name, dev, hook }: AttachVerb): void {
  requireAbilities(pins, { needs: { kernel: '0.0' } });
  if (name !== undefined) requireFree(pins, name);
  if (hook === 'xdp' || hook === 'tc' || hook === 'netfilter') requireDevices(hook, dev ?? []);
}

/** A ruleset that is not attached is told before anything is compiled. */
function requireThere(pins: string, name: string | undefined): void {
  requireAbilities(pins, { needs: { kernel: '0.0' } });
  findDeployment(pins, name);
}

/** What programs must know of the kernel that runs them, where it tells. */
export function ofRunningKernel(): Pick<TranslationOptions, 'hz' | 'recentEntries'> {
  return { ...asPart('hz', runningHz()), ...asPart('recentEntries', runningRecentEntries()) };
}

/** The object to attach, from a file of compile or compiled now; undefined where it was refused, which is told. `here`: for this kernel. */
export async function objectOf(path: string, options: CommonOptions, here = true): Promise<CheckedObject | undefined> {
  const bytes = readInput(path);
  const what = path === '-' ? '<stdin>' : path;
  if (isObject(bytes)) {
    if (bytes.length > MOST_OBJECT_BYTES) throw userError('too-large', `${what}: the file is too large`);
    return checkObject(new Uint8Array(bytes), what);
  }
  const { hook, chain } = options;
  if (hook === undefined) throw userError('usage', 'a dump needs --hook xdp|tc|netfilter');
  if (hook !== 'netfilter' && chain === undefined) throw userError('usage', `--hook ${hook} needs --chain`);
  const { ruleset, text, file, ipset } = loadRulesFrom(bytes, path, options);
  const { ipset: _file, ...translation } = options;
  const result = await prepare(ruleset, {
    ...(here ? ofRunningKernel() : {}),
    ...translation,
    hook,
    source: text,
    sourceFile: file,
    ...asPart('ipset', ipset),
    progress,
  });
  switch (result.kind) {
    case 'ready':
      tellDiagnostics(result.warnings, file, text);
      for (const assumption of result.object.manifest.assumptions) tell(`assumes: ${assumption}`);
      return result.object;
    case 'refused':
      tellDiagnostics(result.diagnostics, file, text);
      if (!isRefusal(result.diagnostics)) throw new UserError(`ipt2bpf: ${file}: nothing is changed`);
      if (options.json) sayJson({ changed: false, diagnostics: result.diagnostics });
      tell(`ipt2bpf: ${file}: ${placeOf(options)} is refused at ${hook}; nothing is changed`);
      return undefined;
    case 'unequal': {
      const [{ want, have }] = result.mismatches;
      throw userError(
        'wrong-program',
        `${file}: the program differs from the reference on ${result.mismatches.length} packets ` +
          `(it does ${have}, and ${want} is right): please report it; nothing is changed`,
      );
    }
  }
}

/** Whether it is an ELF file. */
function isObject(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
}

interface Plan {
  readonly action: 'attach' | 'replace';
  readonly name: string;
  readonly places: readonly string[];
  readonly loads: Rehearsal;
  readonly iptables: RuleChange;
  readonly confirm?: number;
}

function sayPlan(options: CommonOptions, plan: Plan): ExitCode {
  wouldChange(options, plan, () => {
    tell(`${plan.name}: would be ${plan.action === 'attach' ? 'attached' : 'replaced'}: ${plan.places.join(', ')}`);
    tellLoads(plan.loads);
    if (plan.confirm !== undefined) tell(`it would go back after ${plan.confirm} s without "ipt2bpf confirm"`);
  });
  return EXIT.same;
}
