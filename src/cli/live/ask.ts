import { createInterface, type Interface } from 'node:readline/promises';
import { userError } from '../output.js';
import { endProgress } from '../progress.js';

/** Asks the person at the terminal; or, with `--yes`, takes what is usual. */
export class Questions {
  readonly #lines: Interface | undefined;

  /** Throws where nobody can be asked. */
  constructor(yes: boolean) {
    if (yes) return;
    if (!process.stdin.isTTY) throw userError('usage', 'migrate asks questions: run it on a terminal, or with --yes');
    this.#lines = createInterface({ input: process.stdin, output: process.stderr });
  }

  async yes(question: string, usual = true): Promise<boolean> {
    const answer = await this.#ask(`${question} [${usual ? 'Y/n' : 'y/N'}] `);
    if (answer === '') return usual;
    return /^y(es)?$/i.test(answer);
  }

  /** A whole number from 0 on. */
  async number(question: string, usual: number): Promise<number> {
    for (;;) {
      const answer = await this.#ask(`${question} [${usual}] `);
      if (answer === '') return usual;
      if (/^\d{1,5}$/.test(answer)) return Number(answer);
    }
  }

  async #ask(question: string): Promise<string> {
    endProgress();
    return this.#lines === undefined ? '' : (await this.#lines.question(question)).trim();
  }

  close(): void {
    this.#lines?.close();
  }
}
