/** The code sections of an object: functions one behind the other, and what must be known about their instructions. */
import { encode } from './instruction-bytes.js';
import type { Instruction, Reference, SourceLine } from '../bytecode/instruction.js';
import { CLASS, JMP_OP, PSEUDO, SIZE, SOURCE_X, slots } from '../bytecode/instruction.js';
import type { LineRecord } from './btf-ext.js';
import { MAX_COLUMN, MAX_LINE } from './btf-ext.js';
import { ByteWriter } from './bytes.js';
import { ObjectError } from './error.js';
import { findMember, type MemberPlace } from './kernel-struct.js';
import type { FunctionSpec, KernelStruct } from './spec.js';

export const SLOT_BYTES = 8;

export interface CodeSection {
  readonly name: string;
  readonly code: Uint8Array;
  readonly functions: readonly { readonly spec: FunctionSpec; readonly offset: number; readonly bytes: number }[];
  /** What the linker (libbpf) fills in, in order of offset. */
  readonly links: readonly { readonly offset: number; readonly reference: LinkReference }[];
  readonly lines: readonly LineRecord[];
  readonly fields: readonly { readonly offset: number; readonly struct: string; readonly place: MemberPlace }[];
}

export type LinkReference = Exclude<Reference, { kind: 'label' | 'field-offset' }>;

/** Lays out the functions of one section. Throws {@link ObjectError} `bad-reference` and `bad-value`. */
export function layOutCode(
  name: string,
  functions: readonly FunctionSpec[],
  structs: ReadonlyMap<string, KernelStruct>,
  file: string,
): CodeSection {
  const code = new ByteWriter();
  const placed: { spec: FunctionSpec; offset: number; bytes: number }[] = [];
  const links: { offset: number; reference: LinkReference }[] = [];
  const lines: LineRecord[] = [];
  const fields: { offset: number; struct: string; place: MemberPlace }[] = [];
  for (const spec of functions) {
    if (spec.instructions.length === 0) throw new ObjectError('bad-value', `function ${spec.name} has no instructions`);
    const start = code.length;
    let offset = start;
    const plain = spec.instructions.map((instruction) => {
      const { reference } = instruction;
      const at = offset;
      offset += slots(instruction) * SLOT_BYTES;
      if (reference === undefined) return instruction;
      if (reference.kind !== 'field-offset') {
        const link = checkLink(instruction, reference, spec);
        links.push({ offset: at, reference: link });
        return { ...instruction, ...LINK_FORM[link.kind] };
      }
      if (!isImmediateAlu(instruction))
        throw new ObjectError('bad-reference', `function ${spec.name}: ${reference.member} in no ALU immediate`);
      const place = findMember(structs, reference.struct, reference.member);
      fields.push({ offset: at, struct: reference.struct, place });
      return { ...instruction, imm: place.offset };
    });
    collectLines(spec, start, file, lines);
    code.bytes(encode(plain));
    placed.push({ spec, offset: start, bytes: offset - start });
  }
  return { name, code: code.finish(), functions: placed, links, lines, fields };
}

/**
 * What an instruction holds until libbpf has filled it in. A kfunc's call is written as the call of a function, as
 * clang does; libbpf knows from the symbol (RELO_EXTERN_FUNC).
 */
const LINK_FORM = {
  map: { src: PSEUDO.MAP_FD, imm: 0n },
  function: { src: PSEUDO.CALL, imm: -1 },
  kfunc: { src: PSEUDO.CALL, imm: -1 },
} as const satisfies Record<LinkReference['kind'], Partial<Instruction>>;

export const LDDW = CLASS.LD | SIZE[8];
export const CALL = CLASS.JMP | JMP_OP.call;

function checkLink(instruction: Instruction, reference: Reference, { name }: FunctionSpec): LinkReference {
  switch (reference.kind) {
    case 'label':
      throw new ObjectError('bad-reference', `function ${name}: label ${reference.name} is not resolved`);
    case 'field-offset':
      throw new ObjectError('bad-reference', `function ${name}: ${reference.member} is no symbol`);
    case 'map':
      if (instruction.opcode === LDDW) return reference;
      throw new ObjectError('bad-reference', `function ${name}: map ${reference.name} in no 64-bit load`);
    case 'function':
    case 'kfunc':
      if (instruction.opcode === CALL) return reference;
      throw new ObjectError('bad-reference', `function ${name}: ${reference.kind} ${reference.name} in no call`);
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
