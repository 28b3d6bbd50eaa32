import { DiagnosticSeverity, DiagnosticTag, type Diagnostic } from 'vscode-languageserver/node';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { lint } from '../lint/lint.js';
import type { LintFinding } from '../lint/model.js';
import { rangeOf } from './places.js';

/** Beyond so many rules an editor would wait for the answer; `ipt2bpf lint` has the patience. */
const MOST_RULES = 2000;

/** Hints about rules that no packet needs, greyed out by editors, with the rules that take their packets. */
export function lintHints(ruleset: Ruleset, uri: string): Diagnostic[] {
  const chains = ruleset.tables.flatMap((table) => table.chains);
  if (chains.reduce((sum, chain) => sum + chain.rules.length, 0) > MOST_RULES) return [];
  return lint(ruleset).findings.map((finding) => hintOf(finding, uri));
}

function hintOf(finding: LintFinding, uri: string): Diagnostic {
  const { code, message, by, example } = finding;
  const packet = example === undefined ? '' : `; for example ${[example.packet, ...example.assumed].join(', ')}`;
  return {
    range: rangeOf(finding),
    severity: DiagnosticSeverity.Hint,
    tags: [DiagnosticTag.Unnecessary],
    code,
    source: 'ipt2bpf',
    message: `${message}${packet}`,
    relatedInformation: by.flatMap(({ line, text }) =>
      line === undefined
        ? []
        : [{ location: { uri, range: rangeOf({ line, column: 1, length: text.length }) }, message: text }],
    ),
  };
}
