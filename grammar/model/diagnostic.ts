/** A place in the source text. `line` and `column` count from 1; `length` is in UTF-16 code units. */
export interface SourceRange {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** `error`: not to be used; `warning`: hardly what was meant; `info`: good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** What a stage has to say about the input. Data, never a thrown string; `code` is stable and documented. */
export interface Diagnostic extends SourceRange {
  /** kebab-case, stable, e.g. `unknown-option`. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence without the location; names the word and the reason. */
  readonly message: string;
  /** What to do about it, where something is known to help. */
  readonly hint?: string;
  readonly file?: string;
}

/** `file:line:col: error[code]: text`, the form that editors and CI logs understand. */
export function formatDiagnostic(d: Diagnostic, file = d.file ?? '<input>'): string {
  const head = `${file}:${d.line}:${d.column}: ${d.severity}[${d.code}]: ${d.message}`;
  return d.hint === undefined ? head : `${head} (${d.hint})`;
}
