/** A word of a query, or a parenthesis. `column` counts from 1. */
export interface Token {
  readonly text: string;
  readonly column: number;
}

/** What is wrong with a query, and where. */
export class QueryFault extends Error {
  constructor(
    readonly code: 'query-end' | 'query-word' | 'query-value' | 'query-family',
    message: string,
    readonly token: Token,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** The words of a query one by one. Words stand between blanks and parentheses. */
export class Tokens {
  readonly #all: readonly Token[];
  readonly #end: Token;
  #next = 0;

  constructor(text: string) {
    this.#all = Array.from(text.matchAll(/[()]|[^\s()]+/g), (match) => ({ text: match[0], column: match.index + 1 }));
    this.#end = { text: '', column: text.trimEnd().length + 1 };
  }

  peek(): Token | undefined {
    return this.#all[this.#next];
  }

  /** The next word, if it is this one. */
  takeIf(text: string): Token | undefined {
    const token = this.peek();
    if (token?.text !== text) return undefined;
    this.#next++;
    return token;
  }

  take(expected: string): Token {
    const token = this.#all[this.#next];
    if (token === undefined) throw new QueryFault('query-end', `${expected} is missing`, this.#end);
    this.#next++;
    return token;
  }

  /** `a,b, c`: values with commas between, and blanks behind the commas or not. */
  takeList(expected: string): readonly Token[] {
    const out: Token[] = [];
    for (;;) {
      const { text, column } = this.take(expected);
      if (text === '(' || text === ')') {
        throw new QueryFault('query-end', `${expected} is missing`, { text, column });
      }
      let at = column;
      for (const piece of text.split(',')) {
        if (piece !== '') out.push({ text: piece, column: at });
        at += piece.length + 1;
      }
      if (!text.endsWith(',')) return out;
    }
  }
}
