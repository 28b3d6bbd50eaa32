import { describe, expect, it } from 'vitest';
import { Comparison, type Asked } from './comparison.js';
import { readSuite } from './fuzz-corpus.js';
import { ipsetText } from './ipsets.js';
import { neighbours, type PlacedRule } from './neighbours.js';
import { NO_TOOL } from './round-trip.js';

const SHARED = process.env.IPT2BPF_SHARED;
/** Rules that the real tool is asked about, spread evenly: IPT2BPF_NEIGHBOURS=all for every one. */
const COUNT = process.env.IPT2BPF_NEIGHBOURS ?? '500';
const SHOWN = 40;
const WHY = SHARED === undefined ? 'needs IPT2BPF_SHARED' : NO_TOOL;

/** The rules beside those of iptables' own suite, each once. */
function inputs(): readonly Asked[] {
  const suite = readSuite(SHARED ?? '').flatMap(({ family, table, text }): PlacedRule[] => {
    const [, chain, rule] = /^-A (\S+) (.*)$/.exec(text) ?? [];
    return chain === undefined ? [] : [{ family, table, chain, rule }];
  });
  const texts = new Map<string, Asked>();
  for (const { family, table, chain, rule } of suite.flatMap((one) => [...neighbours(one)])) {
    const title = `${family} ${table} -A ${chain} ${rule}`;
    texts.set(title, { kind: 'grammar', title, family, text: `*${table}\n-A ${chain} ${rule}\nCOMMIT\n` });
  }
  const all = [...texts.values()];
  if (COUNT === 'all') return all;
  const step = Math.max(1, Math.floor(all.length / Number(COUNT)));
  return all.filter((_, i) => i % step === 0);
}

describe.skipIf(WHY !== undefined)(`rules beside those of the suite${WHY === undefined ? '' : ` (${WHY})`}`, () => {
  it('are taken or refused, and printed, as by iptables', { timeout: 7_200_000 }, () => {
    const asked = inputs();
    const rules = asked.map(({ text }) => text).join('\n');
    const comparison = new Comparison((family) => ipsetText(rules, family));
    comparison.run(asked);
    console.log(`neighbours: ${asked.length} rules, ${comparison.text()}`);
    expect(comparison.unexplained.slice(0, SHOWN)).toEqual([]);
  });
});
