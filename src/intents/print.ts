import { packetJson, packetText } from '../query/answer.js';
import { junitXml, type JunitCase } from '../report/junit.js';
import { decidingText } from '../space/deciding.js';
import type { JudgedIntent, Violation } from './judge.js';

export interface IntentReport {
  /** Name of the dump, and of the file of intents. */
  readonly dump: string;
  readonly file: string;
  readonly judged: readonly JudgedIntent[];
}

/** TAP version 14 (testanything.org). */
export function intentsTap({ dump, file, judged }: IntentReport): string {
  const lines = ['TAP version 14', `1..${judged.length}`];
  judged.forEach((one, i) => {
    const { intent, judgement } = one;
    const ok = judgement.kind === 'proved' ? 'ok' : 'not ok';
    lines.push(`${ok} ${i + 1} - ${intent.name.replace(/\s+/g, ' ').replaceAll('#', '\\#')}`);
    const facts = factsOf(one, dump);
    if (facts.length === 0) return;
    const place = `${file}:${intent.line}`;
    lines.push('  ---');
    if (judgement.kind !== 'proved') lines.push(`  at: ${quoted(place)}`);
    lines.push(...facts.flatMap(factYaml), '  ...');
  });
  return lines.join('\n');
}

/** A text in double quotes: YAML as well as JSON. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function factYaml([key, ...values]: Fact): readonly string[] {
  if (key !== 'also') return [`  ${key}: ${quoted(values[0])}`];
  return [`  ${key}:`, ...values.map((value) => `    - ${quoted(value)}`)];
}

type Fact = readonly [key: string, ...values: readonly string[]];

function factsOf({ judgement, place, intent }: JudgedIntent, dump: string): readonly Fact[] {
  switch (judgement.kind) {
    case 'proved':
      return judgement.note === undefined ? [] : [['note', judgement.note]];
    case 'undecided':
      return [['undecided', judgement.reason]];
    case 'refuted': {
      const { violations, note } = judgement;
      const otherText = (other: Violation): string => `${decidingText(other.deciding, dump)}: ${rectanglesText(other)}`;
      const shown = violations.find(({ example }) => example?.confirmed === true) ?? violations[0];
      const others = violations.filter((one) => one !== shown);
      return [
        ['expected', `${intent.bound?.kind === 'only' ? 'not ' : ''}${intent.expect} in ${place.table} ${place.chain}`],
        ['found', decidingText(shown.deciding, dump)],
        ['packets', rectanglesText(shown)],
        ...(shown.example === undefined ? [] : [['example', packetText(shown.example)] as const]),
        ...(others.length === 0 ? [] : [['also', ...others.map(otherText)] as const]),
        ...(note === undefined ? [] : [['note', note] as const]),
      ];
    }
  }
}

function rectanglesText({ rectangles, more }: Violation): string {
  return [...rectangles, ...(more ? ['and more'] : [])].join(' | ');
}

/** JUnit XML: a test for each intent. */
export function intentsJunit(report: IntentReport): string {
  const cases = report.judged.map((one): JunitCase => {
    const { intent, judgement } = one;
    if (judgement.kind === 'proved') return { name: intent.name, result: { kind: 'passed' } };
    const facts = factsOf(one, report.dump);
    const text = [
      `${report.file}:${intent.line}`,
      ...facts.flatMap(([key, ...values]) => values.map((value) => `${key}: ${value}`)),
    ].join('\n');
    const kind = judgement.kind === 'refuted' ? 'failed' : 'error';
    return { name: intent.name, result: { kind, message: facts[kind === 'failed' ? 1 : 0][1], text } };
  });
  return junitXml(`${report.dump} ${report.file}`, cases);
}

/** One JSON document. */
export function intentsJson({ dump, file, judged }: IntentReport): unknown {
  return {
    dump,
    file,
    proved: judged.every(({ judgement }) => judgement.kind === 'proved'),
    intents: judged.map(({ intent: { name, line, expect, bound }, place, judgement }) => ({
      name,
      line,
      ...place,
      expect,
      ...(bound === undefined ? {} : { bound: bound.kind }),
      result: judgement.kind,
      ...('note' in judgement ? { note: judgement.note } : {}),
      ...(judgement.kind === 'undecided' ? { reason: judgement.reason } : {}),
      ...(judgement.kind === 'refuted' ? { violations: judgement.violations.map(violationJson) } : {}),
    })),
  };
}

function violationJson({ deciding, example, ...rest }: Violation): unknown {
  return { ...deciding, ...rest, ...(example === undefined ? {} : { example: packetJson(example) }) };
}
