import { describe, expect, it } from 'vitest';
import { parseDump } from '../../../grammar/index.js';
import type { Ruleset } from '../../../grammar/model/ruleset.js';
import { diffPackets, SUMMARY, type PacketDiffOptions } from '../../../src/diff/packets.js';
import { diffText } from '../../../src/diff/print.js';
import { diffDumps } from '../../../src/diff/rules.js';

const PAIRS = 30;
const NETS = 14;

/** A rule that has gone stood before many that accept, and the last of them accepts what lies in many networks. */
function sides(): readonly [Ruleset, Ruleset] {
  const dump = (lines: readonly string[]): Ruleset =>
    parseDump(['*filter', ':INPUT DROP [0:0]', ...lines, 'COMMIT', ''].join('\n'), { family: 'v4' }).ruleset;
  const accepting = [
    ...Array.from({ length: PAIRS - 1 }, (_, i) => `-A INPUT -p tcp -m tcp --dport ${i + 1} -j ACCEPT`),
    ...Array.from({ length: NETS }, (_, i) => `-A INPUT -s 10.${2 * i}.0.0/16 -p udp -j DROP`),
    '-A INPUT -p udp -j ACCEPT',
  ];
  return [dump(['-A INPUT -d 192.0.2.0/24 -j DROP', ...accepting]), dump(accepting)];
}

async function told(options: PacketDiffOptions, values?: number): Promise<readonly string[]> {
  const [a, b] = sides();
  const [before, after] = [
    { ruleset: a, file: 'a' },
    { ruleset: b, file: 'b' },
  ];
  const rules = await diffDumps(before, after);
  const chain = await diffPackets(a, b, { table: 'filter', chain: 'INPUT' }, options);
  return diffText({ before, after, rules, chains: [chain], strict: false }, values).split('\n');
}

describe('the text of a difference', () => {
  it('is as long as people read, and says what is left out', async () => {
    const lines = await told(SUMMARY);
    expect(lines.filter((line) => line.startsWith('    before:'))).toHaveLength(SUMMARY.pairs);
    expect(lines).toContain(`  and ${PAIRS - SUMMARY.pairs} more pairs of rules`);
    expect(lines.filter((line) => line.includes('from not 10.0.0.0/16'))[0]).toMatch(/ 10\.18\.0\.0\/16 and 4 more/);
    expect(lines.filter((line) => line.startsWith('Some of it is told in short: --all'))).toHaveLength(1);
  });

  it('is whole where all is asked for', async () => {
    const lines = await told({ pairs: Infinity, ranges: Infinity }, Infinity);
    expect(lines.filter((line) => line.startsWith('    before:'))).toHaveLength(PAIRS);
    expect(lines.filter((line) => line.includes('from not 10.0.0.0/16'))[0]).toContain(`10.${2 * (NETS - 1)}.0.0/16`);
    expect(lines.filter((line) => /and \d* ?more|in short/.test(line))).toEqual([]);
  });
});
