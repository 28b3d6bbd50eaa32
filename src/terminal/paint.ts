/** Parameters of SGR (ECMA-48). */
const STYLES = { bold: 1, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

/** A text in a colour. */
export function painted(text: string, style: Style): string {
  return `\u001b[${STYLES[style]}m${text}\u001b[0m`;
}

interface Mark {
  readonly pattern: RegExp;
  readonly style: Style;
}

/** A verdict, where it is not the target or the policy of a rule, nor part of a name. */
const verdict = (words: string): RegExp => new RegExp(`(?<![\\w-]|-[jP] |--policy )(?:${words})(?![\\w-])`, 'g');

const RESULTS: readonly Mark[] = [
  { pattern: verdict('ACCEPT'), style: 'green' },
  { pattern: verdict('DROP|REJECT(?: [A-Z0-9-]+)?'), style: 'red' },
  { pattern: /^(?:proved|equal|ok)(?=[: ])/, style: 'green' },
  { pattern: /(?<=: )(?:exact(?= \()|attached$|in force$)/, style: 'green' },
  { pattern: /^(?:REFUTED|NOT equal|not ok)(?=[: ])|(?<=: )(?:not attached|device gone)$/, style: 'red' },
  { pattern: /^not proved(?=:)|only with --mode early$|not translated$|^ *warning(?=\[)/, style: 'yellow' },
  { pattern: /^table \S+, chain \S+?(?=:|$)/, style: 'bold' },
];

const SEVERITIES: readonly Mark[] = [
  { pattern: /(?<= )error(?=\[)/, style: 'red' },
  { pattern: /(?<= )warning(?=\[)/, style: 'yellow' },
  { pattern: /(?<= )info(?=\[)/, style: 'cyan' },
];

/** A line of a result, its verdicts and judgements in colour. */
export function paintResult(line: string): string {
  return paint(line, RESULTS);
}

/** A line of a unified diff. */
export function paintPatch(line: string): string {
  if (/^(?:---|\+\+\+) /.test(line)) return painted(line, 'bold');
  if (line.startsWith('@@')) return painted(line, 'cyan');
  if (line.startsWith('+')) return painted(line, 'green');
  return line.startsWith('-') ? painted(line, 'red') : line;
}

/** The head of a diagnostic. */
export function paintDiagnostic(line: string): string {
  return paint(line, SEVERITIES);
}

function paint(line: string, marks: readonly Mark[]): string {
  return marks.reduce((text, { pattern, style }) => text.replace(pattern, (found) => painted(found, style)), line);
}
