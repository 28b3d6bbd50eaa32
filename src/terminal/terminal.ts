/** What a stream shows its text on. */
export interface Terminal {
  /** Columns that a line has; undefined where lines may be of any length: a file, a pipe. */
  readonly columns: number | undefined;
  readonly colour: boolean;
}

/** What is asked of a stream, as `tty.WriteStream` has it. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where a terminal does not say. */
const USUAL_COLUMNS = 80;
/** Narrower than this nothing can be read, and lines are longer than the terminal. */
const FEWEST_COLUMNS = 40;

/**
 * Lines fit a terminal's width, which COLUMNS overrides; in a pipe they stay whole, because a program reads them.
 * NO_COLOR counts where it is set and not empty (no-color.org); FORCE_COLOR overrides it, and makes colours in a pipe,
 * too, unless it is 0 or false (as in Node.js).
 */
export function terminalOf(stream: Stream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY === true;
  return { columns: isTerminal ? columnsOf(stream, env) : undefined, colour: isColoured(isTerminal, env) };
}

function columnsOf({ columns }: Stream, { COLUMNS }: NodeJS.ProcessEnv): number {
  const given = /^[1-9]\d{0,4}$/.test(COLUMNS ?? '') ? Number(COLUMNS) : undefined;
  // A terminal without a size, as on a serial line, says 0.
  const known = given ?? (columns === undefined || columns === 0 ? USUAL_COLUMNS : columns);
  return Math.max(FEWEST_COLUMNS, known);
}

function isColoured(isTerminal: boolean, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  const forced = FORCE_COLOR ?? '';
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return (NO_COLOR ?? '') === '' && isTerminal && TERM !== 'dumb';
}
