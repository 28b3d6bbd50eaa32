import { createToken, Lexer, type IMultiModeLexerDefinition } from 'chevrotain';

/*
 * A line is judged by its first character, then cut into words. Words of table and chain lines know no quotes
 * (strtok), those of a rule do: `"` opens in or before a word and its closing one ends the word; an open one takes
 * all that is left of the line, newline included (iptables-restore.c, xshared.c `add_param_to_argv`).
 */
const QUOTED = '"(?:[^"\\\\]|\\\\[^])*\\\\?"?';
export const WORD = new RegExp(`[^ \\t\\n"]+(?:${QUOTED})?|${QUOTED}`);
const hint = { line_breaks: true } as const;

export const Newline = createToken({ name: 'Newline', pattern: /\n/, ...hint });
export const Comment = createToken({ name: 'Comment', pattern: /#[^\n]*/, start_chars_hint: ['#'] });
export const Commit = createToken({ name: 'Commit', pattern: /COMMIT\n/, ...hint });
export const TableMark = createToken({ name: 'TableMark', pattern: '*', push_mode: 'names' });
export const ChainMark = createToken({ name: 'ChainMark', pattern: ':', push_mode: 'names' });
export const RuleCounters = createToken({
  name: 'RuleCounters',
  pattern: /\[[^:\]\n]+:[^\]\n]+\]/,
  start_chars_hint: ['['],
  push_mode: 'arguments',
});

export const Name = createToken({ name: 'Name', pattern: /[^ \t\n]+/, ...hint });
export const Word = createToken({ name: 'Word', pattern: Lexer.NA });
export const FirstWord = createToken({
  name: 'FirstWord',
  pattern: new RegExp(`(?!\\[)(?:${WORD.source})`),
  categories: [Word],
  push_mode: 'arguments',
  ...hint,
});
export const NextWord = createToken({ name: 'NextWord', pattern: WORD, categories: [Word], ...hint });
const Indent = createToken({ name: 'Indent', pattern: /[ \t]+/, group: Lexer.SKIPPED, push_mode: 'arguments' });
const Blank = createToken({ name: 'Blank', pattern: /[ \t\n]+/, group: Lexer.SKIPPED, ...hint });

export const MODES: IMultiModeLexerDefinition = {
  defaultMode: 'line',
  modes: {
    line: [Newline, Comment, Commit, TableMark, ChainMark, RuleCounters, Indent, FirstWord],
    names: [Blank, Name],
    arguments: [Blank, NextWord],
  },
};

export const TOKENS = [
  Newline,
  Comment,
  Commit,
  TableMark,
  ChainMark,
  RuleCounters,
  Name,
  Word,
  FirstWord,
  NextWord,
  Indent,
  Blank,
];
