import type { Diagnostic } from '../../../grammar/model/diagnostic.js';

/** Where diagnostics stand that are about no line of the dump. */
export const NOWHERE = { line: 1, column: 1, length: 1 } as const;

export interface Failure {
  readonly ok: false;
  readonly diagnostics: readonly Diagnostic[];
}

/** One error that is about no line of the dump. */
export function failure(code: string, message: string, hint?: string): Failure {
  const diagnostic: Diagnostic = {
    ...NOWHERE,
    code,
    severity: 'error',
    message,
    ...(hint === undefined ? {} : { hint }),
  };
  return { ok: false, diagnostics: [diagnostic] };
}
