import type { DumpText, Reply } from '../protocol.js';
import { EngineClient } from './engine-client.js';

/**
 * Compares the packets of the report's rules with those of an edited text, in a worker of its own: packets are followed
 * meanwhile. A text that is newer ends the comparison of the one before.
 */
export class Comparer {
  #engine: EngineClient | undefined;
  #busy = false;

  constructor(
    private readonly source: string,
    private readonly base: DumpText,
  ) {}

  async compare(text: string): Promise<Reply> {
    const engine = this.#idle();
    this.#busy = true;
    const reply = await engine.ask({ kind: 'compare', text });
    this.#busy = false;
    return reply;
  }

  /** The question that is asked, if there is one, gets no answer. */
  stop(): void {
    if (!this.#busy) return;
    this.#engine?.close();
    this.#engine = undefined;
    this.#busy = false;
  }

  #idle(): EngineClient {
    this.stop();
    if (this.#engine === undefined) {
      this.#engine = new EngineClient(this.source);
      // Where the rules cannot be read, the comparison says so.
      this.#engine.ask({ kind: 'base', dump: this.base }).catch(() => undefined);
    }
    return this.#engine;
  }
}
