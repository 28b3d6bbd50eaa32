import { parseDump, printDump, type Diagnostic } from '../../grammar/index.js';
import type { FuzzInput } from './fuzz-input.js';
import type { ToolAnswer } from './fuzz-tool.js';
import { withoutMoment } from './round-trip.js';

/** An input on which the parser and the real tool do not agree. */
export interface Difference {
  readonly kind: 'accepted' | 'refused' | 'text';
  readonly input: FuzzInput;
  /** Of the parser, the errors first. */
  readonly diagnostics: readonly Diagnostic[];
  readonly printed: string;
  readonly answer: ToolAnswer;
  /** The same tables as the tool saved them. */
  readonly saved: string;
}

/** Undefined where both refuse the input, or both accept it and print the same. */
export function compare(input: FuzzInput, answer: ToolAnswer): Difference | undefined {
  const { ruleset, diagnostics } = parseDump(input.text, { family: input.family });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const accepted = errors.length === 0;
  const printed = accepted ? withoutMoment(printDump(ruleset)) : '';
  const saved = tablesOf(
    answer.saved,
    ruleset.tables.map(({ name }) => name),
  );
  const found = { input, diagnostics: accepted ? diagnostics : errors, printed, answer, saved };
  if (accepted !== answer.accepted) return { kind: accepted ? 'accepted' : 'refused', ...found };
  return accepted && printed !== saved ? { kind: 'text', ...found } : undefined;
}

/** Tables of a saved dump, in the given order. */
function tablesOf(saved: string, names: readonly string[]): string {
  const blocks = withoutMoment(saved).split(/(?<=^COMMIT\n)/m);
  return names.map((name) => blocks.find((block) => block.startsWith(`*${name}\n`)) ?? '').join('');
}
