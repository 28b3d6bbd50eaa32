import { sarifRun, uriOf } from '../report/sarif.js';
import { writePcap } from '../packet/index.js';
import { decidingText, type Deciding } from '../space/deciding.js';
import { boxText } from '../space/describe.js';
import { flowsText } from '../space/flows.js';
import type { ChainChanges, PacketChange } from './packets.js';
import type { DiffSide, RulesDiff } from './rules.js';

/** Everything that two sides differ in. */
export interface DiffResult {
  readonly before: DiffSide;
  readonly after: DiffSide;
  readonly rules: RulesDiff;
  readonly chains: readonly ChainChanges[];
  /** Counting, logging and marks were compared, too. */
  readonly strict: boolean;
}

interface Told {
  readonly chain: ChainChanges;
  readonly change: PacketChange;
}

const changesOf = ({ chains }: DiffResult): readonly Told[] =>
  chains.flatMap((chain) => chain.changes.map((change) => ({ chain, change })));

/** Values of one side of a rectangle that people are told; the others are counted. */
const MOST_VALUES = 10;

/** For people; empty where nothing differs. At most so many `values` of a side are told: {@link MOST_VALUES}, or `Infinity`. */
export function diffText(result: DiffResult, values = MOST_VALUES): string {
  const { before, after, rules } = result;
  if (rules.same) return '';
  const lines = result.chains.flatMap((chain) => {
    const text = chainText(chain, before.file, after.file, values);
    return text.length === 0 ? [] : [...text, ''];
  });
  const asked = result.strict ? 'judged, counted, logged or marked' : 'judged';
  if (result.chains.some((chain) => isShort(chain, values))) {
    lines.push(
      'Some of it is told in short: --all tells every pair of rules and all values, --json is for programs.',
      '',
    );
  }
  if (lines.length === 0) lines.push(`No packet is ${asked} otherwise; the rules read differently:`, '');
  return [...lines, rules.patch].join('\n');
}

/** What changes in a chain, for people; empty where nothing does. */
export function chainText(
  { table, chain, changes, omitted }: ChainChanges,
  before: string,
  after: string,
  values = MOST_VALUES,
): readonly string[] {
  if (changes.length === 0) return [];
  const rest = omitted === 0 ? [] : [`  and ${omitted} more ${omitted === 1 ? 'pair' : 'pairs'} of rules`];
  return [
    `table ${table}, chain ${chain}:`,
    ...changes.flatMap((change) => changeText(change, before, after, values)),
    ...rest,
  ];
}

/** Whether there is more to tell. */
function isShort({ changes, omitted }: ChainChanges, most: number): boolean {
  const isLong = ({ rectangles, more }: PacketChange): boolean =>
    more || rectangles.some((sides) => sides.some(({ values }) => values.length > most));
  return omitted > 0 || changes.some(isLong);
}

function changeText(change: PacketChange, before: string, after: string, values: number): readonly string[] {
  const { rectangles, more, example, flows } = change;
  return [
    `  ${change.before.verdict.toUpperCase()} -> ${change.after.verdict.toUpperCase()}, ${flowsText(flows)}`,
    ...rectangles.map((sides) => `    ${boxText(sides, values)}`),
    ...(more ? ['    and more rectangles'] : []),
    `    before: ${decidingText(change.before, before)}`,
    `    after:  ${decidingText(change.after, after)}`,
    ...(example === undefined
      ? ['    example: none found']
      : [
          `    example: ${example.text}${example.inputs.length === 0 ? '' : ` [${boxText(example.inputs)}]`}`,
          ...(example.confirmed ? [] : [`    not confirmed: the reference says ${example.before}, ${example.after}`]),
        ]),
  ];
}

/** One JSON document. */
export function diffJson(result: DiffResult): unknown {
  const { rules, chains, strict } = result;
  return {
    same: rules.same,
    packetsSame: chains.every(({ changes, omitted }) => changes.length + omitted === 0),
    strict,
    chains: chains.map(chainJson),
    patch: rules.patch,
    removed: rules.removed,
    added: rules.added,
  };
}

/** What changes in a chain, for JSON. */
export function chainJson({ table, chain, changes, omitted }: ChainChanges): unknown {
  return {
    table,
    chain,
    omitted,
    changes: changes.map(({ example, ...change }) => ({
      ...change,
      ...(example === undefined
        ? {}
        : {
            example: {
              packet: example.text,
              inputs: example.inputs,
              before: example.before,
              after: example.after,
              confirmed: example.confirmed,
            },
          }),
    })),
  };
}

/** SARIF 2.1.0: a result for each pair of rules, at the rule of the second side. */
export function diffSarif(result: DiffResult): unknown {
  const { before, after } = result;
  const location = (file: string, { line }: Deciding): unknown => ({
    physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line ?? 1 } },
  });
  return sarifRun(
    [
      { id: 'verdict-changed', text: 'Packets are judged otherwise' },
      { id: 'side-effect-changed', text: 'Packets are counted, logged or marked otherwise' },
    ],
    changesOf(result).map(({ chain, change }) => {
      const verdict = change.before.verdict !== change.after.verdict;
      return {
        ruleId: verdict ? 'verdict-changed' : 'side-effect-changed',
        level: verdict ? 'warning' : 'note',
        message: {
          text: [
            `${chain.table} ${chain.chain}`,
            ...changeText(change, before.file, after.file, MOST_VALUES).map((line) => line.trim()),
          ].join('\n'),
        },
        locations: [location(after.file, change.after)],
        relatedLocations: [location(before.file, change.before)],
      };
    }),
  );
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** One page that needs nothing else. */
export function diffHtml(result: DiffResult): string {
  const { before, after, rules } = result;
  const rows = changesOf(result).map(({ chain, change }) => {
    const boxes = change.rectangles.map((sides) => `<li>${escape(boxText(sides))}</li>`).join('');
    const example = change.example === undefined ? 'none found' : escape(change.example.text);
    return `<tr><td>${chain.table} ${chain.chain}</td><td>${escape(change.before.verdict)} → ${escape(change.after.verdict)}</td><td><ul>${boxes}</ul>${
      change.more ? 'and more' : ''
    }</td><td>${escape(decidingText(change.before, before.file))}<br>${escape(decidingText(change.after, after.file))}</td><td><code>${example}</code></td></tr>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ipt2bpf diff</title>
<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #999;padding:.4em;vertical-align:top;text-align:left}ul{margin:0;padding-left:1.2em}</style></head>
<body><h1>${escape(before.file)} → ${escape(after.file)}</h1>
<p>${rows.length === 0 ? 'No packet is judged otherwise.' : `${rows.length} ${rows.length === 1 ? 'pair of rules judges' : 'pairs of rules judge'} packets otherwise.`}</p>
<table><tr><th>chain</th><th>verdict</th><th>packets</th><th>by</th><th>example</th></tr>
${rows.join('\n')}
</table><h2>Rules</h2><pre>${escape(rules.patch)}</pre></body></html>
`;
}

/** The examples as a capture. */
export function diffPcap(result: DiffResult): Uint8Array {
  return writePcap(
    changesOf(result).flatMap(({ change: { example } }) =>
      example === undefined ? [] : [{ frame: example.packet.frame }],
    ),
  );
}
