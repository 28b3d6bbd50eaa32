import { decidingText, type Deciding } from '../space/deciding.js';
import { boxText } from '../space/describe.js';
import { FALSE, type Node } from '../space/diagram.js';
import type { ChainPlace } from '../space/compare.js';
import { flowsText } from '../space/flows.js';
import type { AnswerPacket, PartDetails, Question } from './question.js';

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
  readonly parts: readonly (PartDetails & { readonly deciding: Deciding })[];
}

/** Rectangles that are told of each rule. */
const RECTANGLES = 20;

/** Throws as `Question.parts`. */
export function answerOf(question: Question, region: Node): readonly AnsweredVerdict[] {
  const { diagrams } = question.space;
  const verdicts = new Map<string, { region: Node; parts: (PartDetails & { readonly deciding: Deciding })[] }>();
  for (const part of question.parts(region)) {
    const { verdict } = part.deciding;
    const known = verdicts.get(verdict) ?? { region: FALSE, parts: [] };
    known.region = diagrams.or(known.region, part.region);
    known.parts.push({ deciding: part.deciding, ...question.details(part, region, RECTANGLES) });
    verdicts.set(verdict, known);
  }
  return [...verdicts].map(([verdict, { region: own, parts }]) => ({ verdict, flows: question.flows(own), parts }));
}

/** For people. */
export function answerText({ table, chain, flows, verdicts, file }: Answer): string {
  const lines = [`table ${table}, chain ${chain}: ${flowsText(flows)}`];
  for (const { verdict, flows: own, parts } of verdicts) {
    lines.push('', `${verdict.toUpperCase()}, ${flowsText(own)}`);
    for (const { deciding, rectangles, more, example, flows: few } of parts) {
      lines.push(`  ${decidingText(deciding, file).replace(/^.*? by /, 'by ')}`);
      if (parts.length > 1) lines.push(`    ${flowsText(few)}`);
      lines.push(...rectangles.map((sides) => `    ${sides.length === 0 ? 'all of it' : boxText(sides)}`));
      if (more) lines.push('    and more');
      lines.push(`    example: ${example === undefined ? 'none found' : packetText(example)}`);
      if (example?.confirmed === false) lines.push(`    not confirmed: the reference says ${example.verdict}`);
    }
  }
  return lines.join('\n');
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
    verdicts: verdicts.map(({ parts, ...verdict }) => ({
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
