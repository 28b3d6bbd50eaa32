import { analyse } from '../../codegen/program/analysis.js';
import type { CompileOptions, Hook } from '../../codegen/program/manifest.js';
import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { CANDIDATES, statusOf } from '../report/translation.js';

/** What is wrong with the question (a hook that cannot have the chain, a table that is not there), not with the rules. */
const QUESTION = new Set(['no-table', 'no-chain', 'no-hook', 'no-mode', 'ambiguous-table']);

/** Whether rules are the reason why there is no program; else the question was wrong, which is trouble. */
export function isRefusal(diagnostics: readonly Diagnostic[]): boolean {
  return !diagnostics.some(({ code, severity }) => severity === 'error' && QUESTION.has(code));
}

/** Hooks of packets, those at sockets left out, at which a refused chain would be exact. */
export function exactElsewhere(
  ruleset: Ruleset,
  options: Omit<CompileOptions, 'source' | 'sourceFile'>,
): readonly Hook[] {
  const { hook, chain } = options;
  return CANDIDATES.flatMap(([other, its]): readonly Hook[] => {
    if (other === hook || its !== chain || other === 'cgroup' || other === 'socket') return [];
    const result = analyse(ruleset, { ...options, hook: other, chain, mode: 'exact' });
    return result.ok && statusOf(result.analysis).exact ? [other] : [];
  });
}
