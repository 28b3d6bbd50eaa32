import { parseDump } from '../../grammar/index.js';
import { isLeaving, type BuiltinChain, type Family, type TableName } from '../../grammar/model/family.js';
import { findChain, findTable, type Ruleset } from '../../grammar/model/ruleset.js';
import { analyse } from '../../codegen/program/analysis.js';
import type { Hook, Mode } from '../../codegen/program/manifest.js';
import { generatePackets } from '../../src/verify/generate.js';
import type { EngineName } from '../../src/verify/job.js';
import { reportText } from '../../src/verify/report.js';
import { verify, type VerifyOptions, type VerifyResult } from '../../src/verify/verify.js';

/** Names in the collected dumps, as what they may stand for. */
const HOSTS = new Map([
  ['ntp.example.net', ['192.0.2.1']],
  ['6bone.net', ['2001:db8::1']],
  ['ny6ix.net', ['2001:db8::2']],
]);

export interface Dump {
  readonly name: string;
  readonly text: string;
  readonly family: Family;
  readonly ruleset: Ruleset;
}

/** A dump by its file name, `….v4` or `….v6`; undefined where its text has errors. */
export function readDump(name: string, given: string): Dump | undefined {
  const family = name.endsWith('.v6') ? 'v6' : 'v4';
  // A user of another system: iptables asks the machine that it runs on.
  const text = given.replaceAll('--uid-owner vic', '--uid-owner 4000');
  const { ruleset, diagnostics } = parseDump(text, { family, file: name, hosts: HOSTS });
  return diagnostics.some(({ severity }) => severity === 'error') ? undefined : { name, text, family, ruleset };
}

export interface DumpPlace {
  readonly table: TableName;
  readonly chain: BuiltinChain;
  readonly hook: Hook;
}

/** Where a dump has rules to compile. */
export function placesOf({ ruleset }: Dump): readonly DumpPlace[] {
  const candidates: readonly (readonly [TableName, BuiltinChain])[] = [
    ['filter', 'INPUT'],
    ['filter', 'FORWARD'],
    ['filter', 'OUTPUT'],
    ['raw', 'PREROUTING'],
    ['raw', 'OUTPUT'],
    ['mangle', 'PREROUTING'],
    ['mangle', 'INPUT'],
    ['mangle', 'FORWARD'],
    ['mangle', 'OUTPUT'],
    ['mangle', 'POSTROUTING'],
  ];
  return candidates.flatMap(([name, chain]) => {
    const table = findTable(ruleset, name);
    const rules = table === undefined ? 0 : (findChain(table, chain)?.rules.length ?? 0);
    if (rules === 0) return [];
    const hooks: readonly Hook[] = isLeaving(chain) ? ['tc'] : ['xdp', 'tc'];
    return hooks.map((hook) => ({ table: name, chain, hook }));
  });
}

/** One line of the campaign's table. */
export interface DumpOutcome extends DumpPlace {
  readonly dump: string;
  readonly mode: Mode | 'refused';
  /** Packets asked about, by engine. */
  readonly packets: Readonly<Partial<Record<EngineName, number>>>;
  /** Why an engine was not asked. */
  readonly skipped: Readonly<Partial<Record<EngineName, string>>>;
  readonly mismatches: number;
  readonly milliseconds: number;
  /** For people, where something is wrong. */
  readonly trouble: string;
}

/** IPT2BPF_CAMPAIGN_ENGINE: `dag` or `auto`, to have chains looked up in diagrams. */
export const LOOKUP = engineOf(process.env.IPT2BPF_CAMPAIGN_ENGINE);

function engineOf(name: string | undefined): Pick<VerifyOptions, 'engine'> {
  if (name === undefined) return {};
  if (name !== 'dag' && name !== 'auto' && name !== 'linear') throw new Error(`no engine is called ${name}`);
  return { engine: name };
}

/** An exact object where one can be made, an early one elsewhere, through the engines. */
export async function runPlace(
  dump: Dump,
  place: DumpPlace,
  count: number,
  engines: readonly EngineName[],
  seed: number,
): Promise<DumpOutcome> {
  const started = Date.now();
  const { table, chain } = place;
  const packets = generatePackets(dump.ruleset, { table, chain, count, seed });
  const attempt = (mode: Mode): Promise<VerifyResult> => {
    const options: VerifyOptions = { ...place, mode, engines, sourceFile: dump.name, ...LOOKUP };
    return verify(dump.ruleset, dump.text, packets, options);
  };
  const exact = await attempt('exact');
  const result = exact.ok ? exact : await attempt('early');
  return outcomeOf(dump, place, exact.ok ? 'exact' : 'early', result, seed, Date.now() - started);
}

function outcomeOf(
  dump: Dump,
  place: DumpPlace,
  mode: Mode,
  result: VerifyResult,
  seed: number,
  milliseconds: number,
): DumpOutcome {
  const head = { dump: dump.name, ...place, milliseconds };
  if (!result.ok) {
    const trouble = result.diagnostics.map(({ code, message }) => `${code}: ${message}`).join('; ');
    // A chain that no hook takes is refused with its reason; what early mode refuses beside that is a fault.
    const expected = !analyse(dump.ruleset, { ...place, mode: 'early' }).ok;
    return { ...head, mode: 'refused', packets: {}, skipped: {}, mismatches: 0, trouble: expected ? '' : trouble };
  }
  const { job, engines, equal } = result;
  return {
    ...head,
    mode,
    packets: Object.fromEntries(engines.filter((e) => e.skipped === undefined).map((e) => [e.engine, e.packets])),
    skipped: Object.fromEntries(engines.filter((e) => e.skipped !== undefined).map((e) => [e.engine, e.skipped])),
    mismatches: engines.reduce((sum, engine) => sum + engine.mismatches.length, 0),
    trouble: equal ? '' : `${dump.name}\n${reportText({ job, engines, seed, elapsed: milliseconds })}`,
  };
}
