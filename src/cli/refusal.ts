import type { Diagnostic } from '../../grammar/model/diagnostic.js';

/** What is wrong with the question (a hook that cannot have the chain, a table that is not there), not with the rules. */
const QUESTION = new Set(['no-table', 'no-chain', 'no-hook', 'no-mode', 'ambiguous-table']);

/** Whether rules are the reason why there is no program; else the question was wrong, which is trouble. */
export function isRefusal(diagnostics: readonly Diagnostic[]): boolean {
  return !diagnostics.some(({ code, severity }) => severity === 'error' && QUESTION.has(code));
}
