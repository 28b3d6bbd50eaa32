import { closeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { attachForGood, attachToSocket } from '../../bpf-runtime/cgroup/attach.js';
import { ControlGroup, ownGroup } from '../../bpf-runtime/cgroup/group.js';
import { openKnockSocket, type KnockPort } from '../../bpf-runtime/cgroup/knock.js';
import { pin } from '../../bpf-runtime/kernel/pin.js';
import { loadPrograms, type LoadedObject } from '../../bpf-runtime/kernel/raw-load.js';
import { makeFolder } from '../../bpf-runtime/system/folder.js';
import { compile } from '../../codegen/program/index.js';
import type { CompileOptions, Manifest } from '../../codegen/program/manifest.js';
import type { Family } from '../../grammar/model/family.js';
import { dropIn, loaderOf, loaderUnit, pinsOf, type PinnedProgram } from '../run-with/systemd.js';
import { loadRules, type DumpOptions, type LoadedDump } from './dump.js';
import { writeWhole } from './files.js';
import { EXIT, reasonOf, say, tell, tellDiagnostics, userError, type ExitCode } from './output.js';
import { isRefusal } from './refusal.js';
import { runInGroup } from '../run-with/process.js';

interface Options extends DumpOptions, Omit<CompileOptions, 'source' | 'sourceFile' | 'hook' | 'chain'> {
  /** The dump of the other IP version. */
  readonly also?: string;
  readonly knock?: readonly KnockPort[];
  /** Directory of the control group in which the new one is made. */
  readonly cgroup?: string;
  readonly systemd?: string;
  readonly output?: string;
  readonly pin?: string;
}

interface Filter {
  readonly dump: LoadedDump;
  readonly family: Family;
  readonly object: Uint8Array;
  readonly manifest: Manifest;
}

/** Runs a command whose sockets have the filter; ends with the command's exit code. */
export async function run(path: string, command: readonly string[], options: Options): Promise<number> {
  const { also, systemd, pin: pins } = options;
  const dumps = [path, ...(also === undefined ? [] : [also])].map((one) => loadRules(one, options));
  checkFamilies(dumps);
  if (systemd !== undefined) return writeUnits(dumps, systemd, options);
  if (pins !== undefined) return keep(filtersOf(dumps, 'cgroup', options), pins);
  if (command.length === 0) throw userError('usage', 'run-with needs a command behind --');
  const filters = filtersOf(dumps, 'cgroup', options);
  const given = givenSockets();
  const forSockets = given.length === 0 ? [] : filtersOf(dumps, 'socket', options);
  if (given.length > 0) checkGiven(dumps);
  return guarded(filters, forSockets, given, command, options);
}

function checkFamilies(dumps: readonly LoadedDump[]): void {
  const [first, second] = dumps;
  if (second === undefined || first.ruleset.family !== second.ruleset.family) return;
  throw userError('usage', `${first.file} and ${second.file} are of the same IP version`);
}

/** Compiles the dumps for a hook; a refusal ends the command with exit code 1. */
function filtersOf(dumps: readonly LoadedDump[], hook: 'cgroup' | 'socket', options: Options): readonly Filter[] {
  return dumps.map((dump) => {
    const { ruleset, text, file } = dump;
    const result = compile(ruleset, { ...options, hook, source: text, sourceFile: file });
    tellDiagnostics(result.diagnostics, file, text);
    if (!result.ok) {
      const code = isRefusal(result.diagnostics) ? EXIT.different : EXIT.trouble;
      throw userError('refused', `${file}: refused at ${hook}; nothing was started`, code);
    }
    return { dump, family: ruleset.family, object: result.object, manifest: result.manifest };
  });
}

const FIRST_GIVEN = 3;

/** File descriptors of the sockets that systemd has passed (sd_listen_fds(3)). */
function givenSockets(): readonly number[] {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  if (LISTEN_PID !== String(process.pid)) return [];
  return Array.from({ length: Number(LISTEN_FDS ?? 0) }, (_, i) => FIRST_GIVEN + i);
}

/** A given socket is of its maker's control group: its filter judges what comes in, and nothing judges what goes out. */
function checkGiven(dumps: readonly LoadedDump[]): void {
  if (dumps.length > 1) {
    throw userError('usage', 'a socket that was passed takes one filter: leave --also out');
  }
  for (const { file, ruleset } of dumps) {
    const table = ruleset.tables.find(({ name }) => name === 'filter');
    const output = table?.chains.find(({ name }) => name === 'OUTPUT');
    if (output === undefined || (output.policy === 'ACCEPT' && output.rules.length === 0)) continue;
    const message = 'chain OUTPUT cannot judge what a socket sends that was passed (LISTEN_FDS)';
    throw userError('refused', `${file}: ${message}; nothing was started`, EXIT.different);
  }
}

async function guarded(
  filters: readonly Filter[],
  forSockets: readonly Filter[],
  given: readonly number[],
  command: readonly string[],
  options: Options,
): Promise<number> {
  const group = ControlGroup.create(options.cgroup ?? ownGroup(), `ipt2bpf-${process.pid}-`);
  const loaded: LoadedObject[] = [];
  const sockets: number[] = [];
  try {
    for (const { object, manifest } of filters) {
      const one = loadPrograms(object);
      loaded.push(one);
      for (const [program, direction] of programsOf(one, manifest)) attachForGood(program, group.directory, direction);
    }
    for (const { object, manifest } of forSockets) {
      const one = loadPrograms(object);
      loaded.push(one);
      for (const [program] of programsOf(one, manifest)) for (const fd of given) attachToSocket(program, fd);
    }
    const knocks = options.knock ?? [];
    const families = filters.map(({ family }) => family);
    const opened = knocks.flatMap((knock) => families.map((family) => ({ knock, family })));
    if (opened.length > 0) {
      group.inside(() => opened.forEach(({ knock, family }) => sockets.push(openKnockSocket(knock, family))));
    }
    return await runInGroup(group, command, given);
  } finally {
    for (const fd of sockets) closeSync(fd);
    for (const one of loaded) one.close();
    if (!group.remove()) tell(`ipt2bpf: processes are left in ${group.directory}: the group and its filter stay`);
  }
}

function programsOf(
  loaded: LoadedObject,
  { programs }: Manifest,
): readonly (readonly [NonNullable<ReturnType<LoadedObject['programs']['get']>>, 'ingress' | 'egress'])[] {
  return programs.map(({ name, chain }) => {
    const program = loaded.programs.get(name);
    if (program === undefined) throw new Error(`the object has no program ${name}`);
    return [program, chain === 'OUTPUT' ? 'egress' : 'ingress'] as const;
  });
}

/** Names of the pinned programs of some dumps. */
function pinnedOf(families: readonly Family[]): readonly PinnedProgram[] {
  return families.flatMap((family) =>
    (['ingress', 'egress'] as const).map((direction) => ({ name: `${direction}-${family}`, direction })),
  );
}

/** Loads the programs and pins them, for systemd to attach. */
function keep(filters: readonly Filter[], directory: string): ExitCode {
  try {
    makeFolder(directory);
  } catch (error) {
    throw userError('no-bpf-file-system', `${directory}: no place for pins: ${reasonOf(error)}`);
  }
  for (const { object, manifest, family } of filters) {
    const loaded = loadPrograms(object);
    try {
      for (const [program, direction] of programsOf(loaded, manifest)) {
        pin(program.fd, join(directory, `${direction}-${family}`));
      }
    } finally {
      loaded.close();
    }
  }
  return EXIT.same;
}

/** Writes what makes systemd give the filters to a unit: to a directory of units, or to stdout. */
function writeUnits(dumps: readonly LoadedDump[], unit: string, options: Options): ExitCode {
  filtersOf(dumps, 'cgroup', options);
  const words = [process.execPath, resolve(process.argv[1]), 'run-with', ...dumps.map(({ file }) => resolve(file))];
  if (dumps.length > 1) words.splice(4, 0, '--also');
  words.push(...repeated(options), '--pin', pinsOf(unit));
  const texts = {
    [join(`${unit}.d`, 'ipt2bpf.conf')]: dropIn(unit, pinnedOf(dumps.map(({ ruleset }) => ruleset.family))),
    [loaderOf(unit)]: loaderUnit(unit, words),
  };
  for (const [name, text] of Object.entries(texts)) {
    if (options.output === undefined) {
      say(`# ${name}\n${text}`);
      continue;
    }
    makeFolder(join(options.output, `${unit}.d`));
    writeWhole(join(options.output, name), text);
  }
  return EXIT.same;
}

/** The options that the programs depend on, as words. */
function repeated({ reject, fragments, hz, recentEntries, ipset, family }: Options): readonly string[] {
  const given: readonly (readonly [string, string | number | undefined])[] = [
    ['--reject', reject],
    ['--fragments', fragments],
    ['--hz', hz],
    ['--recent-entries', recentEntries],
    ['--ipset', ipset === undefined ? undefined : resolve(ipset)],
    ['--family', family],
  ];
  return given.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]));
}
