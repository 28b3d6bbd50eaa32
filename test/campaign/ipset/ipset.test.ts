import type { BuiltinChain } from '../../../grammar/model/family.js';
import { describe, expect, it } from 'vitest';
import { hasCommand } from '../../../bpf-runtime/system/command.js';
import type { Hook, Mode } from '../../../codegen/program/manifest.js';
import { parseDump } from '../../../grammar/index.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { bindSets, parseSets } from '../../../grammar/sets/index.js';
import { generatePackets } from '../../../src/verify/generate.js';
import type { EngineName } from '../../../src/verify/job.js';
import { reportText } from '../../../src/verify/report.js';
import { verifyNetfilter } from '../../../src/verify/verify-netfilter.js';
import { verify, type VerifyResult } from '../../../src/verify/verify.js';
import { SET_CASES, type SetCase } from './cases.js';
import { randomSets } from './random-sets.js';

const ABLE = process.platform === 'linux' && process.geteuid?.() === 0 && hasCommand('ipset', ['--version']);
const ENGINES: readonly EngineName[] = ABLE ? ['interpreter', 'kernel', 'iptables'] : ['interpreter'];
const WHO = ABLE ? ENGINES.join(', ') : 'interpreter alone: kernel and iptables need root and ipset';

const PLACES: readonly { readonly chain: BuiltinChain; readonly hook: Hook }[] = [
  { chain: 'INPUT', hook: 'xdp' },
  { chain: 'INPUT', hook: 'tc' },
  { chain: 'FORWARD', hook: 'tc' },
  { chain: 'OUTPUT', hook: 'tc' },
];
const CHAINS = ['INPUT', 'FORWARD', 'OUTPUT'] as const;

/** Each test counts packets; the last one of them in each chain decides, too. */
function dumpOf({ tests }: SetCase, ending = 'DROP'): string {
  const rules = CHAINS.flatMap((chain) => [
    ...tests.map((test) => `-A ${chain} -m set ${test}`),
    `-A ${chain} -m set ${tests[0]} -j ${ending}`,
  ]);
  return ['*filter', ...CHAINS.map((chain) => `:${chain} ACCEPT [0:0]`), ...rules, 'COMMIT', ''].join('\n');
}

function bind(one: SetCase, text: string): Ruleset {
  const { ruleset, diagnostics } = parseDump(text, { family: one.family });
  const sets = parseSets(one.ipset);
  expect([...diagnostics, ...sets.diagnostics]).toEqual([]);
  return bindSets(ruleset, sets.sets);
}

function expectEqual(result: VerifyResult): void {
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  const { job, engines, equal } = result;
  expect(equal ? '' : reportText({ job, engines, seed: 7, elapsed: 0 })).toBe('');
  expect(engines.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
}

async function verifyWire(
  one: SetCase,
  chain: BuiltinChain,
  hook: Hook,
  count: number,
  mode: Mode = 'exact',
): Promise<void> {
  const text = dumpOf(one);
  const ruleset = bind(one, text);
  const packets = generatePackets(ruleset, { table: 'filter', chain, count, seed: 7 });
  const { ipset } = one;
  expectEqual(await verify(ruleset, text, packets, { chain, hook, mode, ipset, engines: ENGINES, minimise: 0 }));
}

describe(`packets in IP sets and beside (${WHO})`, () => {
  for (const { chain, hook } of PLACES) {
    it.each(SET_CASES)(
      `$family, ${chain} at ${hook}: no mismatches`,
      (one) => verifyWire(one, chain, hook, 60 * one.tests.length),
      240_000,
    );
  }

  it.each(SET_CASES)('$family: nothing dropped early that iptables may accept', (one) =>
    verifyWire(one, 'INPUT', 'xdp', 1000, 'early'),
  );

  it.each(SET_CASES)(
    '$family, netfilter, all chains on conversations: no mismatches',
    async (one) => {
      const text = dumpOf(one, 'REJECT');
      const { ipset } = one;
      expectEqual(await verifyNetfilter(bind(one, text), text, { engines: ENGINES, count: 1500, seed: 3, ipset }));
    },
    240_000,
  );

  const seeds = Array.from({ length: 10 }, (_, i) => i + 1);
  it.each(seeds)(
    'random sets, seed %i: no mismatches',
    async (seed) => {
      const { chain, hook } = PLACES[seed % PLACES.length];
      await verifyWire(randomSets(seed, seed % 2 === 0 ? 'v4' : 'v6'), chain, hook, 1000);
    },
    240_000,
  );
});
