import { parseDump } from '../../grammar/index.js';
import type { Family } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { EXIT, readInput, tellDiagnostics, UserError } from './output.js';

export interface LoadedDump {
  readonly ruleset: Ruleset;
  readonly text: string;
  readonly file: string;
}

export interface DumpOptions {
  readonly family?: Family;
}

/** Reads and parses a dump; its errors are printed, and end the command with exit code 2. */
export function loadDump(path: string, options: DumpOptions): LoadedDump {
  const text = readInput(path);
  const file = path === '-' ? '<stdin>' : path;
  const { ruleset, diagnostics } = parseDump(text, {
    file,
    ...(options.family === undefined ? {} : { family: options.family }),
  });
  tellDiagnostics(diagnostics, file, text);
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  if (errors > 0) throw new UserError(`ipt2bpf: ${file}: ${errors} ${errors === 1 ? 'error' : 'errors'}`, EXIT.trouble);
  return { ruleset, text, file };
}
