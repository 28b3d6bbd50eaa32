import { EmbeddedActionsParser, Lexer, type IToken } from 'chevrotain';
import {
  ChainMark,
  Comment,
  Commit,
  MODES,
  Name,
  Newline,
  RuleCounters,
  TableMark,
  TOKENS,
  Word as WordToken,
} from './tokens.js';

/** What one line is made of, before it is given its place in the file. */
export type RawLine =
  | { readonly kind: 'empty' | 'commit' }
  | { readonly kind: 'comment'; readonly text: IToken }
  | { readonly kind: 'table' | 'chain'; readonly names: readonly IToken[] }
  | { readonly kind: 'rule'; readonly counters?: IToken; readonly words: readonly IToken[] };

/** Validation of the grammar needs a newer language library than Node 20 has; a test runs it once. */
export interface Validation {
  readonly skipValidations: boolean;
}

/** The grammar of one line. */
export class LineParser extends EmbeddedActionsParser {
  private readonly lexer: Lexer;

  constructor({ skipValidations }: Validation = { skipValidations: true }) {
    super(TOKENS, { skipValidations, maxLookahead: 1, recoveryEnabled: false });
    this.lexer = new Lexer(MODES, { skipValidations, positionTracking: 'onlyOffset' });
    this.performSelfAnalysis();
  }

  /** Parses a line given with its newline; undefined where no rule of the grammar fits. */
  parse(text: string): RawLine | undefined {
    const { tokens, errors } = this.lexer.tokenize(text);
    if (errors.length > 0) return undefined;
    this.input = tokens;
    const line = this.line();
    return this.errors.length > 0 ? undefined : line;
  }

  private readonly line = this.RULE('line', (): RawLine =>
    this.OR([
      { ALT: () => this.SUBRULE(this.empty) },
      { ALT: () => this.SUBRULE(this.comment) },
      { ALT: () => this.SUBRULE(this.commit) },
      { ALT: () => this.SUBRULE(this.table) },
      { ALT: () => this.SUBRULE(this.chain) },
      { ALT: () => this.SUBRULE(this.rule) },
    ]),
  );

  private readonly empty = this.RULE('empty', (): RawLine => {
    this.CONSUME(Newline);
    return { kind: 'empty' };
  });

  private readonly comment = this.RULE('comment', (): RawLine => {
    const text = this.CONSUME(Comment);
    this.OPTION(() => this.CONSUME(Newline));
    return { kind: 'comment', text };
  });

  private readonly commit = this.RULE('commit', (): RawLine => {
    this.CONSUME(Commit);
    return { kind: 'commit' };
  });

  private readonly table = this.RULE('table', (): RawLine => {
    this.CONSUME(TableMark);
    return { kind: 'table', names: this.SUBRULE(this.names) };
  });

  private readonly chain = this.RULE('chain', (): RawLine => {
    this.CONSUME(ChainMark);
    return { kind: 'chain', names: this.SUBRULE(this.names) };
  });

  private readonly names = this.RULE('names', (): readonly IToken[] => {
    const names: IToken[] = [];
    this.MANY(() => names.push(this.CONSUME(Name)));
    return names;
  });

  private readonly rule = this.RULE('rule', (): RawLine => {
    const counters = this.OPTION(() => this.CONSUME(RuleCounters));
    const words: IToken[] = [];
    this.MANY(() => words.push(this.CONSUME(WordToken)));
    return { kind: 'rule', counters, words };
  });
}
