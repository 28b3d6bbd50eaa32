import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { terminalOf } from '../../terminal/terminal.js';
import { countedRuleset, listText, plainListText, saveText } from '../../live/listing.js';
import { readStatus, type DeploymentStatus } from '../../live/status.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { requireCapabilities } from '../../../bpf-runtime/system/requirements.js';
import { requireBpfFileSystem } from '../../live/pins.js';
import { EXIT, say, sayJson, show, tell, visible, type ExitCode } from '../output.js';

interface Options {
  readonly name?: string;
  readonly pins: string;
  readonly verbose?: boolean;
  readonly exact?: boolean;
  readonly save?: boolean;
  readonly json?: boolean;
}

/** The rules of what is attached, with their counters. */
export function run(options: Options): ExitCode {
  const all = attached(options.pins, options.name);
  if (options.json) {
    sayJson(all.map(jsonOf));
    return EXIT.same;
  }
  for (const one of all) {
    if (all.length > 1) tell(`${one.record.name}:`);
    if (one.manifest.mode === 'early') tell(`${one.record.name}: an early object counts the packets that it drops`);
    if (options.save === true) say(visible(saveText(rulesOf(one))));
    else show(textOf(one, options));
  }
  return EXIT.same;
}

/** The deployments, or the one of a name. Throws `not-attached`. */
export function attached(pins: string, name: string | undefined): readonly DeploymentStatus[] {
  requireCapabilities();
  requireBpfFileSystem(pins);
  const { deployments } = readStatus(pins, name);
  if (deployments.length > 0) return deployments;
  throw new RuntimeError(
    'not-attached',
    name === undefined ? 'nothing is attached' : `nothing named ${name} is attached`,
  );
}

const rulesOf = ({ manifest, counters }: DeploymentStatus): Ruleset => countedRuleset(manifest, counters);

function textOf(one: DeploymentStatus, { verbose, exact }: Options): string {
  const ruleset = rulesOf(one);
  const text = listText(ruleset, one.manifest, { verbose: verbose === true, exact: exact === true });
  if (text !== undefined) return text;
  tell('iptables cannot be asked to print the rules: they are shown as in the dump');
  return plainListText(ruleset, terminalOf(process.stdout, process.env).columns);
}

function jsonOf({ record, manifest, counters }: DeploymentStatus): object {
  return {
    name: record.name,
    counters: manifest.counters.map((entry, i) => ({ ...entry, ...counters[i] })),
  };
}
