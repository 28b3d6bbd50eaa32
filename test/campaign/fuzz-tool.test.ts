import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../grammar/index.js';
import { compare, type Difference } from './fuzz-compare.js';
import { readCorpus } from './fuzz-corpus.js';
import { fuzzInput, type FuzzInput } from './fuzz-input.js';
import { reasonFor, REASONS } from './fuzz-reasons.js';
import { Tool } from './fuzz-tool.js';
import { ipsetText } from './ipsets.js';
import { NO_TOOL } from './round-trip.js';

/** Inputs that the real tool is asked about: IPT2BPF_FUZZ_TOOL=20000 is the full run. */
const COUNT = Number(process.env.IPT2BPF_FUZZ_TOOL ?? 1_000);
const SEED = Number(process.env.IPT2BPF_FUZZ_SEED ?? 1);
/** Folder with iptables, ip6tables-restore and so on, where they are not the installed ones. */
const BUILD = process.env.IPT2BPF_IPTABLES;
const BATCH = 250;
const SHOWN = 10;
const FAMILIES: readonly Family[] = ['v4', 'v6'];

interface Asked extends FuzzInput {
  readonly index: number;
}

/** Differences without a reason, and how many there are for each reason. */
class Comparison {
  readonly unexplained: string[] = [];
  private readonly corpus = readCorpus(process.env.IPT2BPF_SHARED);
  private readonly sets = this.corpus.rules.map(({ text }) => text).join('\n');
  private readonly reasons = new Map<string, number>();
  private readonly agreed = { both: 0, neither: 0 };
  private version = '';

  run(): void {
    const inputs = Array.from({ length: COUNT }, (_, index) => ({ index, ...fuzzInput(SEED, index, this.corpus) }));
    for (const family of FAMILIES) {
      const tool = this.tool(family);
      this.version = tool.version();
      const asked = inputs.filter((input) => input.family === family);
      try {
        for (let at = 0; at < asked.length; at += BATCH) this.batch(tool, asked.slice(at, at + BATCH));
      } finally {
        tool.close();
      }
    }
  }

  private tool(family: Family): Tool {
    return new Tool(family, BUILD, ipsetText(this.sets, family));
  }

  private batch(tool: Tool, inputs: readonly Asked[]): void {
    const answers = tool.ask(inputs.map(({ text }) => text));
    inputs.forEach((input, i) => {
      const difference = compare(input, answers[i]);
      // What an input before it left behind may have had a part in it.
      if (difference === undefined) this.agreed[answers[i].accepted ? 'both' : 'neither']++;
      else this.add(input, this.alone(input));
    });
  }

  private alone(input: Asked): Difference | undefined {
    const tool = this.tool(input.family);
    try {
      return compare(input, tool.ask([input.text])[0]);
    } finally {
      tool.close();
    }
  }

  private add({ index }: Asked, difference: Difference | undefined): void {
    if (difference === undefined) return;
    const reason = reasonFor(difference, this.version);
    if (reason === undefined)
      this.unexplained.push(`input ${index} of seed ${SEED}: ${describeDifference(difference)}`);
    else this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  text(): string {
    const reasons = [...this.reasons].map(([title, count]) => `${count} ${title}`).join(', ');
    return [
      `fuzz: seed ${SEED}, ${COUNT} inputs asked of iptables ${this.version}`,
      `fuzz: ${this.agreed.both} loaded and printed alike, ${this.agreed.neither} refused by both; differ: ${reasons}; ${this.unexplained.length} unexplained`,
    ].join('\n');
  }
}

function describeDifference({ kind, input, diagnostics, printed, answer, saved }: Difference): string {
  switch (kind) {
    case 'accepted':
      return `refused by the tool alone: ${answer.message}\n${input.text}`;
    case 'refused':
      return `refused by the parser alone: ${diagnostics[0].message}\n${input.text}`;
    case 'text':
      return `printed\n${printed}saved\n${saved}`;
    default:
      return kind satisfies never;
  }
}

describe.skipIf(NO_TOOL !== undefined)(
  `the parser beside iptables-restore${NO_TOOL === undefined ? '' : ` (${NO_TOOL})`}`,
  () => {
    it(
      `${COUNT} inputs of seed ${SEED} are taken or refused, and printed, alike`,
      () => {
        const comparison = new Comparison();
        comparison.run();
        console.log(comparison.text());
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
