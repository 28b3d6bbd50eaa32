import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseDump } from '../../grammar/index.js';
import { findTable } from '../../grammar/model/ruleset.js';
import type { EngineName } from '../../src/verify/job.js';
import { reportText } from '../../src/verify/report.js';
import { verifyNetfilter } from '../../src/verify/verify-netfilter.js';
import { ENGINES, ENGINES_HERE } from '../support/machine.js';

/** Folder of dumps that real systems have. */
const FOLDER = join(process.env.IPT2BPF_SHARED ?? '', 'dumps');
const present = (process.env.IPT2BPF_SHARED ?? '') !== '' && existsSync(FOLDER);
const reason = present ? '' : ' (needs IPT2BPF_SHARED)';

/** IPT2BPF_CAMPAIGN=full: every dump; else every twelfth. IPT2BPF_CAMPAIGN_PACKETS: directed packets of each table. */
const FULL = process.env.IPT2BPF_CAMPAIGN === 'full';
const PACKETS = Number(process.env.IPT2BPF_CAMPAIGN_PACKETS ?? (FULL ? 10_000 : 300));
const SEED = Number(process.env.IPT2BPF_SEED ?? '1');
/** IPT2BPF_CAMPAIGN_SHARD=I/N: the I-th of N parts. */
const [PART, PARTS] = (process.env.IPT2BPF_CAMPAIGN_SHARD ?? '1/1').split('/').map(Number);

const names = (present ? readdirSync(FOLDER) : [])
  .filter((name) => /\.v[46]$/.test(name))
  .filter((_, i) => FULL || i % 12 === 0)
  .filter((_, i) => i % PARTS === PART - 1);

interface Outcome {
  readonly dump: string;
  readonly refused?: string;
  readonly packets: Readonly<Partial<Record<EngineName, number>>>;
  readonly skipped: readonly string[];
  readonly mismatches: number;
}

describe.skipIf(!present)(
  `tables of real dumps at netfilter, ${PACKETS} directed packets (${ENGINES_HERE})${reason}`,
  () => {
    const outcomes: Outcome[] = [];

    it.each(names)(
      '%s: no mismatches',
      async (name) => {
        const text = readFileSync(join(FOLDER, name), 'utf8');
        const { ruleset } = parseDump(text, { family: name.endsWith('.v6') ? 'v6' : 'v4' });
        if (findTable(ruleset, 'filter') === undefined) return;
        const result = await verifyNetfilter(ruleset, text, { engines: ENGINES, count: PACKETS, seed: SEED });
        if (!result.ok) {
          const why = result.diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);
          expect(why).not.toEqual([]);
          outcomes.push({ dump: name, refused: why[0], packets: {}, skipped: [], mismatches: 0 });
          return;
        }
        const { engines, job } = result;
        const packets: Partial<Record<EngineName, number>> = {};
        for (const engine of engines) packets[engine.engine] = (packets[engine.engine] ?? 0) + engine.packets;
        const skipped = engines.flatMap((one) => (one.skipped === undefined ? [] : `${one.engine}: ${one.skipped}`));
        const mismatches = engines.reduce((sum, one) => sum + one.mismatches.length, 0);
        outcomes.push({ dump: name, packets, skipped, mismatches });
        expect(mismatches === 0 ? '' : reportText({ job, engines, seed: SEED, elapsed: 0 })).toBe('');
      },
      120_000 + PACKETS * 100,
    );

    afterAll(() => {
      process.stdout.write(`${summary(outcomes)}\n`);
      const out = process.env.IPT2BPF_CAMPAIGN_OUT;
      if (FULL && out !== undefined)
        writeFileSync(out, `${JSON.stringify({ seed: SEED, packets: PACKETS, outcomes })}\n`);
    });
  },
);

function summary(outcomes: readonly Outcome[]): string {
  const judged = outcomes.filter(({ refused }) => refused === undefined);
  const sum = (engine: EngineName): number => judged.reduce((total, { packets }) => total + (packets[engine] ?? 0), 0);
  const asked = ENGINES.map((engine) => `${engine} ${sum(engine)}`).join(', ');
  const bad = judged.reduce((total, { mismatches }) => total + mismatches, 0);
  return [
    `netfilter: ${judged.length} of ${outcomes.length} tables exact; packets: ${asked}; ${bad} mismatches`,
    ...judged.flatMap(({ dump, skipped }) => skipped.map((why) => `not asked: ${dump}: ${why}`)),
    ...outcomes.flatMap(({ dump, refused }) => (refused === undefined ? [] : `refused: ${dump}: ${refused}`)),
  ].join('\n');
}
