import { decidingText } from '../space/deciding.js';
import { boxText } from '../space/describe.js';
import { flowsText } from '../space/flows.js';
import type { ChainChanges, PacketChange } from './packets.js';
import type { DiffResult } from './print.js';

/** What is told of one pair of rules, and of all chains: a comment has an end, and a reader, too. */
const MOST_RECTANGLES = 5;
const MOST_CHANGES = 20;
const MOST_VALUES = 10;
const MOST_PATCH_LINES = 400;

/** For a comment on a change of rules: changed packet regions, then the rules folded away. */
export function diffMarkdown(result: DiffResult): string {
  const { before, after, rules, chains, strict } = result;
  const title = `**${code(before.file)} → ${code(after.file)}**`;
  if (rules.same) return `${title}: the same rules.\n`;
  const changed = chains.filter(({ changes, omitted }) => changes.length + omitted > 0);
  const asked = strict ? 'judged, counted, logged or marked' : 'judged';
  if (changed.length === 0) {
    return `${title}: no packet is ${asked} otherwise; the rules read differently.\n\n${rulesOf(result)}`;
  }
  const parts = changed.map((chain) => chainPart(chain, before.file, after.file));
  return `${title}: packets are ${asked} otherwise.\n\n${parts.join('\n')}\n${rulesOf(result)}`;
}

function chainPart({ table, chain, changes, omitted }: ChainChanges, before: string, after: string): string {
  const told = changes.slice(0, MOST_CHANGES);
  const rest = changes.length - told.length + omitted;
  return [
    `Table ${table}, chain ${chain}:`,
    '',
    ...told.flatMap((change) => changeLines(change, before, after)),
    ...(rest === 0 ? [] : [`- … and ${rest} more pairs of rules`]),
    '',
  ].join('\n');
}

function changeLines({ before, after, rectangles, more, flows, example }: PacketChange, ...files: [string, string]) {
  const rest = rectangles.length > MOST_RECTANGLES || more;
  const assumed = example === undefined || example.inputs.length === 0 ? '' : `, ${code(boxText(example.inputs))}`;
  const doubt = example?.confirmed === false ? ` (not confirmed: ${example.before}, ${example.after})` : '';
  return [
    `- **${before.verdict.toUpperCase()} → ${after.verdict.toUpperCase()}**, ${flowsText(flows)}`,
    ...rectangles.slice(0, MOST_RECTANGLES).map((sides) => `  - packets: ${code(boxText(sides, MOST_VALUES))}`),
    ...(rest ? ['  - packets: and more'] : []),
    `  - before: ${code(decidingText(before, files[0]))}`,
    `  - after: ${code(decidingText(after, files[1]))}`,
    `  - example: ${example === undefined ? 'none found' : code(example.text) + assumed + doubt}`,
  ];
}

function rulesOf({ rules }: DiffResult): string {
  const lines = rules.patch.trimEnd().split('\n');
  const shown = lines.slice(0, MOST_PATCH_LINES);
  if (lines.length > shown.length) shown.push(`… ${lines.length - shown.length} more lines`);
  const text = shown.join('\n');
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `<details><summary>Rules: ${rules.removed} removed, ${rules.added} added</summary>\n\n${fence}diff\n${text}\n${fence}\n\n</details>\n`;
}

/** A code span of any text (CommonMark 0.31, 6.1): nothing in it is markup, a mention, or a line of its own. */
function code(text: string): string {
  const ticks = '`'.repeat(longestRun(text) + 1);
  const pad = text === '' || /^`|`$|^ .* $/.test(text) ? ' ' : '';
  return `${ticks}${pad}${text.replace(/[\r\n]/g, ' ')}${pad}${ticks}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
}
