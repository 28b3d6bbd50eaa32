import type { Diagnostic, Severity } from '../../grammar/model/diagnostic.js';
import { VERSION } from '../version.js';

/** One finding at a place of a dump. */
export interface Finding extends Diagnostic {
  readonly file: string;
  /** Other lines of the file that it is about, from 1, each with its text. */
  readonly related?: readonly { readonly line: number; readonly text: string }[];
}

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

/** What a code stands for, where a consumer shows rules by themselves. */
export type CodeTexts = Readonly<Record<string, string>>;

/**
 * Findings as a SARIF log (Static Analysis Results Interchange Format 2.1.0, OASIS), as code scanning of GitHub takes
 * it: one run, a rule for each code, a region for each place. Lines and columns count from 1, columns in UTF-16.
 */
export function sarifLog(findings: readonly Finding[], texts: CodeTexts = {}): unknown {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  return sarifRun(
    codes.map((id) => ({ id, text: texts[id] ?? id })),
    findings.map((finding) => resultOf(finding, codes.indexOf(finding.code))),
  );
}

/** A log of one run: what its rules stand for, and its results as SARIF has them. */
export function sarifRun(
  rules: readonly { readonly id: string; readonly text: string }[],
  results: readonly unknown[],
): unknown {
  const driver = {
    name: 'ipt2bpf',
    semanticVersion: VERSION,
    rules: rules.map(({ id, text }) => ({ id, shortDescription: { text } })),
  };
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
  };
}

function resultOf(finding: Finding, ruleIndex: number): unknown {
  const { file, line, column, length, code, severity, message, hint, related = [] } = finding;
  const artifactLocation = { uri: uriOf(file) };
  return {
    ruleId: code,
    ruleIndex,
    level: LEVELS[severity],
    message: { text: hint === undefined ? message : `${message} (${hint})` },
    locations: [
      {
        physicalLocation: {
          artifactLocation,
          region: { startLine: line, startColumn: column, endColumn: column + Math.max(1, length) },
        },
      },
    ],
    ...(related.length === 0
      ? {}
      : {
          relatedLocations: related.map((other, i) => ({
            id: i + 1,
            physicalLocation: { artifactLocation, region: { startLine: other.line } },
            message: { text: other.text },
          })),
        }),
  };
}

/** A relative path is a URI reference once its odd characters are escaped. */
export function uriOf(file: string): string {
  const path = file.split('/').map(encodeURIComponent).join('/');
  return file.startsWith('/') ? `file://${path}` : path;
}
