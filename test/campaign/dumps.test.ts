import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { placesOf, readDump, runPlace, type DumpOutcome } from './dump-case.js';
import { ENGINES, ENGINES_HERE } from '../support/machine.js';

/** Folder of dumps that real systems have. */
const FOLDER = join(process.env.IPT2BPF_SHARED ?? '', 'dumps');
const present = (process.env.IPT2BPF_SHARED ?? '') !== '' && existsSync(FOLDER);
const reason = present ? '' : ' (needs IPT2BPF_SHARED)';

/** IPT2BPF_CAMPAIGN=full: every dump; else every fifth. IPT2BPF_CAMPAIGN_PACKETS: another number of packets a chain. */
const FULL = process.env.IPT2BPF_CAMPAIGN === 'full';
const PACKETS = Number(process.env.IPT2BPF_CAMPAIGN_PACKETS ?? (FULL ? 10_000 : 300));
const SEED = Number(process.env.IPT2BPF_SEED ?? '1');
/** IPT2BPF_CAMPAIGN_SHARD=I/N: the I-th of N parts, for machines side by side. */
const [PART, PARTS] = (process.env.IPT2BPF_CAMPAIGN_SHARD ?? '1/1').split('/').map(Number);

const names = (present ? readdirSync(FOLDER) : [])
  .filter((name) => /\.v[46]$/.test(name))
  .filter((_, i) => FULL || i % 5 === 0)
  .filter((_, i) => i % PARTS === PART - 1);

describe.skipIf(!present)(`real dumps, ${PACKETS} directed packets a chain (${ENGINES_HERE})${reason}`, () => {
  const outcomes: DumpOutcome[] = [];

  it.each(names)(
    '%s: no mismatches',
    async (name) => {
      const dump = readDump(name, readFileSync(join(FOLDER, name), 'utf8'));
      expect(dump, 'parses').toBeDefined();
      if (dump === undefined) return;
      const own: DumpOutcome[] = [];
      for (const place of placesOf(dump)) own.push(await runPlace(dump, place, PACKETS, ENGINES, SEED));
      outcomes.push(...own);
      expect(own.map(({ trouble }) => trouble).filter((trouble) => trouble !== '')).toEqual([]);
    },
    120_000 + PACKETS * 1000,
  );

  afterAll(() => {
    process.stdout.write(`${summary(outcomes)}\n`);
    const out = process.env.IPT2BPF_CAMPAIGN_OUT;
    if (FULL && out !== undefined)
      writeFileSync(out, `${JSON.stringify({ seed: SEED, packets: PACKETS, outcomes })}\n`);
  });
});

/** Dumps, chains, packets and mismatches by hook and mode; then which engines could not be asked, and why. */
function summary(outcomes: readonly DumpOutcome[]): string {
  const lines = ['hook  mode     dumps  chains  interpreter    kernel  iptables  mismatches'];
  for (const hook of ['xdp', 'tc'] as const) {
    for (const mode of ['exact', 'early', 'refused'] as const) {
      const some = outcomes.filter((outcome) => outcome.hook === hook && outcome.mode === mode);
      const sum = (of: (outcome: DumpOutcome) => number): number => some.reduce((total, o) => total + of(o), 0);
      lines.push(
        [
          hook.padEnd(4),
          mode.padEnd(7),
          String(new Set(some.map(({ dump }) => dump)).size).padStart(6),
          String(some.length).padStart(6),
          String(sum((o) => o.packets.interpreter ?? 0)).padStart(11),
          String(sum((o) => o.packets.kernel ?? 0)).padStart(8),
          String(sum((o) => o.packets.iptables ?? 0)).padStart(8),
          String(sum((o) => o.mismatches)).padStart(10),
        ].join('  '),
      );
    }
  }
  const skips = outcomes.flatMap(({ dump, table, chain, hook, skipped }) =>
    Object.entries(skipped).map(([engine, why]) => `${engine} not asked: ${dump} ${table} ${chain} ${hook}: ${why}`),
  );
  return [...lines, ...skips].join('\n');
}
