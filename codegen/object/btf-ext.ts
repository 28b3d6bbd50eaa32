/**
 * `.BTF.ext` (Documentation/bpf/btf.rst, tools/lib/bpf/libbpf_internal.h): which function, source line and CO-RE
 * relocation belongs to which instruction. Offsets are bytes in the code section, as clang has them.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { ObjectError } from './error.js';
import { StringReader, StringTable } from './strings.js';

/** What `.BTF.ext` says about one code section; each list in order of offset. */
export interface CodeInfo {
  readonly section: string;
  readonly functions: readonly FunctionRecord[];
  readonly lines: readonly LineRecord[];
  readonly fields: readonly FieldRecord[];
}

export interface FunctionRecord {
  readonly offset: number;
  /** BTF number of the function. */
  readonly type: number;
}

export interface LineRecord {
  readonly offset: number;
  readonly file: string;
  readonly text: string;
  /** 22 bits, from 1; 0: no line of the file. */
  readonly line: number;
  /** 10 bits. */
  readonly column: number;
}

export interface FieldRecord {
  readonly offset: number;
  /** BTF number of the struct. */
  readonly type: number;
  /** Member numbers on the way to the member, through structs inside of structs; none for the struct's own number. */
  readonly path: readonly number[];
  /** The member's offset, its shift to the left, or the struct's number in the kernel. */
  readonly wanted: keyof typeof RELOCATION;
}

export const MAX_LINE = (1 << 22) - 1;
export const MAX_COLUMN = (1 << 10) - 1;

const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_BYTES = 32;
const FUNCTION_RECORD_BYTES = 8;
const LINE_RECORD_BYTES = 16;
const FIELD_RECORD_BYTES = 16;
/** enum bpf_core_relo_kind (include/uapi/linux/bpf.h): BPF_CORE_FIELD_BYTE_OFFSET, …_FIELD_LSHIFT_U64, …_TYPE_ID_TARGET. */
const RELOCATION = { offset: 0, shift: 4, 'type-id': 7 } as const;

export function encodeBtfExt(sections: readonly CodeInfo[], strings: StringTable): Uint8Array {
  const functions = encodeTable(sections, strings, FUNCTION_RECORD_BYTES, (out, code) => {
    for (const record of code.functions) out.u32(record.offset, record.type);
    return code.functions.length;
  });
  const lines = encodeTable(sections, strings, LINE_RECORD_BYTES, (out, code) => {
    for (const { offset, file, text, line, column } of code.lines) {
      out.u32(offset, strings.add(file), strings.add(text), ((line << 10) | column) >>> 0);
    }
    return code.lines.length;
  });
  const fields = encodeTable(sections, strings, FIELD_RECORD_BYTES, (out, code) => {
    for (const { offset, type, path, wanted } of code.fields) {
      out.u32(offset, type, strings.add([0, ...path].join(':')), RELOCATION[wanted]);
    }
    return code.fields.length;
  });
  const linesAt = functions.length;
  const fieldsAt = linesAt + lines.length;
  return new ByteWriter()
    .u16(MAGIC)
    .u8(VERSION)
    .u8(0)
    .u32(HEADER_BYTES, 0, functions.length, linesAt, lines.length, fieldsAt, fields.length)
    .bytes(functions)
    .bytes(lines)
    .bytes(fields)
    .finish();
}

/** Record size, then for each section that has records its name, their number, and they. Empty without records. */
function encodeTable(
  sections: readonly CodeInfo[],
  strings: StringTable,
  recordBytes: number,
  encode: (out: ByteWriter, code: CodeInfo) => number,
): Uint8Array {
  const table = new ByteWriter().u32(recordBytes);
  for (const code of sections) {
    const records = new ByteWriter();
    const count = encode(records, code);
    if (count > 0) table.u32(strings.add(code.section), count).bytes(records.finish());
  }
  return table.length === 4 ? new Uint8Array(0) : table.finish();
}

/** Reads what {@link encodeBtfExt} writes; the names are strings of `.BTF`. */
export function decodeBtfExt(data: Uint8Array, strings: StringReader): readonly CodeInfo[] {
  const header = new ByteReader(data, '.BTF.ext');
  if (header.u16() !== MAGIC || header.u8() !== VERSION) {
    throw new ObjectError('malformed', '.BTF.ext has no BTF header');
  }
  header.skip(1);
  const base = header.u32();
  const table = (what: string): ByteReader => {
    const offset = header.u32();
    return header.region(base + offset, header.u32(), what);
  };
  const functions = decodeTable(table('func_info'), strings, FUNCTION_RECORD_BYTES, (at) => ({
    offset: at.u32(),
    type: at.u32(),
  }));
  const lines = decodeTable(table('line_info'), strings, LINE_RECORD_BYTES, (at) => decodeLine(at, strings));
  const fields = decodeTable(table('core_relo'), strings, FIELD_RECORD_BYTES, (at) => decodeField(at, strings));
  const sections = new Set([...functions.keys(), ...lines.keys(), ...fields.keys()]);
  return [...sections].map((section) => ({
    section,
    functions: functions.get(section) ?? [],
    lines: lines.get(section) ?? [],
    fields: fields.get(section) ?? [],
  }));
}

function decodeTable<T>(
  table: ByteReader,
  strings: StringReader,
  recordBytes: number,
  decode: (at: ByteReader) => T,
): Map<string, readonly T[]> {
  const sections = new Map<string, readonly T[]>();
  if (table.left === 0) return sections;
  if (table.u32() !== recordBytes) throw new ObjectError('malformed', `${table.what} has records of another size`);
  while (table.left > 0) {
    const section = strings.at(table.u32());
    const count = table.u32();
    const records: T[] = [];
    for (let i = 0; i < count; i++) records.push(decode(table));
    if (sections.has(section)) throw new ObjectError('malformed', `${table.what} names section ${section} twice`);
    sections.set(section, records);
  }
  return sections;
}

function decodeLine(at: ByteReader, strings: StringReader): LineRecord {
  const offset = at.u32();
  const file = strings.at(at.u32());
  const text = strings.at(at.u32());
  const packed = at.u32();
  return { offset, file, text, line: packed >>> 10, column: packed & MAX_COLUMN };
}

function decodeField(at: ByteReader, strings: StringReader): FieldRecord {
  const offset = at.u32();
  const type = at.u32();
  const access = strings.at(at.u32());
  const kind = at.u32();
  const wanted = (['offset', 'shift', 'type-id'] as const).find((one) => RELOCATION[one] === kind);
  if (wanted === undefined || !(wanted === 'type-id' ? /^0$/ : /^0(:\d{1,5})+$/).test(access)) {
    throw new ObjectError('malformed', `CO-RE relocation of kind ${kind} with access string ${JSON.stringify(access)}`);
  }
  return { offset, type, path: access.split(':').slice(1).map(Number), wanted };
}
