/** The code sections of an object: functions one behind the other, and what must be known about their instructions. */
import { SLOT_BYTES, encode } from '../bytecode/encode.js';
import type { Instruction, Reference, SourceLine } from '../bytecode/instruction.js';
import { CLASS, JMP_OP, PSEUDO, SIZE, SOURCE_X, slots } from '../bytecode/instruction.js';
import type { LineRecord } from './btf-ext.js';
import { MAX_COLUMN, MAX_LINE } from './btf-ext.js';
import { ByteWriter } from './bytes.js';
import { ObjectError } from './error.js';
import { findMember, type MemberPlace } from './kernel-struct.js';
import type { FunctionSpec, KernelStruct } from './spec.js';

export interface CodeSection {
  readonly name: string;
  readonly code: Uint8Array;
  readonly functions: readonly PlacedFunction[];
  /** What the linker (libbpf) fills in, in order of offset. */
  readonly links: readonly Link[];
  readonly lines: readonly LineRecord[];
  readonly fields: readonly Field[];
}

/** A function whose code stands in another one; offset and size are bytes in the section. */
export interface PlacedInline {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Offsets and sizes are bytes in the section. */
export interface PlacedFunction {
  readonly spec: FunctionSpec;
  readonly offset: number;
  readonly bytes: number;
  readonly inlined: readonly PlacedInline[];
}

export interface Link {
  readonly offset: number;
  readonly kind: 'map' | 'data' | 'function' | 'kfunc';
  readonly name: string;
}

/** What is to be known of a kernel struct. */
export type Field = { readonly offset: number; readonly struct: string } & (
  | { readonly wanted: 'offset' | 'shift'; readonly place: MemberPlace }
  /** Its BTF number. */
  | { readonly wanted: 'type-id' }
);

export const LDDW = CLASS.LD | SIZE[8];
export const CALL = CLASS.JMP | JMP_OP.call;

/**
 * What a linked instruction is, and what it holds until libbpf has filled it in, as clang has it: a map's load loads
 * zero, and a kfunc's call is written as that of a function. libbpf knows better from the symbol.
 */
const LINKED = {
  map: { opcode: LDDW, src: 0, imm: 0n },
  data: { opcode: LDDW, src: 0, imm: 0n },
  function: { opcode: CALL, src: PSEUDO.CALL, imm: -1 },
  kfunc: { opcode: CALL, src: PSEUDO.CALL, imm: -1 },
} as const satisfies Record<Link['kind'], Partial<Instruction>>;

/** Lays out the functions of one section. Throws {@link ObjectError} `bad-reference` and `bad-value`. */
export function layOutCode(
  name: string,
  functions: readonly FunctionSpec[],
  structs: ReadonlyMap<string, KernelStruct>,
  file: string,
): CodeSection {
  const code = new ByteWriter();
  const placed: PlacedFunction[] = [];
  const links: Link[] = [];
  const lines: LineRecord[] = [];
  const fields: Field[] = [];
  for (const spec of functions) {
    if (spec.instructions.length === 0) throw new ObjectError('bad-value', `function ${spec.name} has no instructions`);
    const start = code.length;
    collectLines(spec, start, file, lines);
    let offset = start;
    const unlinked = spec.instructions.map((instruction) => {
      const at = offset;
      offset += slots(instruction) * SLOT_BYTES;
      const { reference } = instruction;
      if (reference === undefined) return instruction;
      if (reference.kind === 'field-offset' || reference.kind === 'type-id') {
        const field = fieldOf(reference, at, structs);
        fields.push(field);
        return withField(instruction, field, spec.name);
      }
      const link = { offset: at, kind: linkKind(reference, spec.name), name: reference.name };
      links.push(link);
      return withLink(instruction, link, spec.name);
    });
    code.bytes(encode(unlinked));
    placed.push({ spec, offset: start, bytes: offset - start, inlined: placeInlined(spec, start) });
  }
  return { name, code: code.finish(), functions: placed, links, lines, fields };
}

/** Throws {@link ObjectError} `bad-value` where one has no instructions, or others than the function's. */
function placeInlined(
  { name: within, instructions, inlined = [] }: FunctionSpec,
  start: number,
): readonly PlacedInline[] {
  if (inlined.length === 0) return [];
  const offsets = [start];
  for (const instruction of instructions) offsets.push(offsets[offsets.length - 1] + slots(instruction) * SLOT_BYTES);
  return inlined.map(({ name, from, to }) => {
    const isInside =
      Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= instructions.length;
    if (!isInside) throw new ObjectError('bad-value', `function ${within}: code of ${name} from ${from} to ${to}`);
    return { name, offset: offsets[from], bytes: offsets[to] - offsets[from] };
  });
}

type Relocated = Extract<Reference, { kind: 'field-offset' | 'type-id' }>;

function fieldOf(reference: Relocated, offset: number, structs: ReadonlyMap<string, KernelStruct>): Field {
  const { struct } = reference;
  if (reference.kind === 'field-offset') {
    const wanted = reference.shift === true ? 'shift' : 'offset';
    return { offset, struct, wanted, place: findMember(structs, struct, reference.member) };
  }
  if (structs.has(struct)) return { offset, struct, wanted: 'type-id' };
  throw new ObjectError('bad-reference', `no kernel struct ${struct}`);
}

function linkKind({ kind, name }: Exclude<Reference, Relocated>, within: string): Link['kind'] {
  if (kind !== 'label') return kind;
  throw new ObjectError('bad-reference', `function ${within}: label ${name} is not resolved`);
}

function withLink(instruction: Instruction, { kind, name }: Link, within: string): Instruction {
  const form = LINKED[kind];
  if (instruction.opcode === form.opcode) return { ...instruction, ...form };
  throw new ObjectError('bad-reference', `function ${within}: ${kind} ${name} in opcode ${instruction.opcode}`);
}

function withField(instruction: Instruction, field: Field, within: string): Instruction {
  if (isImmediateAlu(instruction)) return { ...instruction, imm: unrelocated(field) };
  const what = field.wanted === 'type-id' ? `number of ${field.struct}` : `offset in ${field.struct}`;
  throw new ObjectError('bad-reference', `function ${within}: ${what} in opcode ${instruction.opcode}`);
}

/** What the instruction holds until it is relocated. The object's own view of a struct has no bit fields. */
export function unrelocated(field: Field): number {
  switch (field.wanted) {
    case 'offset':
      return field.place.offset;
    case 'shift':
      return 64 - 8 * field.place.bytes;
    case 'type-id':
      return 0;
  }
}

/** libbpf relocates the immediate of any ALU operation (bpf_core_patch_insn in relo_core.c). */
export function isImmediateAlu({ opcode }: Instruction): boolean {
  const kind = opcode & 7;
  return (kind === CLASS.ALU || kind === CLASS.ALU64) && (opcode & SOURCE_X) === 0;
}

/**
 * One record wherever the line changes, and always one at the function's start: the kernel wants it there
 * (check_btf_line in kernel/bpf/verifier.c). Instructions of no line are marked with line 0 and the function's name.
 */
function collectLines(spec: FunctionSpec, start: number, file: string, out: LineRecord[]): void {
  let offset = start;
  let last: LineRecord | undefined;
  let lastLine: SourceLine | undefined;
  for (const instruction of spec.instructions) {
    if (last === undefined || instruction.line !== lastLine) {
      const record = lineRecord(instruction.line, spec, offset, file);
      if (last === undefined || !sameLine(last, record)) out.push((last = record));
      lastLine = instruction.line;
    }
    offset += slots(instruction) * SLOT_BYTES;
  }
}

function lineRecord(line: SourceLine | undefined, spec: FunctionSpec, offset: number, file: string): LineRecord {
  if (line === undefined) return { offset, file, text: spec.name, line: 0, column: 0 };
  if (!Number.isInteger(line.line) || line.line < 1 || !Number.isInteger(line.column) || line.column < 0) {
    throw new ObjectError('bad-value', `function ${spec.name}: line ${line.line}, column ${line.column}`);
  }
  const { text } = line;
  return { offset, file, text, line: Math.min(line.line, MAX_LINE), column: Math.min(line.column, MAX_COLUMN) };
}

function sameLine(a: LineRecord, b: LineRecord): boolean {
  return a.line === b.line && a.column === b.column && a.text === b.text;
}
