import type { Family, TableName } from '../../grammar/index.js';
import { Random } from '../../src/verify/random.js';
import type { Corpus } from './fuzz-corpus.js';
import { mutate } from './fuzz-bytes.js';
import { randomRule, USER_CHAINS } from './fuzz-rules.js';

/** How an input was made. */
export type InputKind = 'grammar' | 'mutated rule' | 'mutated table' | 'long line';

/** A dump of one table, most of the time of one rule. */
export interface FuzzInput {
  readonly kind: InputKind;
  readonly family: Family;
  readonly text: string;
}

/** Input number `index` of a seed: the same text for the same seed and corpus on every machine. */
export function fuzzInput(seed: number, index: number, corpus: Corpus): FuzzInput {
  const random = new Random((BigInt(seed) << 32n) | BigInt(index));
  const way = random.below(100);
  if (way < 50) return grammarInput(corpus, random);
  if (way < 87) return mutatedRule(corpus, random);
  return way < 98 ? mutatedTable(corpus, random) : longLine(corpus, random);
}

function tableText(table: TableName, chains: readonly string[], line: string): string {
  return `*${table}\n${chains.map((chain) => `:${chain} - [0:0]\n`).join('')}${line}\nCOMMIT\n`;
}

function grammarInput(corpus: Corpus, random: Random): FuzzInput {
  const family = random.chance(0.5) ? 'v4' : 'v6';
  const { table, line } = randomRule(family, corpus, random);
  const given = random.chance(0.9) ? line : mutate(line, [line], random);
  return { kind: 'grammar', family, text: tableText(table, USER_CHAINS, given) };
}

const BUILTIN = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

function mutatedRule({ rules }: Corpus, random: Random): FuzzInput {
  const { family, table, chains, text } = random.pick(rules);
  const own = chains.filter((chain) => !BUILTIN.has(chain));
  const line = mutate(text, [random.pick(rules).text], random);
  return { kind: 'mutated rule', family, text: tableText(table, own, line) };
}

/** Bytes of a line that the tool reads at once, and some more. */
const LONG = 12_000;

/** A rule with a piece of it many times over. */
function longLine({ rules }: Corpus, random: Random): FuzzInput {
  const { family, table, chains, text } = random.pick(rules);
  const own = chains.filter((chain) => !BUILTIN.has(chain));
  const at = random.below(text.length);
  const piece = text.slice(at, at + 1 + random.below(random.pick([1, 3, 10, text.length])));
  const times = random.below(Math.floor(LONG / piece.length)) + 1;
  const line = text.slice(0, at) + piece.repeat(times) + text.slice(at);
  return { kind: 'long line', family, text: tableText(table, own, line) };
}

function mutatedTable({ tables, rules }: Corpus, random: Random): FuzzInput {
  const { family, text } = random.pick(tables);
  return {
    kind: 'mutated table',
    family,
    text: mutate(text, [random.pick(tables).text, random.pick(rules).text], random),
  };
}
