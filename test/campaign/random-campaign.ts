import { describe, expect, it } from 'vitest';
import type { Family } from '../../grammar/model/family.js';
import { caseOf, nameOf, runCase } from './random-case.js';
import { ENGINES, ENGINES_HERE } from '../support/machine.js';

const CI = { rulesets: 200, packets: 500 } as const;
/** Rulesets of one test: a group that fails names its seeds, and a report line comes now and then. */
const GROUP = 10;

/** IPT2BPF_CAMPAIGN=N,M: so many rulesets and packets each. IPT2BPF_SEED: the first seed, 0 if unset. */
function size(): { readonly rulesets: number; readonly packets: number } {
  const given = /^(\d+),(\d+)$/.exec(process.env.IPT2BPF_CAMPAIGN ?? '');
  return given === null ? CI : { rulesets: Number(given[1]), packets: Number(given[2]) };
}

/** The half of the campaign that is about one family; the halves are files of their own and run side by side. */
export function campaign(family: Family): void {
  const { rulesets, packets } = size();
  const first = Number(process.env.IPT2BPF_SEED ?? '0');
  const seeds = Array.from({ length: rulesets }, (_, i) => first + i).filter((seed) => caseOf(seed).family === family);
  const groups = Array.from({ length: Math.ceil(seeds.length / GROUP) }, (_, i) =>
    seeds.slice(i * GROUP, (i + 1) * GROUP),
  );
  describe(`random rulesets, ${family}, ${packets} packets each (${ENGINES_HERE})`, () => {
    it.each(groups.map((group) => ({ group, name: `seeds ${group[0]} to ${group[group.length - 1]}` })))(
      '$name: no mismatches',
      async ({ group }) => {
        const troubles: string[] = [];
        let asked = 0;
        for (const seed of group) {
          const { result, trouble } = await runCase(caseOf(seed), packets, ENGINES).catch((error: unknown) => {
            throw new Error(`${nameOf(caseOf(seed))}: ${String(error)}`, { cause: error });
          });
          if (trouble !== '') troubles.push(trouble);
          if (!result.ok) continue;
          // An engine that was not asked is no witness.
          for (const { engine, skipped } of result.engines) {
            if (skipped !== undefined) troubles.push(`${nameOf(caseOf(seed))}: ${engine} skipped: ${skipped}`);
          }
          asked += result.engines.reduce((sum, engine) => sum + engine.packets, 0);
        }
        expect(troubles.join('\n\n')).toBe('');
        expect(asked).toBeGreaterThan(0);
      },
      60_000 + GROUP * packets * 60,
    );
  });
}
