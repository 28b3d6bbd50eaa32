import type { Parsed, ValueType } from '../define.js';
import { hex, scanNumber, UINT32, type NumberRange } from './number.js';

/** What is done with the 32-bit word read so far. `@` moves the start of the packet by it and reads another word. */
export const U32_OPERATORS = ['&', '<<', '>>', '@'] as const;
export type U32Operator = (typeof U32_OPERATORS)[number];

export interface U32Step {
  readonly operator: U32Operator;
  /** Mask, bits to shift, or for `@` the offset in bytes from the new start. */
  readonly number: number;
}

/** One test: a word of four bytes in network order, what is done with it from left to right, what it must be then. */
export interface U32Test {
  /** In bytes from the network header. */
  readonly offset: number;
  readonly steps: readonly U32Step[];
  /** The test holds if one of them has the word; none has it where `lo` is greater than `hi`. */
  readonly ranges: readonly NumberRange[];
}

/** Tests, numbers of a location, and ranges at most (XT_U32_MAXSIZE). */
const MOST = 10;

/** Tests joined by `&&`: all must hold. The language is that of iptables libxt_u32.c `u32_parse`. */
export const u32Tests: ValueType<readonly U32Test[]> = {
  arity: 1,
  placeholder: 'location=value[&&location=value]…',
  parse: ([word]) => new Reader(word).tests(),
  print: (tests) => [tests.map(printTest).join('&&')],
};

function printTest({ offset, steps, ranges }: U32Test): string {
  const location = [hex(offset), ...steps.map(({ operator, number }) => operator + hex(number))].join('');
  const values = ranges.map(({ lo, hi }) => (lo === hi ? hex(lo) : `${hex(lo)}:${hex(hi)}`));
  return `${location}=${values.join(',')}`;
}

/** A fault at a place in the word; thrown within this file alone. */
class Fault extends Error {}

/** Reads the tests from left to right. Blanks may stand around every number and operator. */
class Reader {
  private at = 0;

  constructor(private readonly word: string) {}

  tests(): Parsed<readonly U32Test[]> {
    try {
      const tests = [this.test()];
      while (this.take('&&')) tests.push(this.test());
      if (this.at < this.word.length) this.fail('"," or "&&" is expected');
      if (tests.length > MOST) return { error: `"${this.word}" has more than ${MOST} tests` };
      return { value: tests };
    } catch (fault) {
      if (fault instanceof Fault) return { error: fault.message };
      throw fault;
    }
  }

  private test(): U32Test {
    const offset = this.number('a location');
    const steps: U32Step[] = [];
    while (!this.take('=')) steps.push(this.step());
    if (steps.length >= MOST) this.fail(`more than ${MOST} numbers in a location`);
    const ranges = [this.range()];
    while (this.take(',')) ranges.push(this.range());
    if (ranges.length > MOST) this.fail(`more than ${MOST} values in a test`);
    return { offset, steps, ranges };
  }

  private step(): U32Step {
    const operator = U32_OPERATORS.find((name) => this.take(name));
    if (operator === undefined) return this.fail('"=" or one of "&", "<<", ">>", "@" is expected');
    const number = this.number('a number');
    // Older kernels take it and leave to the processor what it means.
    if ((operator === '<<' || operator === '>>') && number >= 32) {
      this.fail('a word can be shifted by 31 bits at most');
    }
    return { operator, number };
  }

  private range(): NumberRange {
    const lo = this.number('a value');
    return { lo, hi: this.take(':') ? this.number('a value') : lo };
  }

  private number(wanted: string): number {
    const text = this.word.slice(this.at);
    const scanned = scanNumber(text, 0, UINT32);
    if (scanned === undefined) return this.fail(`${wanted} in 0-${UINT32} is expected`);
    this.at += text.length - scanned.rest.length;
    this.skipBlanks();
    return scanned.value;
  }

  private take(text: string): boolean {
    if (!this.word.startsWith(text, this.at)) return false;
    this.at += text.length;
    this.skipBlanks();
    return true;
  }

  private skipBlanks(): void {
    while (this.at < this.word.length && ' \t\n\v\f\r'.includes(this.word[this.at])) this.at++;
  }

  private fail(reason: string): never {
    throw new Fault(`"${this.word}", character ${this.at + 1}: ${reason}`);
  }
}
