import { readStatus, type DeploymentStatus, type Status } from '../../live/status.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { namespaceFile } from '../../../bpf-runtime/system/namespace.js';
import { requireCapabilities } from '../../../bpf-runtime/system/requirements.js';
import { requireBpfFileSystem } from '../../live/pins.js';
import { currentNamespace, type DeploymentRecord } from '../../live/record.js';
import { agrees } from '../../live/shadow.js';
import { comparisonJson, comparisonLines } from './comparison.js';
import { EXIT, sayJson, show, type ExitCode } from '../output.js';

interface Options {
  readonly name?: string;
  readonly pins: string;
  readonly json?: boolean;
}

/** Exit 0: all is well; 1: something wants looking at. */
export function run({ name, pins, json }: Options): ExitCode {
  requireCapabilities();
  requireBpfFileSystem(pins);
  const status = readStatus(pins, name);
  if (name !== undefined && status.deployments.length + status.blocked.length + status.leftovers.length === 0) {
    throw new RuntimeError('not-attached', `nothing named ${name} is attached`);
  }
  if (json) sayJson(jsonOf(status));
  else print(status);
  return isWell(status) ? EXIT.same : EXIT.different;
}

function isWell({ deployments, blocked, leftovers }: Status): boolean {
  const fine = ({ places, confirm, expired, comparison }: DeploymentStatus): boolean =>
    places.every((place) => place.state === 'attached') &&
    confirm === undefined &&
    expired === undefined &&
    (comparison === undefined || agrees(comparison));
  return leftovers.length === 0 && blocked.length === 0 && deployments.every(fine);
}

function jsonOf({ deployments, blocked, leftovers }: Status): object {
  return {
    deployments: deployments.map(({ record, manifest, counters, comparison, ...rest }) => ({
      name: record.name,
      ...rest,
      ...(comparison === undefined ? {} : { comparison: comparisonJson(comparison) }),
      hook: record.hook,
      family: record.family,
      table: record.table,
      chains: record.chains,
      devices: record.devices,
      namespace: record.namespace,
      attached: new Date(record.attached).toISOString(),
      source: manifest.sourceFile,
      sourceHash: manifest.sourceHash,
      mode: manifest.mode,
      rules: manifest.counters.filter(({ kind }) => kind === 'rule').length,
      counted: counters.reduce((sum, { packets }) => sum + packets, 0n),
    })),
    blocked,
    leftovers,
  };
}

/** Where it is not in the network namespace of this command. */
function elsewhere({ namespace }: DeploymentRecord): readonly string[] {
  if (namespace === currentNamespace()) return [];
  const file = namespaceFile(namespace);
  const how = file === undefined ? 'which nobody can enter any more (ipt2bpf detach)' : `nsenter --net=${file}`;
  return [`in another network namespace (${namespace}): ${how}`];
}

function print({ deployments, blocked, leftovers }: Status): void {
  if (deployments.length + blocked.length + leftovers.length === 0) show('nothing is attached');
  for (const one of deployments) {
    const { record, manifest, state, places, confirm, expired, before, comparison } = one;
    const rules = manifest.counters.filter(({ kind }) => kind === 'rule').length;
    show(`${record.name}: ${state}${manifest.mode === 'early' ? ', early' : ''}`);
    show(
      `  table ${record.table}, ${record.chains.join(', ')}, IP${record.family}, ${rules} rules of ${manifest.sourceFile}`,
    );
    for (const line of elsewhere(record)) show(`  ${line}`);
    for (const place of places) show(`  ${place.words}: ${place.state}`);
    if (comparison !== undefined) comparisonLines(comparison).forEach((line) => show(`  ${line}`));
    if (before !== undefined) show(`  before: ${before} (ipt2bpf rollback)`);
    if (expired) show('  another was not confirmed in time: the next command removes it, and its rules of iptables');
    if (confirm !== undefined) show(`  to be confirmed within ${confirm} s (ipt2bpf confirm)`);
  }
  for (const { name, places } of blocked) {
    show(`${name}: no packet passes, because its ruleset could not be loaded (attach one, or detach)`);
    for (const place of places) show(`  ${place.words}: ${place.state}`);
  }
  for (const { name, state } of leftovers) show(`${name}: ${state}: the next command removes what is left`);
}
