/**
 * Objects of real dumps, proved: `IPT2BPF_CAMPAIGN=full` takes every dump and prints the table of docs/proof.md,
 * `IPT2BPF_CAMPAIGN_OUT` keeps one line of JSON for each object, IPT2BPF_CAMPAIGN_ENGINE another engine. Else a few dumps are taken.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { analyse } from '../../codegen/program/analysis.js';
import { compile } from '../../codegen/program/index.js';
import type { Hook } from '../../codegen/program/manifest.js';
import { judge } from '../../src/prove/judge.js';
import { LOOKUP, placesOf, readDump, type Dump, type DumpPlace } from './dump-case.js';

const FOLDER = join(process.env.IPT2BPF_SHARED ?? '', 'dumps');
const present = (process.env.IPT2BPF_SHARED ?? '') !== '' && existsSync(FOLDER);
const reason = present ? '' : ' (needs IPT2BPF_SHARED)';

const FULL = process.env.IPT2BPF_CAMPAIGN === 'full';
const OUT = process.env.IPT2BPF_CAMPAIGN_OUT;
const [PART, PARTS] = (process.env.IPT2BPF_CAMPAIGN_SHARD ?? '1/1').split('/').map(Number);

const names = (present ? readdirSync(FOLDER) : [])
  .filter((name) => /\.v[46]$/.test(name))
  .filter((_, i) => FULL || i % 90 === 7)
  .filter((_, i) => i % PARTS === PART - 1);

interface Outcome {
  readonly dump: string;
  readonly hook: Hook;
  readonly table: string;
  readonly chain: string;
  readonly result: string;
  readonly milliseconds: number;
}

async function outcomeOf(dump: Dump, { table, chain, hook }: DumpPlace): Promise<Outcome> {
  const { ruleset, text, family, name } = dump;
  const started = performance.now();
  const told = (result: string): Outcome => {
    const milliseconds = Math.round(performance.now() - started);
    return { dump: name, hook, table, chain, result, milliseconds };
  };
  const options = { hook, table, chain, source: text, sourceFile: name, ...LOOKUP };
  const result = compile(ruleset, options);
  if (!result.ok) return told('refused by the compiler');
  const analysed = analyse(ruleset, options);
  if (!analysed.ok) return told('refused by the compiler');
  const { object, manifest } = result;
  const { analysis } = analysed;
  const judgement = await judge({ ruleset, text, family, table, chain, object, manifest, analysis, packets: [] });
  return told(judgement.kind === 'not-proved' ? `not proved: ${judgement.reason}` : judgement.kind);
}

/** Dumps with so many lines are left to the full run. */
const SHORT = 120;

/** All chains of a dump that have rules, at XDP and tc, and those of table filter at netfilter. */
async function outcomesOf(dump: Dump): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const place of placesOf(dump)) {
    outcomes.push(await outcomeOf(dump, place));
    if (place.hook !== 'tc' || place.table !== 'filter') continue;
    outcomes.push(await outcomeOf(dump, { ...place, hook: 'netfilter' }));
  }
  return outcomes;
}

describe.skipIf(!present)(`objects of real dumps, proved${reason}`, () => {
  const outcomes: Outcome[] = [];

  it.each(names)(
    '%s: none is refuted',
    async (name) => {
      const dump = readDump(name, readFileSync(join(FOLDER, name), 'utf8'));
      if (dump === undefined || (!FULL && dump.text.split('\n').length > SHORT)) return;
      for (const outcome of await outcomesOf(dump)) {
        outcomes.push(outcome);
        if (OUT !== undefined) appendFileSync(OUT, `${JSON.stringify(outcome)}\n`);
        expect(outcome).not.toMatchObject({ result: 'refuted' });
      }
    },
    FULL ? 3_600_000 : 60_000,
  );

  afterAll(() => process.stdout.write(`${tableOf(outcomes)}\n`));
});

const FIXTURES = 'fixtures/dumps';
/** Objects of fixtures that are not proved, and why. */
const NOT_PROVED: Readonly<Record<string, readonly string[]>> = {
  // The link header, and the name of the device that a packet leaves by.
  'home-router.v4': [
    'netfilter INPUT: not proved: kernel struct member sk_buff.dev',
    'xdp FORWARD: not proved: kernel struct member net_device.nd_net.net',
    'tc FORWARD: not proved: kernel struct member net_device.nd_net.net',
  ],
  // TCP options.
  'hostile.v4': [
    'tc INPUT: not proved: memory at a place that is not constant',
    'netfilter INPUT: not proved: a read of the packet at a place that is not known',
  ],
};

describe('objects of fixtures', () => {
  it.each(readdirSync(FIXTURES).filter((name) => /\.v[46]$/.test(name)))(
    '%s: each that compiles is proved, or it is known why not',
    async (name) => {
      const dump = readDump(name, readFileSync(join(FIXTURES, name), 'utf8'));
      const outcomes = dump === undefined ? [] : await outcomesOf(dump);
      const compiled = outcomes.filter(({ result }) => result !== 'refused by the compiler');
      expect(compiled.length).toBeGreaterThan(0);
      const others = compiled.filter(({ result }) => result !== 'proved');
      expect(others.map(({ hook, chain, result }) => `${hook} ${chain}: ${result}`)).toEqual(NOT_PROVED[name] ?? []);
    },
    60_000,
  );
});

/** Markdown: results by hook. */
function tableOf(outcomes: readonly Outcome[]): string {
  const hooks: readonly Hook[] = ['xdp', 'tc', 'netfilter'];
  const results = new Map<string, number>();
  for (const { result } of outcomes) results.set(result, (results.get(result) ?? 0) + 1);
  const rows = [...results]
    .sort(([, a], [, b]) => b - a)
    .map(([result]) => {
      const of = (hook: Hook): number => outcomes.filter((one) => one.result === result && one.hook === hook).length;
      return `| ${result} | ${hooks.map(of).join(' | ')} |`;
    });
  return [`| result | ${hooks.join(' | ')} |`, '| --- | --: | --: | --: |', ...rows].join('\n');
}
