import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family, TableName } from '../../grammar/index.js';

/** A line of a real dump with the chains that its table declares. */
export interface CorpusLine {
  readonly family: Family;
  readonly table: TableName;
  readonly chains: readonly string[];
  readonly text: string;
}

export interface Corpus {
  /** Rules, one of each shape. */
  readonly rules: readonly CorpusLine[];
  /** Whole tables of few lines. */
  readonly tables: readonly { readonly family: Family; readonly text: string }[];
  /** Words that stood behind an option, by its flag: `--dport` → `80`, `1024:65535`, … */
  readonly values: ReadonlyMap<string, readonly (readonly string[])[]>;
}

const FIXTURES = join(import.meta.dirname, '../../fixtures/dumps');
const TABLES: readonly TableName[] = ['filter', 'nat', 'mangle', 'raw', 'security'];
const SMALL_TABLE = 24;
const VALUES_KEPT = 200;

/** Dumps of the fixtures and, where `shared` is given, the collected ones and the rules of iptables' own suite. */
export function readCorpus(shared: string | undefined): Corpus {
  const corpus = new CorpusBuilder();
  const folders = [FIXTURES, ...(shared === undefined ? [] : [join(shared, 'dumps'), join(shared, 'dumps-broken')])];
  for (const folder of folders.filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder).sort()) {
      if (!/\.v[46]$/.test(name)) continue;
      corpus.addDump(readFileSync(join(folder, name), 'utf8'), name.endsWith('.v6') ? 'v6' : 'v4');
    }
  }
  const suite = join(shared ?? '', 'iptables-t', 'cases.jsonl');
  if (shared !== undefined && existsSync(suite)) corpus.addSuite(readFileSync(suite, 'utf8'));
  return corpus.finish();
}

/** Rules of iptables' own suite, one of each shape; none where the folder has no suite. */
export function readSuite(shared: string): readonly CorpusLine[] {
  const suite = join(shared, 'iptables-t', 'cases.jsonl');
  const corpus = new CorpusBuilder();
  if (existsSync(suite)) corpus.addSuite(readFileSync(suite, 'utf8'));
  return corpus.finish().rules;
}

interface SuiteCase {
  readonly family: Family | 'both';
  readonly table: TableName;
  readonly chain: string;
  readonly rule: string;
}

class CorpusBuilder {
  private readonly rules = new Map<string, CorpusLine>();
  private readonly tables = new Map<string, { family: Family; text: string }>();
  private readonly values = new Map<string, Map<string, readonly string[]>>();

  addDump(text: string, family: Family): void {
    let table: TableName | undefined;
    let lines: string[] = [];
    const chains = new Set<string>();
    for (const line of text.split('\n')) {
      if (line.startsWith('*')) {
        table = TABLES.find((name) => name === line.slice(1).trim());
        lines = [];
        chains.clear();
      }
      lines.push(line);
      if (line.startsWith(':')) chains.add(line.slice(1).split(' ')[0]);
      if (line.startsWith('COMMIT')) this.addTable(lines, family);
      if (table !== undefined && line.includes('-A ')) this.addRule({ family, table, chains: [], text: line }, chains);
    }
  }

  addSuite(text: string): void {
    for (const line of text.trimEnd().split('\n')) {
      const { family, table, chain, rule }: SuiteCase = JSON.parse(line);
      for (const each of family === 'both' ? (['v4', 'v6'] as const) : [family]) {
        this.addRule({ family: each, table, chains: [], text: `-A ${chain} ${rule}` }, new Set());
      }
    }
  }

  finish(): Corpus {
    const values = [...this.values].map(([flag, found]) => [flag, [...found.values()]] as const);
    return { rules: [...this.rules.values()], tables: [...this.tables.values()], values: new Map(values) };
  }

  private addTable(lines: readonly string[], family: Family): void {
    if (lines.length > SMALL_TABLE) return;
    const text = `${lines.join('\n')}\n`;
    this.tables.set(text, { family, text });
  }

  private addRule(rule: CorpusLine, chains: ReadonlySet<string>): void {
    const words = rule.text.split(/[ \t]+/).filter((word) => word !== '');
    const shape = `${rule.family} ${rule.table} ${rule.text.replaceAll(/[0-9a-f]*\d[0-9a-f]*/gi, '0')}`;
    if (this.rules.has(shape)) return;
    this.rules.set(shape, { ...rule, chains: [...chains].filter((chain) => words.includes(chain)) });
    words.forEach((word, i) => {
      if (word.startsWith('--')) this.addValues(word, words.slice(i + 1, i + 3));
    });
  }

  private addValues(flag: string, words: readonly string[]): void {
    const end = words.findIndex((word) => /^-[-a-zA-Z]|^!$/.test(word));
    const taken = end < 0 ? words : words.slice(0, end);
    if (taken.length === 0) return;
    const found = this.values.get(flag) ?? new Map<string, readonly string[]>();
    if (found.size < VALUES_KEPT) found.set(taken.join(' '), taken.map(unquoted));
    this.values.set(flag, found);
  }
}

function unquoted(word: string): string {
  return word.replaceAll('"', '');
}
