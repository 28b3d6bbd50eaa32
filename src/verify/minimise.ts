import type { Packet } from '../../grammar/model/packet.js';
import { withoutChunks, withoutOtherTables, withoutTests } from './minimise-rules.js';
import { simplerPackets } from './minimise-packet.js';
import type { Minimised, Mismatch, VerifyJob } from './job.js';

/** Compiles a dump and asks the engine that differed: its mismatches on the packets, by their index. None: no dump. */
export type Reproduce = (text: string, packets: readonly Packet[]) => Promise<readonly Mismatch[]>;

export interface MinimiseOptions {
  /** Milliseconds after which what is found so far is the answer. */
  readonly budget: number;
  readonly reproduce: Reproduce;
}

/**
 * Leaves out rules by halves, then tests of the rules, then what is special about the packet, as long as the engine
 * still differs (delta debugging: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002).
 * Undefined where the packet alone does not show the mismatch: it needed those before it, or chance.
 */
export async function minimise(
  job: VerifyJob,
  mismatch: Mismatch,
  { budget, reproduce }: MinimiseOptions,
): Promise<Minimised | undefined> {
  if (mismatch.index < 0) return undefined;
  const search = new Search(mismatch, Date.now() + budget, reproduce);
  const first = await search.differs(job.text, [mismatch.packet]);
  if (first === undefined) return undefined;
  const place = { family: job.family, table: job.table, chain: job.chain };
  let text = await search.shorten(job.text, first, (given) => withoutOtherTables(given, place));
  for (let size = Math.ceil(text.split('\n').length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    text = await search.shorten(text, search.best, (given) => withoutChunks(given, size));
  }
  text = await search.shorten(text, search.best, (given) => withoutTests(given, place));
  // Chains that nobody calls any more.
  text = await search.shorten(text, search.best, (given) => withoutChunks(given, 1));
  await search.simplify(text);
  return { text, mismatch: search.best, unfinished: search.isLate };
}

class Search {
  best: Mismatch;

  constructor(
    mismatch: Mismatch,
    private readonly deadline: number,
    private readonly reproduce: Reproduce,
  ) {
    this.best = mismatch;
  }

  get isLate(): boolean {
    return Date.now() >= this.deadline;
  }

  /** The first of the packets on which the engine still differs in the same way. */
  async differs(text: string, packets: readonly Packet[]): Promise<Mismatch | undefined> {
    if (this.isLate || packets.length === 0) return undefined;
    const found = await this.reproduce(text, packets).catch(() => []);
    const same = found.filter(({ what, index }) => what === this.best.what && index >= 0);
    same.sort((a, b) => a.index - b.index);
    return same.length === 0 ? undefined : same[0];
  }

  /** Tries the shorter texts in turn, each made from the shortest so far, until none differs any more. */
  async shorten(text: string, mismatch: Mismatch, shorter: (text: string) => Iterable<string>): Promise<string> {
    this.best = mismatch;
    let current = text;
    let skip = 0;
    for (;;) {
      let at = 0;
      let next: string | undefined;
      for (const candidate of shorter(current)) {
        if (at++ < skip) continue;
        const found = await this.differs(candidate, [this.best.packet]);
        if (found !== undefined) {
          this.best = found;
          next = candidate;
          break;
        }
        if (this.isLate) return current;
      }
      if (next === undefined) return current;
      current = next;
      // What stood before the part that is gone was needed a moment ago: go on behind it.
      skip = at - 1;
    }
  }

  async simplify(text: string): Promise<void> {
    for (;;) {
      const found = await this.differs(text, simplerPackets(this.best.packet));
      if (found === undefined) return;
      this.best = found;
    }
  }
}
