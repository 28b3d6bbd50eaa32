import { diffArrays } from 'diff';
import { disassemble } from '../../../codegen/bytecode/disassemble.js';
import { exit, R6, R7, R8, R9, reg, type Instruction } from '../../../codegen/bytecode/instruction.js';
import type { Analysis } from '../../../codegen/program/analysis.js';
import {
  FLOW_FRAGMENT,
  FLOW_L3,
  FLOW_LENGTH,
  FLOW_RULE,
  FLOW_STATE,
  FLOW_THOFF,
} from '../../../codegen/program/flow.js';
import type { FlowLayout } from '../../../codegen/program/flow.js';
import { Code } from '../../../codegen/program/code.js';
import { emitCount } from '../../../codegen/program/counters.js';
import { commonOf } from '../../../codegen/program/common.js';
import { generate, type Program } from '../../../codegen/program/program.js';

const HZ = 250;

/** A program with labels for its jumps, and where it keeps what it has read. */
export interface Listing extends Program {
  readonly layout: FlowLayout;
}

/** `optimize`: as the optimizer has it for `--engine auto`; otherwise rule by rule as they stand. */
export function listingOf(analysis: Analysis, optimize = false): Listing {
  const common = commonOf([analysis], HZ, undefined, optimize ? 'auto' : 'linear', false, optimize);
  return { ...generate(analysis, common), layout: common.layout };
}

/** The functions of the chains as text for people. `counts`: whether what counts a packet stands there whole. */
export function chainsText(program: Listing, counts: 'whole' | 'folded'): string {
  return program.functions
    .filter(({ name }) => isChain(name))
    .map(({ name, instructions }) => {
      const text = functionText(name, inChain(linesOf(instructions), program.layout));
      return counts === 'whole' ? text : foldCounts(text);
    })
    .join('\n');
}

/** One of the functions that read a part of the packet for the entry. */
export function readerText(program: Listing, name: string): string {
  const found = program.functions.find((fn) => fn.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return functionText(name, linesOf(found.instructions));
}

/** The entry function whole. */
export function entryText(program: Listing): string {
  return functionText(program.entry.name, entryLines(program));
}

/** The lines of the entry function that `plain` has not or has otherwise, with a line of context around. */
export function entryDifference(program: Listing, plain: Listing): string {
  const out: string[] = [];
  for (const { value, added, removed } of diffArrays(entryLines(plain), entryLines(program))) {
    if (added || removed) out.push(...value.map((line) => `${added ? '+' : '-'}${line}`));
    else if (value.length <= 3) out.push(...value.map((line) => ` ${line}`));
    else out.push(` ${value[0]}`, ' ...', ` ${value[value.length - 1]}`);
  }
  return `${out.join('\n')}\n`;
}

const isChain = (name: string): boolean => name.startsWith('chain_');

function functionText(name: string, lines: readonly string[]): string {
  return `${name}:\n${lines.join('\n')}\n`;
}

/** Without the slots' numbers, which would change with everything before; labels counted for each function anew. */
function linesOf(instructions: readonly Instruction[]): readonly string[] {
  const lines = disassemble(instructions).trimEnd().split('\n');
  const names = new LabelNames();
  return lines.map((line) => {
    if (line.startsWith(';')) return line;
    if (line.endsWith(':')) return `${names.of(line.slice(0, -1))}:`;
    const text = line.replace(/^ *\d+: /, '    ');
    return text.replace(/goto <([^>]+)>/, (_, label: string) => `goto ${names.of(label)}`);
  });
}

/**
 * `count KEY` for what counts a packet: it stands behind many rules, and whole in the text of the counters alone. Its
 * label goes, too, where nothing else jumps there.
 */
function foldCounts(text: string): string {
  let folded = text;
  for (const flow of [R6, R9]) {
    for (const key of [FOLDED_KEY, reg(R7), reg(R8)]) folded = foldCount(folded, key, flow);
  }
  return folded.replace(/^(counted[.\d]*):\n/gm, (line, label: string) =>
    folded.includes(`goto ${label}\n`) ? line : '',
  );
}

/** A key that no rule of a small object has. */
const FOLDED_KEY = 123_456_789;

function foldCount(text: string, key: number | { readonly reg: number }, flow: number): string {
  const code = new Code();
  emitCount(code, { key, counters: 1 }, flow);
  code.emit(exit());
  // Without the exit and its label.
  const lines = linesOf(code.finish()).slice(0, -2);
  const words = inChain(lines, NO_FIELDS).map((line) => line.replace(/[^\w\s]/g, '\\$&'));
  const pattern = words.join('\n').replace('goto counted', 'goto \\S+').replace(String(FOLDED_KEY), '(\\d+)');
  const name = typeof key === 'number' ? '$1' : `r${key.reg}`;
  return text.replace(new RegExp(`^${pattern}$`, 'gm'), `    count ${name}`);
}

const NO_FIELDS: FlowLayout = { bytes: 0, offsets: new Map(), facts: new Map() };

/** `match_17` becomes `match`, or `match.2` if it is the second one. */
class LabelNames {
  private readonly names = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  of(label: string): string {
    const known = this.names.get(label);
    if (known !== undefined) return known;
    const hint = label.replace(/_\d+$/, '');
    const count = (this.counts.get(hint) ?? 0) + 1;
    this.counts.set(hint, count);
    const name = count === 1 ? hint : `${hint}.${count}`;
    this.names.set(label, name);
    return name;
  }
}

const FLOW_WORDS: ReadonlyMap<number, string> = new Map([
  [FLOW_LENGTH, 'length'],
  [FLOW_RULE, 'rule'],
  [FLOW_THOFF, 'thoff'],
  [FLOW_L3, 'l3'],
  [FLOW_FRAGMENT, 'fragment'],
  [FLOW_STATE, 'state'],
]);

/** `flow.saddr`, or `flow.iif+8` for the second word of a wide field. */
function flowName(offset: number, layout: FlowLayout): string {
  const word = FLOW_WORDS.get(offset);
  if (word !== undefined) return `flow.${word}`;
  const [field, start] = [...layout.offsets].filter(([, at]) => at <= offset).sort((a, b) => b[1] - a[1])[0] ?? [];
  if (field === undefined || start === undefined) return `flow+${offset}`;
  return offset === start ? `flow.${field}` : `flow.${field}+${offset - start}`;
}

/** r6 points to the flow in every chain function. */
function inChain(lines: readonly string[], layout: FlowLayout): readonly string[] {
  return lines.map((line) =>
    line.replace(/\(r6 \+ (\d+)\)/, (_, offset: string) => `(${flowName(Number(offset), layout)})`),
  );
}

/** The flow is on the entry's stack: where, depends on its size, which is another for every ruleset. */
function entryLines(program: Listing): string[] {
  const { layout, entry } = program;
  const lines = linesOf(entry.code);
  const start = flowStart(lines);
  let copied = '';
  const named = lines.map((line) => {
    const [, address] = /^ +(r\d) \+= (-\d+)$/.exec(line) ?? [];
    const isAddress = address !== undefined && copied === address;
    copied = /^ +(r\d) = r10$/.exec(line)?.[1] ?? '';
    if (isAddress) return line.replace(String(start), 'flow');
    return line.replace(/r10 - (\d+)/, (text, offset: string) => place(-Number(offset)) ?? text);
  });
  return foldCounts(`${named.join('\n')}\n`)
    .trimEnd()
    .split('\n');

  function place(offset: number): string | undefined {
    const isFlow = offset >= start && offset < start + layout.bytes;
    return isFlow ? flowName(offset - start, layout) : undefined;
  }
}

/** Where the chain gets its flow from: `r9 = r10; r9 += START; r1 = r9; r2 = 0; r3 = …; (r4 = r6;) call chain_…`. */
function flowStart(lines: readonly string[]): number {
  const call = lines.findIndex((line) => /^ +call chain_/.test(line));
  const before = lines.slice(Math.max(0, call - 5), Math.max(0, call)).join('\n');
  const [, start] = /r9 \+= (-\d+)/.exec(before) ?? [];
  if (start === undefined) throw new Error('the entry calls its chain in another way than this reader knows');
  return Number(start);
}
