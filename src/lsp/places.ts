import { readLines, type Line, type RuleLine, type Word } from '../../grammar/syntax/index.js';

/** A place in a text as editors count: lines and UTF-16 code units from 0. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** The range of something of one line; columns of the grammar count from 1. */
export function rangeOf({ line, column, length }: { line: number; column: number; length: number }): Range {
  const start = { line: line - 1, character: column - 1 };
  return { start, end: { line: start.line, character: start.character + Math.max(1, length) } };
}

export const linesOf = (text: string): readonly Line[] => [...readLines(text)];

const holds = ({ line, column, length }: Word, at: Position): boolean =>
  line - 1 === at.line && column - 1 <= at.character && at.character <= column - 1 + length;

/** The rule at a place, and which of its words is there. */
export function ruleWordAt(
  text: string,
  at: Position,
): { readonly rule: RuleLine; readonly index: number } | undefined {
  for (const line of linesOf(text)) {
    if (line.kind !== 'rule') continue;
    // Behind a word and before the next one means the next one.
    const index = line.words.findLastIndex((word) => holds(word, at));
    if (index >= 0) return { rule: line, index };
  }
  return undefined;
}

const JUMPS: ReadonlySet<string> = new Set(['-j', '-g', '--jump', '--goto']);
const CHAIN_COMMANDS: ReadonlySet<string> = new Set(['-A', '-I', '-D', '-R', '--append', '--insert', '--delete']);

/** A name of a chain where it stands. */
export interface ChainName {
  readonly name: string;
  readonly word: Word;
  /** A line that makes the chain, a jump to it, or a rule of it. */
  readonly role: 'made' | 'jump' | 'rule';
  /** The table's place among those of the text: names are a table's own. */
  readonly table: number;
}

/** Every name of a chain in the text. What stands behind `-j` may also be a target. */
export function chainNames(text: string): readonly ChainName[] {
  const found: ChainName[] = [];
  let table = -1;
  for (const line of linesOf(text)) {
    if (line.kind === 'table') table += 1;
    if (line.kind === 'chain' && line.name !== undefined) {
      found.push({ name: line.name.text, word: line.name, role: 'made', table });
    }
    if (line.kind !== 'rule') continue;
    line.words.forEach((word, at) => {
      const before = line.words[at - 1]?.text ?? '';
      if (JUMPS.has(before)) found.push({ name: word.text, word, role: 'jump', table });
      else if (at === 1 && CHAIN_COMMANDS.has(before)) found.push({ name: word.text, word, role: 'rule', table });
    });
  }
  return found;
}

export function chainNameAt(names: readonly ChainName[], at: Position): ChainName | undefined {
  return names.find(({ word }) => holds(word, at));
}
