import { formatDiagnostic } from '../../grammar/model/diagnostic.js';
import type { Finding } from '../report/sarif.js';
import { LINT_SEVERITY, type LintCode, type LintFinding, type LintRule } from './model.js';

/** A finding as a diagnostic at its place in the file. */
export function lintDiagnostic({ code, line, column, length, message }: LintFinding, file: string): Finding {
  return { file, line, column, length, code, severity: LINT_SEVERITY[code], message };
}

/** What each code stands for. */
export const LINT_TEXTS: Readonly<Record<LintCode, string>> = {
  shadowed: 'Rules before it take all packets of the rule, and do something else with them',
  redundant: 'The rule makes no difference to any packet',
  unreachable: 'No packet comes to the rule',
  contradictory: 'No packet matches the rule',
};

/** For people: the place, the rule, what takes its packets, a packet. */
export function findingText(finding: LintFinding, file: string): string {
  const { text, by, example } = finding;
  return [
    formatDiagnostic(lintDiagnostic(finding, file)),
    `  ${text}`,
    ...by.map((rule) => `    ${placeText(rule)}${rule.text}`),
    ...(example === undefined
      ? []
      : [
          `    example: ${[example.packet, ...example.assumed].join(', ')}`,
          `      ${example.verdict.toUpperCase()} in ${example.hook} by ${placeText(example.decidedBy)}${example.decidedBy.text}`,
        ]),
  ].join('\n');
}

function placeText({ line }: LintRule): string {
  return line === undefined ? '' : `line ${line}: `;
}
