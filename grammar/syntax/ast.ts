import type { Counters } from '../model/ruleset.js';
import type { Diagnostic, SourceRange } from '../model/diagnostic.js';

/** One word of a line, with its place as written (quotes and escapes included). */
export interface Word extends SourceRange {
  /** The word without quotes and escapes. */
  readonly text: string;
  /** As written. */
  readonly raw: string;
}

interface LineBase {
  /** The line from its first word to its last. */
  readonly range: SourceRange;
  /** What is wrong with the line as text. */
  readonly faults: readonly Diagnostic[];
  /** False where the line must not take effect; what could be read of it is there all the same, to be judged. */
  readonly usable: boolean;
}

/** `*filter` */
export interface TableLine extends LineBase {
  readonly kind: 'table';
  readonly name?: Word;
}

/** `:INPUT DROP [0:0]` */
export interface ChainLine extends LineBase {
  readonly kind: 'chain';
  readonly name?: Word;
  readonly policy?: Word;
  readonly counters?: Word;
}

/** `[5:300] -A INPUT -j ACCEPT`, or any other command. */
export interface RuleLine extends LineBase {
  readonly kind: 'rule';
  readonly counters?: Counters;
  readonly words: readonly Word[];
  /** The text that `range` spans. */
  readonly source: string;
}

/** `COMMIT`. */
export interface CommitLine extends LineBase {
  readonly kind: 'commit';
}

/** `# …` from the first column on. */
export interface CommentLine extends LineBase {
  readonly kind: 'comment';
  readonly text: string;
}

/** A line of a dump, cut into words; continued lines are one. */
export type Line = TableLine | ChainLine | RuleLine | CommitLine | CommentLine;
