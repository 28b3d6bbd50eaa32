import type { BuiltinChain } from '../../../grammar/model/family.js';
import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { VerifyJob } from '../../../src/verify/job.js';
import type { Hook } from '../../../codegen/program/manifest.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { judgeByHits, reachOf } from '../../../src/verify/reference.js';
import { reportText } from '../../../src/verify/report.js';
import { verify } from '../../../src/verify/verify.js';
import { MODULE_CASES, type ModuleCase } from './cases.js';
import { ENGINES, ENGINES_HERE } from '../../support/machine.js';

const PACKETS = 80;

const PLACES: readonly { readonly chain: BuiltinChain; readonly hook: Hook }[] = [
  { chain: 'INPUT', hook: 'xdp' },
  { chain: 'FORWARD', hook: 'tc' },
];

/** Each match counts, and the last packets are dropped: counters tell about every rule and every packet. */
function dumpOf({ module, head, matches }: ModuleCase, chain: BuiltinChain): string {
  const rule = (match: string): string => `-A ${chain} ${[head, `-m ${module}`, match].filter(Boolean).join(' ')}`;
  return [
    '*filter',
    ...[':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'],
    ...matches.map(rule),
    ...matches.slice(-1).map((match) => `${rule(match)} -j DROP`),
    'COMMIT',
    '',
  ].join('\n');
}

/** Rules that some packet matches. */
function rulesHit(job: VerifyJob): ReadonlySet<number> {
  const hits = new Set<number>();
  for (const packet of job.packets) {
    if (reachOf(job, packet).kind !== 'reaches') continue;
    for (const rule of judgeByHits(job, packet, () => false)?.hits ?? []) hits.add(rule.number);
  }
  return hits;
}

/** Tests that no packet of ours passes: all 256 chunk types, and none. */
const NEVER = /all ALL|any NONE|0xffffffff/;

describe(`packets aimed at the matches of each module (${ENGINES_HERE})`, () => {
  for (const { chain, hook } of PLACES) {
    it.each(MODULE_CASES.map((one) => ({ ...one, name: `${one.module}, ${one.family}, ${chain} at ${hook}` })))(
      '$name: no mismatches, every rule met',
      async (one) => {
        const text = dumpOf(one, chain);
        const { ruleset, diagnostics } = parseDump(text, { family: one.family });
        expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        const count = PACKETS * (one.matches.length + 1);
        const packets = generatePackets(ruleset, { table: 'filter', chain, count, seed: 7 });
        const result = await verify(ruleset, text, packets, { chain, hook, engines: ENGINES, minimise: 0 });
        if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
        const { job, engines, equal } = result;
        expect(equal ? '' : reportText({ job, engines, seed: 7, elapsed: 0 })).toBe('');
        expect(engines.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
        const hits = rulesHit(job);
        const missed = one.matches.filter((match, index) => !NEVER.test(match) && !hits.has(index + 1));
        expect(missed).toEqual([]);
      },
      120_000,
    );
  }
});
