import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import type { Instruction } from '../../codegen/bytecode/instruction.js';
import type { Code } from './object-code.js';

type SourceLine = NonNullable<Instruction['line']>;

/** Instructions of a function at which the line info names another rule, ascending: hints where one rule's code ends. */
export function lineChanges({ instructions }: Code, placed: PlacedFunction): ReadonlyMap<number, SourceLine> {
  const changes = new Map<number, SourceLine>();
  let before: string | undefined;
  for (let at = placed.start; at < placed.end; at++) {
    const { line } = instructions[at].instruction;
    const here = line === undefined ? undefined : `${line.line}:${line.column}`;
    if (line !== undefined && here !== before) changes.set(at, line);
    before = here;
  }
  return changes;
}
