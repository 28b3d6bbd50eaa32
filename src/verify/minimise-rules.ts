import { parseDump } from '../../grammar/index.js';
import type { Family, TableName } from '../../grammar/model/family.js';
import { findTable, type Rule } from '../../grammar/model/ruleset.js';

export interface RulesPlace {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
}

/** The dump without its other tables, if it has any. */
export function* withoutOtherTables(text: string, { table }: RulesPlace): Iterable<string> {
  let own = true;
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) own = line.trim() === `*${table}`;
    if (own) kept.push(line);
    if (line.trim() === 'COMMIT') own = true;
  }
  const shorter = kept.join('\n');
  if (shorter !== text) yield shorter;
}

/** Lines that make a table, which every dump needs. */
const isFrame = (line: string): boolean => /^\*|^COMMIT|^:[A-Z]+ (ACCEPT|DROP)\b|^$/.test(line);

/** The dump without `size` lines of rules, chains and comments, from the first on. */
export function* withoutChunks(text: string, size: number): Iterable<string> {
  const lines = text.split('\n');
  const loose = lines.flatMap((line, i) => (isFrame(line) ? [] : [i]));
  for (let at = 0; at < loose.length; at += size) {
    const gone = new Set(loose.slice(at, at + size));
    yield lines.filter((_, i) => !gone.has(i)).join('\n');
  }
}

/** The dump without one test of one rule. */
export function* withoutTests(text: string, { family, table }: RulesPlace): Iterable<string> {
  const { ruleset } = parseDump(text, { family });
  const lines = text.split('\n');
  for (const { name, rules } of findTable(ruleset, table)?.chains ?? []) {
    for (const rule of rules) {
      const parts = partsOf(rule);
      for (const part of parts) {
        const words = ['-A', name, ...parts.filter((other) => other !== part).flat(), ...rule.target.words];
        const shorter = [...lines];
        shorter[rule.range.line - 1] = words.map(quote).join(' ');
        yield shorter.join('\n');
      }
    }
  }
}

/** What can be left out by itself: each option of the head with its value, and each match. */
function partsOf(rule: Rule): readonly (readonly string[])[] {
  const head: string[][] = [];
  for (const word of rule.headWords) {
    const last = head.at(-1);
    // `! -s address` is one part, and so is `-f`, which has no value.
    const opens = word === '!' || (word.startsWith('-') && last?.at(-1) !== '!');
    if (opens || last === undefined) head.push([word]);
    else last.push(word);
  }
  return [...head, ...rule.matches.map(({ words }) => words)];
}

function quote(word: string): string {
  return /^[^\s"'\\]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}
