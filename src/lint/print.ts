import { formatDiagnostic } from '../../grammar/model/diagnostic.js';
import type { Finding } from '../report/sarif.js';
import { LINT_SEVERITY, type LintCode, type LintExample, type LintFinding, type LintRule } from './model.js';

/** A finding as a diagnostic at its place in the file. */
export function lintDiagnostic({ code, line, column, length, message }: LintFinding, file: string): Finding {
  return { file, line, column, length, code, severity: LINT_SEVERITY[code], message };
}

/** A finding for code scanning: with the lines that take the packets, and the example in the message. */
export function lintScan(finding: LintFinding, file: string): Finding {
  const { by, example } = finding;
  const diagnostic = lintDiagnostic(finding, file);
  const told = example === undefined ? [] : [`example: ${packetText(example)}: ${decidedText(example)}`];
  return {
    ...diagnostic,
    message: [diagnostic.message, ...told].join('; '),
    related: by.flatMap(({ line, text }) => (line === undefined ? [] : [{ line, text }])),
  };
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
    ...(example === undefined ? [] : [`    example: ${packetText(example)}`, `      ${decidedText(example)}`]),
  ].join('\n');
}

/** Answers that are told beside a packet. */
const MOST_ASSUMED = 6;

function packetText({ packet, assumed }: LintExample): string {
  const more = assumed.length - MOST_ASSUMED;
  return [packet, ...assumed.slice(0, MOST_ASSUMED), ...(more > 0 ? [`${more} more answers`] : [])].join(', ');
}

/** `DROP in INPUT by line 7: -A INPUT …`. */
function decidedText({ verdict, hook, decidedBy }: LintExample): string {
  return `${verdict.replace(/^target /, '').toUpperCase()} in ${hook} by ${placeText(decidedBy)}${decidedBy.text}`;
}

function placeText({ line }: LintRule): string {
  return line === undefined ? '' : `line ${line}: `;
}
