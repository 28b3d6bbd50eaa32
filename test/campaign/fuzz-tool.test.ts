import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Comparison } from './comparison.js';
import { readCorpus } from './fuzz-corpus.js';
import { fuzzInput } from './fuzz-input.js';
import { REASONS } from './fuzz-reasons.js';
import { ipsetText } from './ipsets.js';
import { NO_TOOL } from './round-trip.js';

/** Inputs that the real tool is asked about: IPT2BPF_FUZZ_TOOL=20000 is the full run. */
const COUNT = Number(process.env.IPT2BPF_FUZZ_TOOL ?? 1_000);
const SEED = Number(process.env.IPT2BPF_FUZZ_SEED ?? 1);
const SHOWN = 10;

describe.skipIf(NO_TOOL !== undefined)(
  `the parser beside iptables-restore${NO_TOOL === undefined ? '' : ` (${NO_TOOL})`}`,
  () => {
    it(
      `${COUNT} inputs of seed ${SEED} are taken or refused, and printed, alike`,
      () => {
        const corpus = readCorpus(process.env.IPT2BPF_SHARED);
        const rules = corpus.rules.map(({ text }) => text).join('\n');
        const comparison = new Comparison((family) => ipsetText(rules, family));
        comparison.run(
          Array.from({ length: COUNT }, (_, index) => ({
            title: `input ${index} of seed ${SEED}`,
            ...fuzzInput(SEED, index, corpus),
          })),
        );
        console.log(`fuzz: seed ${SEED}, ${COUNT} inputs, ${comparison.text()}`);
        expect(comparison.unexplained.slice(0, SHOWN)).toEqual([]);
      },
      120_000 + 100 * COUNT,
    );
  },
);

describe('reasons for differences', () => {
  const dialect = readFileSync(join(import.meta.dirname, '../../docs/dialect.md'), 'utf8');
  it.each(REASONS)('$title: in docs/dialect.md', ({ title }) => {
    expect(dialect).toMatch(new RegExp(`^\\| ${title} +\\|`, 'm'));
  });
});
