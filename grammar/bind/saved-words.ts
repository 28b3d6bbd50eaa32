import { quote, quoteIfNeeded, quoteSaved } from '../syntax/index.js';

/** Options whose value iptables-save prints with `xtables_save_string`: in quotes unless it is plain. */
const STRINGS: ReadonlySet<string> = new Set([
  '--comment',
  '--helper',
  '--label',
  '--led-trigger-id',
  '--log-prefix',
  '--nflog-prefix',
  '--path',
  '--ulog-prefix',
]);

/** Options whose value it prints in quotes always. */
const QUOTED: ReadonlySet<string> = new Set(['--bytecode', '--hex-string', '--string', '--u32']);

/** Words as iptables-save prints them, ready to be joined with blanks. */
export function savedWords(words: readonly string[]): readonly string[] {
  return words.map((word, i) => {
    const option = i === 0 ? '' : words[i - 1];
    if (!option.startsWith('--')) return quoteIfNeeded(word);
    if (STRINGS.has(option)) return quoteSaved(word);
    return QUOTED.has(option) ? quote(word) : quoteIfNeeded(word);
  });
}
