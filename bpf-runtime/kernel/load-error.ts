import { RuntimeError } from '../system/error.js';

/** A line of the dump, as the object's line info names it. */
export interface SourceLine {
  readonly text: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
}

/** `; TEXT @ FILE:LINE` from 6.9 on, `; TEXT` before (kernel/bpf/log.c, verbose_linfo). */
const LINE_INFO = /^; (.*?)(?: @ (\S+):(\d+))?$/;
/** What follows the log, or stands in it without being about a place. */
const SUMMARY =
  /^(processed \d+ insns|-- (BEGIN|END) PROG LOAD LOG --|verification time|stack depth|max_states|libbpf: )/;

/** The last line of the source that the verifier named before it gave up. */
export function findSourceLine(log: string): SourceLine | undefined {
  for (const line of log.split('\n').reverse()) {
    const match = LINE_INFO.exec(line.trim());
    if (match === null) continue;
    const [, text, file, number] = match;
    return file === undefined ? { text } : { text, file, line: Number(number) };
  }
  return undefined;
}

/** The verifier's reason: the last line of the log that is no instruction, register state, source line or summary. */
export function findReason(log: string): string | undefined {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !SUMMARY.test(line) && !line.startsWith(';') && !/^(\d+:|from \d+ to)/.test(line));
  return lines.at(-1);
}

/** Part of the tool's output between the log's markers; all of it where there are none. */
export function extractLog(output: string): string {
  const match = /-- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --/.exec(output);
  return match === null ? output : match[1];
}

/** The kernel (or libbpf before it) did not take an object. */
export class LoadError extends RuntimeError {
  /** The verifier's log as far as it was given, or what the loader said. */
  readonly log: string;
  /** Where the verifier stopped, if the object has line info. */
  readonly source: SourceLine | undefined;

  constructor(output: string) {
    const log = extractLog(output);
    const verifier = log !== output;
    const source = verifier ? findSourceLine(log) : undefined;
    const reason = (verifier ? findReason(log) : undefined) ?? output.trim();
    const place = source === undefined ? '' : ` at ${source.file ?? ''}${placeOf(source)}: ${source.text}`;
    super('load-failed', `the kernel refused the program${place}: ${reason}`);
    this.name = 'LoadError';
    this.log = log;
    this.source = source;
  }
}

function placeOf(source: SourceLine): string {
  return source.line === undefined ? '' : `:${source.line}`;
}
