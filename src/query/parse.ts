import { all, any, not, type Condition } from '../../grammar/model/condition.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Family } from '../../grammar/model/family.js';
import { didYouMean } from '../../grammar/modules/value/suggest.js';
import { protocolIs, protocolNumber, TERMS } from './terms.js';
import { QueryFault, Tokens, type Token } from './tokens.js';

export type QueryResult =
  | { readonly ok: true; readonly condition: Condition }
  /** Line 1; columns count from 1. */
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** Queries that have names, for `$NAME`. */
export type Definitions = ReadonlyMap<string, Condition>;

/**
 * Reads a query for packets:
 *
 *     query = both { "or" both }
 *     both  = one { [ "and" ] one }
 *     one   = "not" one | "(" query ")" | "$" NAME | PROTOCOL | TERM [ value { "," value } ]
 *
 * What stands beside each other holds together; see {@link TERMS} for the terms. The condition never drops a packet.
 */
export function parseQuery(text: string, family: Family, definitions: Definitions = new Map()): QueryResult {
  try {
    return { ok: true, condition: new QueryReader(new Tokens(text), family, definitions).read() };
  } catch (error) {
    if (!(error instanceof QueryFault)) throw error;
    const { code, message, hint, token } = error;
    const range = { line: 1, column: token.column, length: Math.max(1, token.text.length) };
    return { ok: false, diagnostic: { ...range, code, severity: 'error', message, ...(hint && { hint }) } };
  }
}

class QueryReader {
  constructor(
    private readonly tokens: Tokens,
    private readonly family: Family,
    private readonly definitions: Definitions,
  ) {}

  read(): Condition {
    const condition = this.#query();
    const rest = this.tokens.peek();
    if (rest !== undefined) throw new QueryFault('query-word', `"${rest.text}" closes nothing`, rest);
    return condition;
  }

  #query(): Condition {
    const parts = [this.#both()];
    while (this.tokens.takeIf('or') !== undefined) parts.push(this.#both());
    return any(...parts);
  }

  #both(): Condition {
    const parts = [this.#one()];
    for (;;) {
      const next = this.tokens.peek();
      if (next === undefined || next.text === 'or' || next.text === ')') return all(...parts);
      this.tokens.takeIf('and');
      parts.push(this.#one());
    }
  }

  #one(): Condition {
    const token = this.tokens.take('what the packets have in common');
    if (token.text === 'not') return not(this.#one());
    if (token.text === '(') {
      const inside = this.#query();
      if (this.tokens.takeIf(')') !== undefined) return inside;
      throw new QueryFault('query-end', 'this parenthesis is not closed', token);
    }
    if (token.text.startsWith('$')) return this.#named(token);
    const term = TERMS.find(({ name }) => name === token.text);
    if (term !== undefined) {
      const values = term.argument === undefined ? [] : this.tokens.takeList(`${term.argument} behind "${term.name}"`);
      return term.read(values, this.family);
    }
    if (protocolNumber(token.text) !== undefined) return protocolIs(token, this.family);
    throw unknownWord(token);
  }

  #named(token: Token): Condition {
    const found = this.definitions.get(token.text.slice(1));
    if (found !== undefined) return found;
    const names = [...this.definitions.keys()].map((name) => `$${name}`);
    throw new QueryFault('query-word', `${token.text} is not defined`, token, didYouMean(token.text, names));
  }
}

function unknownWord(token: Token): QueryFault {
  const words = [...TERMS.map(({ name }) => name), 'tcp', 'udp', 'icmp', 'icmp6', 'and', 'or', 'not'];
  const meant = didYouMean(token.text, words);
  return new QueryFault('query-word', `"${token.text}" is not known`, token, meant ?? `words are ${words.join(', ')}`);
}
