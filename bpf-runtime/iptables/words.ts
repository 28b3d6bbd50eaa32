/** A word of an `iptables-restore` line, with its place in the line. */
export interface Word {
  /** Without quotes and escapes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Splits a rule line as iptables-restore does (libxtables/xtables.c, iptables/xshared.c add_param_to_argv): blanks
 * separate, `"` quotes, `\` escapes inside quotes only.
 */
export function splitWords(line: string): readonly Word[] {
  const words: Word[] = [];
  let text = '';
  let start = -1;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (quoted && char === '\\') {
      text += line[++i] ?? '';
    } else if (char === '"') {
      quoted = !quoted;
      if (start < 0) start = i;
    } else if (!quoted && /\s/.test(char)) {
      if (start >= 0) words.push({ text, start, end: i });
      text = '';
      start = -1;
    } else {
      if (start < 0) start = i;
      text += char;
    }
  }
  if (start >= 0) words.push({ text, start, end: line.length });
  return words;
}

/** Options whose value is free text, which may look like an option. */
const TEXT_OPTIONS = new Set([
  '--comment',
  '--log-prefix',
  '--nflog-prefix',
  '--ulog-prefix',
  '--string',
  '--hex-string',
]);

const JUMP = /^(-j|--ju?m?p?)$/;
const GOTO = /^(-g|--go?t?o?)$/;

export interface RuleTarget {
  readonly goto: boolean;
  readonly name: string;
  /** Index of the `-j` word; the name is the next one. */
  readonly at: number;
}

/** The `-j` or `-g` of a rule. */
export function findRuleTarget(words: readonly Word[]): RuleTarget | undefined {
  for (let at = 0; at + 1 < words.length; at++) {
    if (at > 0 && TEXT_OPTIONS.has(words[at - 1].text)) continue;
    const { text } = words[at];
    if (JUMP.test(text)) return { goto: false, name: words[at + 1].text, at };
    if (GOTO.test(text)) return { goto: true, name: words[at + 1].text, at };
  }
  return undefined;
}
