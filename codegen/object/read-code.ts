/** The inverse of `layOutCode`: a code section as functions with symbolic references. */
import { DecodeError, SLOT_BYTES, decode } from '../bytecode/encode.js';
import type { Instruction, Reference, SourceLine } from '../bytecode/instruction.js';
import { PSEUDO, slots } from '../bytecode/instruction.js';
import type { CodeInfo, LineRecord } from './btf-ext.js';
import { CALL, LDDW, isImmediateAlu } from './code.js';
import type { ElfSymbol, Relocation } from './elf.js';
import { R_BPF_64_32, R_BPF_64_64, SHN_UNDEF, SYMBOL_TYPE } from './elf.js';
import { ObjectError } from './error.js';
import { memberAt } from './kernel-struct.js';
import { readRelocations, type Elf } from './read-elf.js';
import { isInlined } from './symbols.js';
import type { TypeReader } from './read-types.js';
import type { DataSpec, FunctionSpec, KernelStruct, KfuncSpec, MapSpec } from './spec.js';

export interface ReadContext {
  readonly elf: Elf;
  readonly info: readonly CodeInfo[];
  readonly types: TypeReader;
  readonly structs: ReadonlyMap<number, KernelStruct>;
  readonly maps: readonly MapSpec[];
  readonly data: DataSpec | undefined;
  readonly kfuncs: readonly KfuncSpec[];
}

/** Functions of the section named, in order of place. */
export function readCode(
  context: ReadContext,
  sectionName: string,
): { readonly functions: readonly FunctionSpec[]; readonly sourceFile: string } {
  const number = context.elf.sections.findIndex((section) => section.name === sectionName);
  const { data } = context.elf.sections[number];
  const info = context.info.find((one) => one.section === sectionName);
  if (info === undefined) throw new ObjectError('malformed', `.BTF.ext knows nothing of section ${sectionName}`);
  const section = new CodeReader(context, info, readRelocations(context.elf, number));
  const symbols = context.elf.symbols
    .filter((symbol) => symbol.section === number && symbol.type === SYMBOL_TYPE.FUNC)
    .sort((a, b) => a.value - b.value);
  let end = 0;
  const inlined = context.elf.symbols.filter((symbol) => symbol.section === number && isInlined(symbol));
  const functions = symbols.map((symbol) => {
    if (symbol.value !== end || symbol.size === 0) {
      throw new ObjectError('malformed', `place of function ${symbol.name}`);
    }
    end += symbol.size;
    if (end > data.length) throw new ObjectError('truncated', `function ${symbol.name} goes beyond its section`);
    const isWithin = ({ value }: ElfSymbol): boolean => value >= symbol.value && value < end;
    const code = section.function(symbol, data.subarray(symbol.value, end));
    return withInlined(code, symbol, inlined.filter(isWithin));
  });
  const named = functions.reduce((sum, one) => sum + (one.inlined ?? []).length, 0);
  if (named < inlined.length) throw new ObjectError('malformed', `a name for no code in section ${sectionName}`);
  if (end !== data.length) throw new ObjectError('malformed', `code of no function in section ${sectionName}`);
  section.checkAllUsed();
  return { functions, sourceFile: info.lines[0]?.file ?? '' };
}

/** Symbols of no type name code that stands where it was called. */
function withInlined(code: FunctionSpec, { name, value }: ElfSymbol, symbols: readonly ElfSymbol[]): FunctionSpec {
  if (symbols.length === 0) return code;
  const places = new Map<number, number>();
  let offset = value;
  code.instructions.forEach((instruction, at) => {
    places.set(offset, at);
    offset += slots(instruction) * SLOT_BYTES;
  });
  places.set(offset, code.instructions.length);
  const inlined = symbols.map((symbol) => {
    const from = places.get(symbol.value);
    const to = places.get(symbol.value + symbol.size);
    if (from === undefined || to === undefined || from >= to) {
      throw new ObjectError('malformed', `place of ${symbol.name} in function ${name}`);
    }
    return { name: symbol.name, from, to };
  });
  return { ...code, inlined };
}

/** Reads the functions of one section, one after the other. */
class CodeReader {
  private readonly lines: ReadonlyMap<number, LineRecord>;
  private readonly functionTypes: ReadonlyMap<number, number>;
  private readonly fields: ReadonlyMap<number, Reference>;
  /** Offsets of the instructions read. */
  private readonly places = new Set<number>();

  constructor(
    private readonly context: ReadContext,
    info: CodeInfo,
    private readonly relocations: ReadonlyMap<number, Relocation>,
  ) {
    this.lines = byOffset(info.lines, (line) => line);
    this.functionTypes = byOffset(info.functions, (fn) => fn.type);
    const byName = new Map([...context.structs.values()].map((struct) => [struct.name, struct]));
    this.fields = byOffset(info.fields, ({ type, path, wanted }): Reference => {
      const struct = context.structs.get(type)?.name;
      if (struct === undefined) throw new ObjectError('malformed', `CO-RE relocation of BTF type ${type}`);
      if (wanted === 'type-id') return { kind: 'type-id', struct };
      const member = memberAt(byName, struct, path);
      return { kind: 'field-offset', struct, member, ...(wanted === 'shift' ? { shift: true } : {}) };
    });
  }

  function(symbol: ElfSymbol, code: Uint8Array): FunctionSpec {
    const type = this.functionTypes.get(symbol.value);
    if (type === undefined) throw new ObjectError('malformed', `no BTF of function ${symbol.name}`);
    const head = this.context.types.function(type);
    if (head.name !== symbol.name) throw new ObjectError('malformed', `function ${symbol.name} is ${head.name} in BTF`);
    if (!this.lines.has(symbol.value))
      throw new ObjectError('malformed', `function ${symbol.name} starts with no line`);
    let offset = symbol.value;
    let line: SourceLine | undefined;
    const instructions = decodeCode(code, symbol.name).map((plain) => {
      const record = this.lines.get(offset);
      if (record !== undefined) line = sourceLine(record);
      const instruction = this.withReference(plain, offset);
      this.places.add(offset);
      offset += slots(plain) * SLOT_BYTES;
      return line === undefined ? instruction : { ...instruction, line };
    });
    return { ...head, instructions };
  }

  /** Nothing may be said of what is no instruction. */
  checkAllUsed(): void {
    for (const records of [this.lines, this.functionTypes, this.fields, this.relocations]) {
      for (const offset of records.keys()) {
        if (!this.places.has(offset)) throw new ObjectError('malformed', `no instruction at ${offset}`);
      }
    }
  }

  private withReference(instruction: Instruction, offset: number): Instruction {
    const relocation = this.relocations.get(offset);
    const field = this.fields.get(offset);
    if (relocation !== undefined) return this.link(instruction, relocation);
    if (field === undefined) return instruction;
    if (!isImmediateAlu(instruction)) throw new ObjectError('malformed', 'CO-RE relocation of no ALU immediate');
    return { ...instruction, imm: 0, reference: field };
  }

  private link(instruction: Instruction, { type, symbol: number, offset }: Relocation): Instruction {
    const symbol = this.context.elf.symbols.at(number);
    const name = symbol?.name ?? '';
    if (symbol !== undefined && type === R_BPF_64_64 && instruction.opcode === LDDW) {
      if (this.context.maps.some((map) => map.name === name)) {
        return { ...instruction, src: PSEUDO.MAP_FD, imm: 0n, reference: { kind: 'map', name } };
      }
      if (this.context.data?.name === name) {
        return { ...instruction, src: PSEUDO.MAP_VALUE, imm: 0n, reference: { kind: 'data', name } };
      }
    } else if (symbol !== undefined && type === R_BPF_64_32 && instruction.opcode === CALL) {
      if (symbol.type === SYMBOL_TYPE.FUNC) {
        return { ...instruction, src: PSEUDO.CALL, imm: -1, reference: { kind: 'function', name } };
      }
      if (symbol.section === SHN_UNDEF && this.context.kfuncs.some((kfunc) => kfunc.name === name)) {
        return { ...instruction, src: PSEUDO.KFUNC_CALL, imm: -1, reference: { kind: 'kfunc', name } };
      }
    }
    throw new ObjectError('malformed', `relocation of type ${type} at ${offset} to symbol ${name}`);
  }
}

function byOffset<R extends { readonly offset: number }, T>(
  records: readonly R[],
  value: (record: R) => T,
): ReadonlyMap<number, T> {
  const map = new Map(records.map((record) => [record.offset, value(record)]));
  if (map.size < records.length) throw new ObjectError('malformed', 'two records of one instruction in .BTF.ext');
  return map;
}

function decodeCode(code: Uint8Array, name: string): readonly Instruction[] {
  try {
    return decode(code);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ObjectError('malformed', `function ${name}: ${error.message}`);
  }
}

/** Line 0 marks what has no line. */
function sourceLine({ line, column, text }: LineRecord): SourceLine | undefined {
  return line === 0 ? undefined : { text, line, column };
}
