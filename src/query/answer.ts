import { decidingText, type Deciding } from '../space/deciding.js';
import { boxText } from '../space/describe.js';
import type { Node } from '../space/diagram.js';
import type { ChainPlace } from '../space/place.js';
import { flowsText, shareText } from '../space/flows.js';
import type { AnswerPacket, Part, PartDetails, Question } from './question.js';

/** What becomes of the packets that were asked for. */
export interface Answer extends ChainPlace {
  readonly query: string;
  readonly file: string;
  readonly flows: bigint;
  readonly verdicts: readonly AnsweredVerdict[];
}

/** Packets of one verdict. */
export interface AnsweredVerdict {
  readonly verdict: string;
  readonly flows: bigint;
  /** The largest first. */
  readonly parts: readonly AnsweredPart[];
  /** Parts beyond these. */
  readonly omitted: number;
}

/** Packets that one rule, or the policy, decides. */
export interface AnsweredPart extends PartDetails {
  readonly deciding: Deciding;
  readonly flows: bigint;
}

/** How much is told. */
export interface Extent {
  /** Parts of each verdict. */
  readonly parts: number;
  /** Rectangles of each part. */
  readonly rectangles: number;
  /** Values of each side of a rectangle. */
  readonly values: number;
}

/** What fits a few screens. */
export const SUMMARY: Extent = { parts: 20, rectangles: 3, values: 12 };
export const EVERYTHING: Extent = { parts: Infinity, rectangles: 20, values: Infinity };

/** Throws as `Question.parts`. */
export function answerOf(question: Question, region: Node, extent: Extent): readonly AnsweredVerdict[] {
  const verdicts = new Map<string, (Part & { readonly flows: bigint })[]>();
  for (const part of question.parts(region)) {
    const { verdict } = part.deciding;
    const known = verdicts.get(verdict) ?? [];
    known.push({ ...part, flows: question.flows(part.region) });
    verdicts.set(verdict, known);
  }
  return [...verdicts].map(([verdict, parts]) => {
    const told = parts.sort((a, b) => (a.flows > b.flows ? -1 : a.flows < b.flows ? 1 : 0)).slice(0, extent.parts);
    return {
      verdict,
      flows: question.flows(question.space.diagrams.anyOf(parts.map((part) => part.region))),
      // Rectangles and examples are dear: those of parts that nobody sees are left out.
      parts: told.map((part): AnsweredPart => {
        const { deciding, flows } = part;
        return { deciding, flows, ...question.details(part, region, extent.rectangles) };
      }),
      omitted: parts.length - told.length,
    };
  });
}

/** For people. */
export function answerText({ table, chain, flows, verdicts, file }: Answer, extent: Extent): string {
  const lines = [`table ${table}, chain ${chain}: ${flowsText(flows)}`];
  for (const { verdict, flows: own, parts, omitted } of verdicts) {
    lines.push('', `${verdict.toUpperCase()}, ${flowsText(own)}, ${shareText(own, flows)}`);
    const alone = parts.length + omitted === 1;
    for (const part of parts) lines.push(...partLines(part, file, alone, extent).map((line) => `  ${line}`));
    if (omitted > 0) lines.push(`  and ${omitted} more`);
  }
  return [...lines, ...sharedLines(verdicts, flows), ...restLines(verdicts, extent)].join('\n');
}

function partLines(part: AnsweredPart, file: string, alone: boolean, { values }: Extent): readonly string[] {
  const { deciding, rectangles, more, example, flows } = part;
  return [
    decidingText(deciding, file).replace(/^.*? by /, 'by '),
    ...(alone ? [] : [`  ${flowsText(flows)}`]),
    ...rectangles.map((sides) => `  ${sides.length === 0 ? 'all of it' : boxText(sides, values)}`),
    ...(more ? ['  and more'] : []),
    `  example: ${example === undefined ? 'none found' : packetText(example)}`,
    ...(example?.confirmed === false ? [`  not confirmed: the reference says ${example.verdict}`] : []),
  ];
}

/** Said where the verdicts have more flows together than there are. */
function sharedLines(verdicts: readonly AnsweredVerdict[], all: bigint): readonly string[] {
  const sum = verdicts.reduce((flows, verdict) => flows + verdict.flows, 0n);
  if (sum <= all) return [];
  return ['', 'a flow (addresses, protocol, ports) that is not always judged alike counts for each of its verdicts'];
}

/** What `--all` would print beyond this. */
function restLines(verdicts: readonly AnsweredVerdict[], extent: Extent): readonly string[] {
  if (extent === EVERYTHING) return [];
  const omitted = verdicts.reduce((sum, verdict) => sum + verdict.omitted, 0);
  if (omitted > 0) return ['', `${omitted} more ${omitted === 1 ? 'part' : 'parts'}: --all prints them`];
  const parts = verdicts.flatMap((verdict) => verdict.parts);
  const long = ({ rectangles }: AnsweredPart): boolean =>
    rectangles.some((sides) => sides.some(({ values }) => values.length > extent.values));
  return parts.some((part) => part.more || long(part)) ? ['', 'some of it in short: --all prints more'] : [];
}

/** The packet, and what is assumed beside it. */
export function packetText({ text, inputs }: AnswerPacket): string {
  return `${text}${inputs.length === 0 ? '' : ` [${boxText(inputs)}]`}`;
}

/** One JSON document. */
export function answerJson({ file, table, chain, query, flows, verdicts }: Answer): unknown {
  return {
    file,
    table,
    chain,
    query,
    flows,
    verdicts: verdicts.map(({ parts, omitted: _omitted, ...verdict }) => ({
      ...verdict,
      parts: parts.map(({ deciding: { verdict: _verdict, ...deciding }, example, ...part }) => ({
        ...deciding,
        ...part,
        ...(example === undefined ? {} : { example: packetJson(example) }),
      })),
    })),
  };
}

export function packetJson({ text, ...rest }: AnswerPacket): unknown {
  return { packet: text, ...rest };
}
