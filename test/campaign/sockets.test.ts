import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseDump } from '../../grammar/index.js';
import { findTable } from '../../grammar/model/ruleset.js';
import type { SocketHook } from '../../codegen/program/manifest.js';
import type { EngineName } from '../../src/verify/job.js';
import { reportText } from '../../src/verify/report.js';
import { verifySockets } from '../../src/verify/verify-sockets.js';
import { ENGINES, ENGINES_HERE } from '../support/machine.js';

/** Folder of dumps that real systems have. */
const FOLDER = join(process.env.IPT2BPF_SHARED ?? '', 'dumps');
const present = (process.env.IPT2BPF_SHARED ?? '') !== '' && existsSync(FOLDER);
const reason = present ? '' : ' (needs IPT2BPF_SHARED)';

/** IPT2BPF_CAMPAIGN=full: every dump; else every fortieth. IPT2BPF_CAMPAIGN_PACKETS: directed packets of each table. */
const FULL = process.env.IPT2BPF_CAMPAIGN === 'full';
const PACKETS = Number(process.env.IPT2BPF_CAMPAIGN_PACKETS ?? (FULL ? 10_000 : 100));
const SEED = Number(process.env.IPT2BPF_SEED ?? '1');

const dumps = (present ? readdirSync(FOLDER) : [])
  .filter((name) => /\.v[46]$/.test(name))
  .filter((_, i) => FULL || i % 40 === 0);
const cases = (['cgroup', 'socket'] as const).flatMap((hook) => dumps.map((name) => ({ name, hook })));

describe.skipIf(!present)(
  `tables of real dumps at sockets, ${PACKETS} directed packets (${ENGINES_HERE})${reason}`,
  () => {
    const sums = new Map<SocketHook, { dumps: number; chains: number; packets: Record<EngineName, number> }>();

    it.each(cases)(
      '$name at $hook: no mismatches',
      async ({ name, hook }) => {
        const text = readFileSync(join(FOLDER, name), 'utf8');
        const { ruleset } = parseDump(text, { family: name.endsWith('.v6') ? 'v6' : 'v4' });
        if (findTable(ruleset, 'filter') === undefined) return;
        const options = { hook, engines: ENGINES, count: PACKETS, seed: SEED, reject: 'drop' } as const;
        const result = await verifySockets(ruleset, text, options);
        if (!result.ok) {
          expect(result.diagnostics.filter(({ severity }) => severity === 'error')).not.toEqual([]);
          return;
        }
        const { engines, job } = result;
        const sum = sums.get(hook) ?? {
          dumps: 0,
          chains: 0,
          packets: { model: 0, interpreter: 0, kernel: 0, iptables: 0 },
        };
        sum.dumps++;
        sum.chains += job.manifest.programs.length;
        for (const { engine, packets } of engines) sum.packets[engine] += packets;
        sums.set(hook, sum);
        const mismatches = engines.flatMap((engine) => engine.mismatches);
        expect(mismatches.length === 0 ? '' : reportText({ job, engines, seed: SEED, elapsed: 0 })).toBe('');
      },
      120_000 + PACKETS * 100,
    );

    afterAll(() => {
      for (const [hook, { dumps: exact, chains, packets }] of sums) {
        const asked = ENGINES.map((engine) => `${engine} ${packets[engine]}`).join(', ');
        process.stdout.write(
          `${hook}: ${exact} of ${dumps.length} tables exact, ${chains} chains; packets: ${asked}\n`,
        );
      }
    });
  },
);
