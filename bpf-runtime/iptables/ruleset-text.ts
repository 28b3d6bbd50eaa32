import { splitWords, type Word } from './words.js';

export interface ChainLine {
  readonly name: string;
  readonly policy: string;
  readonly line: string;
}

export interface RuleLine {
  readonly chain: string;
  /** From 1, in its chain. */
  readonly number: number;
  /** The line as written, without the counters before it. */
  readonly line: string;
  readonly words: readonly Word[];
}

export interface TableText {
  readonly name: string;
  readonly chains: readonly ChainLine[];
  readonly rules: readonly RuleLine[];
  /** False where a line is no plain `-A`, so that numbers of rules cannot be told from the text. */
  readonly plain: boolean;
  /** All lines, `*name` and `COMMIT` with them. */
  readonly lines: readonly string[];
}

const COUNTERS = /^\[\d+:\d+\]\s*/;

/** Cuts the text of `iptables-save` into tables. Lines outside of tables are comments and left out. */
export function readTables(text: string): readonly TableText[] {
  const tables: TableText[] = [];
  let lines: string[] | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) lines = [];
    if (lines === undefined || line.startsWith('#') || line === '') continue;
    lines.push(line);
    if (line !== 'COMMIT') continue;
    tables.push(readTable(lines));
    lines = undefined;
  }
  return tables;
}

function readTable(lines: readonly string[]): TableText {
  const chains: ChainLine[] = [];
  const rules: RuleLine[] = [];
  const counts = new Map<string, number>();
  let plain = true;
  for (const line of lines.slice(1, -1)) {
    if (line.startsWith(':')) {
      const [name, policy] = line.slice(1).trim().split(/\s+/);
      plain &&= !chains.some((chain) => chain.name === name);
      chains.push({ name, policy, line });
      continue;
    }
    const rule = line.replace(COUNTERS, '');
    const words = splitWords(rule);
    if (words.length < 2 || words[0].text !== '-A' || words.some(isPlural)) {
      plain = false;
      continue;
    }
    const chain = words[1].text;
    const number = (counts.get(chain) ?? 0) + 1;
    counts.set(chain, number);
    rules.push({ chain, number, line: rule, words });
  }
  return { name: lines[0].slice(1).trim(), chains, rules, plain, lines };
}

/** Whether a word may make several rules of one line (`-s a,b`), or make the tool skip it (`-6` in an IPv4 file). */
function isPlural(word: Word, index: number, words: readonly Word[]): boolean {
  if (word.text === '-4' || word.text === '-6') return true;
  return isAddressOption(words[index - 1]?.text ?? '') && word.text.includes(',');
}

/** `-s`, `-d`, and their long names as far as getopt_long needs them. */
function isAddressOption(option: string): boolean {
  if (['-s', '-d', '--src', '--dst'].includes(option)) return true;
  return option.length > 3 && ['--source', '--destination'].some((name) => name.startsWith(option));
}
