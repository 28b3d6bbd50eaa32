/** One program as the kernel takes it: the entry and the functions that it calls, one behind the other, with no symbols. */
import { SLOT_BYTES } from '../../codegen/bytecode/encode.js';
import { PSEUDO } from '../../codegen/bytecode/instruction.js';
import { ByteWriter } from '../../codegen/object/bytes.js';
import { layOutCode, type CodeSection, type Field, type Link } from '../../codegen/object/code.js';
import { memberAt } from '../../codegen/object/kernel-struct.js';
import type { FunctionSpec, KernelStruct, ObjectSpec } from '../../codegen/object/spec.js';
import { LoadError } from './load-error.js';

/** Where the symbols of an object lead in the running kernel. */
export interface Symbols {
  /** File descriptor of a map. */
  map(name: string): number;
  /** File descriptor of the map whose one value is the object's data. */
  data(name: string): number;
  /** BTF number of a kernel function. */
  kfunc(name: string): number;
  /** Byte offset of a member of a kernel struct, and the shift that brings the top of what is loaded there to bit 63. */
  field(struct: string, member: string): { readonly byteOffset: number; readonly leftShift: number };
  /** BTF number of a kernel struct. */
  type(struct: string): number;
  /** Number of a function in the BTF that is loaded with the program. */
  functionType(name: string): number;
  /** Offset of a string in that BTF. */
  string(text: string): number;
}

/** The arrays that BPF_PROG_LOAD reads, little endian. */
export interface LinkedProgram {
  /** 8 bytes a slot. */
  readonly instructions: Uint8Array;
  /** struct bpf_func_info: slot, type; {@link FUNCTION_RECORD_BYTES} each. */
  readonly functionInfo: Uint8Array;
  /** struct bpf_line_info: slot, file, text, line and column; {@link LINE_RECORD_BYTES} each. */
  readonly lineInfo: Uint8Array;
}

export const FUNCTION_RECORD_BYTES = 8;
export const LINE_RECORD_BYTES = 16;

/** Functions that the entry calls, directly or through others, in the object's order, which is all that counts here. */
export function calledFunctions(spec: ObjectSpec, entry: FunctionSpec): readonly FunctionSpec[] {
  const byName = new Map(spec.program.functions.map((fn) => [fn.name, fn]));
  const called = new Set<FunctionSpec>();
  const waiting = [entry];
  for (let fn = waiting.pop(); fn !== undefined; fn = waiting.pop()) {
    for (const { reference } of fn.instructions) {
      if (reference?.kind !== 'function') continue;
      const next = byName.get(reference.name);
      if (next === undefined) throw new LoadError(`${fn.name} calls ${reference.name}, which is not in the object`);
      if (called.has(next)) continue;
      called.add(next);
      waiting.push(next);
    }
  }
  return spec.program.functions.filter((fn) => called.has(fn));
}

/** Links the program of one entry, as bpf_object__relocate of tools/lib/bpf/libbpf.c does it. Throws {@link LoadError}. */
export function linkProgram(spec: ObjectSpec, entry: FunctionSpec, symbols: Symbols): LinkedProgram {
  const structs = new Map(spec.kernelStructs.map((struct) => [struct.name, struct]));
  const functions = [entry, ...calledFunctions(spec, entry)];
  const code = layOutCode(spec.program.section, functions, structs, spec.sourceFile);
  return {
    instructions: linkCode(code, structs, symbols),
    functionInfo: records(
      code.functions.map(({ spec: fn, offset }) => [offset / SLOT_BYTES, symbols.functionType(fn.name)]),
    ),
    lineInfo: records(
      code.lines.map(({ offset, file, text, line, column }) => [
        offset / SLOT_BYTES,
        symbols.string(file),
        symbols.string(text),
        ((line << 10) | column) >>> 0,
      ]),
    ),
  };
}

/** The second byte of an instruction holds two registers: the source is its upper half. The immediate is the second half. */
const REGISTERS = 1;
const IMMEDIATE = 4;

function linkCode(code: CodeSection, structs: ReadonlyMap<string, KernelStruct>, symbols: Symbols): Uint8Array {
  const bytes = code.code.slice();
  const view = new DataView(bytes.buffer);
  const places = new Map(code.functions.map(({ spec: { name }, offset }) => [name, offset]));
  for (const link of code.links) {
    const { source, immediate } = resolve(link, places, symbols);
    view.setUint8(link.offset + REGISTERS, (source << 4) | (view.getUint8(link.offset + REGISTERS) & 15));
    view.setInt32(link.offset + IMMEDIATE, immediate, true);
  }
  for (const field of code.fields) view.setInt32(field.offset + IMMEDIATE, relocated(field, structs, symbols), true);
  return bytes;
}

function relocated(field: Field, structs: ReadonlyMap<string, KernelStruct>, symbols: Symbols): number {
  const { struct, wanted } = field;
  if (wanted === 'type-id') return symbols.type(struct);
  const { byteOffset, leftShift } = symbols.field(struct, memberAt(structs, struct, field.place.path));
  return wanted === 'shift' ? leftShift : byteOffset;
}

function resolve(
  { kind, name, offset }: Link,
  places: ReadonlyMap<string, number>,
  symbols: Symbols,
): { readonly source: number; readonly immediate: number } {
  switch (kind) {
    case 'map':
      return { source: PSEUDO.MAP_FD, immediate: symbols.map(name) };
    case 'data':
      return { source: PSEUDO.MAP_VALUE, immediate: symbols.data(name) };
    case 'kfunc':
      return { source: PSEUDO.KFUNC_CALL, immediate: symbols.kfunc(name) };
    case 'function': {
      const place = places.get(name);
      if (place === undefined) throw new LoadError(`${name} is called, but is no function of the program`);
      // Counted in slots from behind the call.
      return { source: PSEUDO.CALL, immediate: (place - offset) / SLOT_BYTES - 1 };
    }
  }
}

function records(rows: readonly (readonly number[])[]): Uint8Array {
  const out = new ByteWriter();
  for (const row of rows) out.u32(...row);
  return out.finish();
}
