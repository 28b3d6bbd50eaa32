import { describe, expect, it } from 'vitest';
import { analyse, compile } from '../../../codegen/program/index.js';
import { evaluate, MOST_VISITS } from '../../../src/evaluate/index.js';
import { buildPacket } from '../../../src/packet/index.js';
import { isEndless } from '../../../src/verify/endless.js';
import type { EngineReport, VerifyJob } from '../../../src/verify/job.js';
import { ask } from '../../../src/verify/verify.js';
import { filterText, rulesetOf } from '../../codegen/program/rulesets.js';

/** Each chain jumps to the next one twice: 2^depth ways lead to the rule at the end. */
function doubling(depth: number, end: string): string {
  const names = Array.from({ length: depth }, (_, i) => `C${i}`);
  const jumps = ['INPUT', ...names.slice(0, -1)].flatMap((name, i) => [`-A ${name} -j C${i}`, `-A ${name} -j C${i}`]);
  return filterText({ userChains: names, rules: [...jumps, `-A C${depth - 1} ${end}`] });
}

const ip = { family: 'v4', source: 0x0a000001n, destination: 0xc0000201n } as const;
const PACKET = buildPacket({ ip, transport: { kind: 'udp', sport: 4000, dport: 80 } }, { inInterface: 'eth0' });
const HOOK = { hook: 'xdp', chain: 'INPUT' } as const;

/** The rules of one text, the object of another one. */
async function compared(rules: string, object: string): Promise<EngineReport> {
  const ruleset = rulesetOf(rules);
  const compiled = compile(rulesetOf(object), HOOK);
  const analysed = analyse(ruleset, HOOK);
  if (!compiled.ok || !analysed.ok) throw new Error('not compiled');
  const { manifest, object: bytes } = compiled;
  const { analysis } = analysed;
  const job: VerifyJob = {
    ...{ ruleset, text: rules, family: 'v4', table: 'filter', chain: 'INPUT', manifest, analysis },
    object: bytes,
    packets: [PACKET],
  };
  return ask(job, 'interpreter', new Set());
}

describe('packets on whose way chains are visited too often to walk', () => {
  it.each([
    { depth: 10, ends: true },
    { depth: 20, ends: false },
    { depth: 60, ends: false },
  ])('the reference ends after some visits: $depth deep', ({ depth, ends }) => {
    const ruleset = rulesetOf(doubling(depth, '-p tcp'));
    const result = evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet: PACKET });
    expect(result.kind === 'unknown' ? result.unknown.kind : result.kind).toBe(ends ? 'decided' : 'too-long');
    expect(result.hits.length).toBeLessThanOrEqual(MOST_VISITS + 1);
    expect(isEndless({ ruleset, table: 'filter', chain: 'INPUT' })).toBe(!ends);
  });

  it('their verdicts are compared', async () => {
    const report = await compared(doubling(40, '-p tcp -j DROP'), doubling(40, '-p tcp -j DROP'));
    expect(report).toMatchObject({ packets: 1, mismatches: [], verdicts: { accept: 1 } });
    expect(report.notes.at(-1)).toMatch(/^of 1 packets/);
  });

  it('another verdict is a mismatch', async () => {
    const report = await compared(doubling(40, '-p tcp -j DROP'), doubling(40, '-p udp -j DROP'));
    expect(report.mismatches).toMatchObject([{ index: 0, what: 'verdict', want: 'accept', have: 'drop' }]);
  });
});
