import { describe, expect, it } from 'vitest';
import { parseDump } from '../../grammar/index.js';
import { faultOf } from './fuzz-check.js';
import { readCorpus, type Corpus } from './fuzz-corpus.js';
import { fuzzInput, type FuzzInput } from './fuzz-input.js';

/** Inputs, and the seed that they come of: IPT2BPF_FUZZ=1000000 is the full run. */
const COUNT = Number(process.env.IPT2BPF_FUZZ ?? 20_000);
const SEED = Number(process.env.IPT2BPF_FUZZ_SEED ?? 1);
const SHOWN = 5;
const SLOW_MS = 10;
/** Of the processor, not of the clock: other processes take no part of it. The collector does: the best of as many tries counts. */
const TRIES = 4;

/** What became of many inputs. */
class Report {
  readonly faults: string[] = [];
  private readonly made = new Map<string, number>();
  private accepted = 0;
  private longest = { milliseconds: 0, index: 0 };
  private readonly slow: number[] = [];

  constructor(private readonly corpus: Corpus) {}

  run(index: number): void {
    const input = fuzzInput(SEED, index, this.corpus);
    this.made.set(input.kind, (this.made.get(input.kind) ?? 0) + 1);
    try {
      const fault = faultOf(input);
      if (fault !== undefined) this.fault(index, input, fault);
    } catch (error) {
      this.fault(index, input, `thrown: ${String(error)}`);
    }
    this.measure(index, input);
  }

  private fault(index: number, { text }: FuzzInput, what: string): void {
    this.faults.push(`input ${index} of seed ${SEED}: ${what}\n${text}`);
  }

  /** Time for a line: of the whole input, which has one line to read and few others. */
  private measure(index: number, input: FuzzInput): void {
    let milliseconds = timeToRead(input, this);
    for (let i = 1; i < TRIES && milliseconds > SLOW_MS; i++) milliseconds = Math.min(milliseconds, timeToRead(input));
    if (milliseconds > SLOW_MS) this.slow.push(index);
    if (milliseconds > this.longest.milliseconds) this.longest = { milliseconds, index };
  }

  countAccepted(): void {
    this.accepted++;
  }

  text(): string {
    const kinds = [...this.made].map(([kind, count]) => `${count} ${kind}`).join(', ');
    const { rules, tables } = this.corpus;
    return [
      `fuzz: seed ${SEED}, ${COUNT} inputs (${kinds}) from ${rules.length} rules and ${tables.length} tables`,
      `fuzz: ${this.accepted} accepted, ${this.faults.length} faults, longest ${this.longest.milliseconds.toFixed(2)} ms (input ${this.longest.index}), ${this.slow.length} above ${SLOW_MS} ms (${this.slow.slice(0, SHOWN).join(', ')})`,
    ].join('\n');
  }
}

function timeToRead({ text, family }: FuzzInput, report?: Report): number {
  const start = process.cpuUsage();
  const { diagnostics } = parseDump(text, { family });
  const { user, system } = process.cpuUsage(start);
  const milliseconds = (user + system) / 1000;
  if (report !== undefined && !diagnostics.some(({ severity }) => severity === 'error')) report.countAccepted();
  return milliseconds;
}

describe('inputs made at random', () => {
  it(
    `${COUNT} of seed ${SEED} are read without a fault`,
    () => {
      const report = new Report(readCorpus(process.env.IPT2BPF_SHARED));
      for (let index = 0; index < COUNT; index++) report.run(index);
      console.log(report.text());
      expect(report.faults.slice(0, SHOWN)).toEqual([]);
    },
    60_000 + 20 * COUNT,
  );

  it('come again with their seed', () => {
    const corpus = readCorpus(undefined);
    const texts = (seed: number): readonly string[] =>
      Array.from({ length: 50 }, (_, index) => fuzzInput(seed, index, corpus).text);
    expect(texts(7)).toEqual(texts(7));
    expect(texts(7)).not.toEqual(texts(8));
  });
});
