/** What a Markdown file tells a reader to type, and what he is told to expect. */

export type Place = 'here' | 'namespace' | 'neighbour';

export interface Command {
  /** As it stands in the file, continuation lines joined by newlines. */
  readonly text: string;
  /** The lines below it; undefined in a block that shows no output. */
  readonly expected?: readonly string[];
  /** Line of the command in the file, from 1. */
  readonly line: number;
  /** Lines of the expected output: the first, and the one behind the last. */
  readonly from: number;
  readonly to: number;
}

export interface Block {
  /** Nearest heading above. */
  readonly heading: string;
  readonly line: number;
  readonly commands: readonly Command[];
  /** Names of what must be there: `root`, or a tool. */
  readonly needs: readonly string[];
  /** Whose network the commands see: the host's, that of a namespace of its own, or that of a neighbour of it. */
  readonly place: Place;
  /** File to make from a fixture before the block runs. */
  readonly files: readonly { readonly name: string; readonly fixture: string }[];
}

/** A block whose text is the content of a file that later commands read. */
export interface FileBlock {
  readonly line: number;
  readonly file: string;
  readonly content: string;
}

export type Part = ({ readonly kind: 'commands' } & Block) | ({ readonly kind: 'file' } & FileBlock);

/** Languages of blocks that hold commands: with their output, and without. */
const WITH_OUTPUT = ['console'];
const WITHOUT_OUTPUT = ['sh', 'bash', 'shell'];

/** The parts of a Markdown file in order. See commands.test.ts for the convention. */
export function readBlocks(markdown: string): readonly Part[] {
  const lines = markdown.split('\n');
  const parts: Part[] = [];
  let heading = '';
  let directive = '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const fence = /^(\s*)(```+)\s*(\S*)\s*(.*)$/.exec(line);
    if (fence === null) {
      heading = /^#+ (.*)/.exec(line)?.[1] ?? heading;
      const comment = /^<!-- commands: (.*) -->$/.exec(line);
      if (comment !== null) directive = comment[1];
      else if (line.trim() !== '') directive = '';
      continue;
    }
    const [, indent, ticks, language, info] = fence;
    const start = at + 1;
    at = lines.findIndex((other, index) => index >= start && other.trim() === ticks);
    if (at < 0) throw new Error(`line ${start}: the block does not end`);
    const body = lines.slice(start, at).map((text) => text.slice(indent.length));
    const file = /^file=(\S+)$/.exec(info)?.[1];
    if (file !== undefined) parts.push({ kind: 'file', line: start, file, content: `${body.join('\n')}\n` });
    else if (WITH_OUTPUT.includes(language))
      parts.push({ ...block(heading, start, directive), commands: shown(body, start) });
    else if (WITHOUT_OUTPUT.includes(language))
      parts.push({ ...block(heading, start, directive), commands: plain(body, start) });
    directive = '';
  }
  return parts;
}

function block(heading: string, line: number, directive: string): Omit<Block, 'commands'> & { kind: 'commands' } {
  const needs: string[] = [];
  const files: { name: string; fixture: string }[] = [];
  let place: Place = 'here';
  for (const clause of directive.split(';').map((text) => text.trim())) {
    const [word, ...rest] = clause.split(/\s+/);
    if (clause === 'in namespace' || clause === 'in neighbour')
      place = clause === 'in namespace' ? 'namespace' : 'neighbour';
    else if (word === 'needs') needs.push(...rest);
    else if (word === 'with' && rest.length === 3 && rest[1] === 'from')
      files.push({ name: rest[0], fixture: rest[2] });
    else if (word !== '') throw new Error(`line ${line}: "${clause}" is not understood`);
  }
  return { kind: 'commands', heading, line, needs, place, files };
}

/** `$ ` begins a command, `> ` goes on with it, the rest is output. `start`: index of the body's first line. */
function shown(body: readonly string[], start: number): readonly Command[] {
  const commands: { text: string; expected: string[]; line: number; from: number; to: number }[] = [];
  body.forEach((text, index) => {
    const line = start + index + 1;
    const last = commands.at(-1);
    if (text.startsWith('$ ')) {
      commands.push({ text: text.slice(2), expected: [], line, from: line + 1, to: line + 1 });
    } else if (last === undefined) {
      throw new Error(`line ${line}: output without a command`);
    } else if (text.startsWith('> ') && last.expected.length === 0) {
      last.text += `\n${text.slice(2)}`;
      last.from = last.to = line + 1;
    } else {
      last.expected.push(text);
      last.to = line + 1;
    }
  });
  return commands.map((command) => ({ ...command, ...withoutBlankEnd(command) }));
}

/** An empty line before the next command separates them for the eye. */
function withoutBlankEnd({ expected, to }: { expected: string[]; to: number }): { expected: string[]; to: number } {
  let kept = expected.length;
  while (kept > 0 && expected[kept - 1] === '') kept--;
  return { expected: expected.slice(0, kept), to: to - (expected.length - kept) };
}

/** Every line is a command; `\` at its end goes on with it. */
function plain(body: readonly string[], start: number): readonly Command[] {
  const commands: Command[] = [];
  let text = '';
  body.forEach((line, index) => {
    text += text === '' ? line : `\n${line}`;
    if (line.endsWith('\\')) return;
    const at = start + index + 1;
    if (text.trim() !== '' && !text.startsWith('#')) commands.push({ text, line: at, from: at + 1, to: at + 1 });
    text = '';
  });
  return commands;
}
