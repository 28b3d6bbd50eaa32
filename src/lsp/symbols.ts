import { linesOf, rangeOf, type Range } from './places.js';

export interface OutlineEntry {
  readonly name: string;
  readonly detail: string;
  /** All of it; and the word that names it. */
  readonly range: Range;
  readonly selection: Range;
  readonly children: readonly OutlineEntry[];
}

/** Tables and their chains, in the order of the text. */
export function outlineOf(text: string): readonly OutlineEntry[] {
  const tables: OutlineEntry[] = [];
  let chains: OutlineEntry[] = [];
  let rules = new Map<string, number>();
  for (const line of linesOf(text)) {
    const range = rangeOf(line.range);
    const table = tables.at(-1);
    if (line.kind === 'table') {
      chains = [];
      rules = new Map();
      const selection = line.name === undefined ? range : rangeOf(line.name);
      tables.push({ name: line.name?.text ?? '(no name)', detail: 'table', range, selection, children: chains });
    } else if (table !== undefined) {
      tables[tables.length - 1] = { ...table, range: { start: table.range.start, end: range.end } };
    }
    if (line.kind === 'chain' && line.name !== undefined) {
      const policy = line.policy?.text ?? '-';
      const detail = policy === '-' ? 'chain' : `chain, policy ${policy}`;
      chains.push({ name: line.name.text, detail, range, selection: rangeOf(line.name), children: [] });
    }
    if (line.kind === 'rule') {
      const chain = line.words[1]?.text ?? '';
      rules.set(chain, (rules.get(chain) ?? 0) + 1);
      const at = chains.findIndex(({ name }) => name === chain);
      if (at >= 0) {
        const count = rules.get(chain) ?? 0;
        const detail = chains[at].detail.replace(/, \d+ rules?$/, '');
        chains[at] = { ...chains[at], detail: `${detail}, ${count} ${count === 1 ? 'rule' : 'rules'}` };
      }
    }
  }
  return tables;
}
