import { printDump } from '../../grammar/index.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';

export interface DiffSide {
  readonly ruleset: Ruleset;
  readonly file: string;
}

/** How the canonical texts of two rulesets differ; numbers of lines. */
export interface RulesDiff {
  readonly same: boolean;
  /** Unified diff of the canonical texts without counters. */
  readonly patch: string;
  readonly removed: number;
  readonly added: number;
}

/** Milliseconds that the line diff may take; beyond it the texts are shown as wholly replaced. */
const TIMEOUT = 10_000;

/** Canonical text without counters: how often a rule has matched is no difference of the rules. */
function normalise(ruleset: Ruleset): string {
  return printDump(ruleset, { counters: 'none' });
}

/** Compares two rulesets by their canonical text, table by table and rule by rule. */
export async function diffDumps(a: DiffSide, b: DiffSide): Promise<RulesDiff> {
  const before = normalise(a.ruleset);
  const after = normalise(b.ruleset);
  if (before === after) return { same: true, patch: '', removed: 0, added: 0 };
  const { createTwoFilesPatch } = await import('diff');
  const patch = createTwoFilesPatch(a.file, b.file, before, after, undefined, undefined, { timeout: TIMEOUT });
  const text = patch ?? replaced(a.file, b.file, before, after);
  const lines = text.split('\n').slice(4);
  const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  return { same: false, patch: text, removed: count('-'), added: count('+') };
}

function replaced(a: string, b: string, before: string, after: string): string {
  const mark = (sign: string, text: string): string[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => sign + line);
  const [old, now] = [mark('-', before), mark('+', after)];
  return [`--- ${a}`, `+++ ${b}`, `@@ -1,${old.length} +1,${now.length} @@`, '', ...old, ...now, ''].join('\n');
}
