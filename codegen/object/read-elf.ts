import { ByteReader } from './bytes.js';
import type { ElfSymbol, Relocation, Section } from './elf.js';
import { EM_BPF, ET_REL, RELOCATION_BYTES, SECTION_HEADER_BYTES, SECTION_TYPE, SYMBOL_BYTES } from './elf.js';
import { ObjectError } from './error.js';
import { StringReader } from './strings.js';

/** A read object file. */
export interface Elf {
  /** By section number; number 0 is the null section. */
  readonly sections: readonly Section[];
  /** By symbol number; number 0 is the null symbol. */
  readonly symbols: readonly ElfSymbol[];
}

const ELF_MAGIC = 0x464c457f;
const CLASS_64_LITTLE_ENDIAN_VERSION_1 = 0x010102;

/** Reads the sections and symbols of an ELF64 little-endian BPF object; throws {@link ObjectError} if it is none. */
export function readElf(bytes: Uint8Array): Elf {
  const file = new ByteReader(bytes, 'the file');
  const { headers, count, names } = readHeader(file);
  const raw: { nameOffset: number; section: Section }[] = [];
  const table = file.region(headers, count * SECTION_HEADER_BYTES, 'the section header table');
  for (let i = 0; i < count; i++) raw.push(readSection(file, table));
  const text = stringTable(raw[names]?.section);
  const sections = raw.map(({ nameOffset, section }) => ({ ...section, name: text.at(nameOffset) }));
  const symtabs = sections.filter((section) => section.type === SECTION_TYPE.SYMTAB);
  if (symtabs.length !== 1) throw new ObjectError('malformed', `${symtabs.length} symbol tables`);
  return { sections, symbols: readSymbols(symtabs[0], stringTable(sections[symtabs[0].link])) };
}

function readHeader(file: ByteReader): { headers: number; count: number; names: number } {
  if (file.left < 64 || file.u32() !== ELF_MAGIC) throw new ObjectError('not-an-object', 'not an ELF file');
  if ((file.u32() & 0xffffff) !== CLASS_64_LITTLE_ENDIAN_VERSION_1) {
    throw new ObjectError('not-an-object', 'not a 64-bit little-endian ELF file');
  }
  file.seek(16);
  const type = file.u16();
  const machine = file.u16();
  if (type !== ET_REL || machine !== EM_BPF) {
    throw new ObjectError('not-an-object', `ELF type ${type} for machine ${machine} is no BPF object`);
  }
  const headers = file.seek(40).u64();
  if (file.seek(58).u16() !== SECTION_HEADER_BYTES) throw new ObjectError('malformed', 'size of a section header');
  return { headers, count: file.u16(), names: file.u16() };
}

function readSection(file: ByteReader, table: ByteReader): { nameOffset: number; section: Section } {
  const nameOffset = table.u32();
  const type = table.u32();
  const flags = table.u64();
  table.skip(8);
  const offset = table.u64();
  const size = table.u64();
  const data = type === 0 ? new Uint8Array(0) : file.region(offset, size, `section of type ${type}`).data;
  const link = table.u32();
  const info = table.u32();
  const alignment = table.u64();
  const entrySize = table.u64();
  return { nameOffset, section: { name: '', type, flags, data, link, info, alignment, entrySize } };
}

function stringTable(section: Section | undefined): StringReader {
  if (section?.type !== SECTION_TYPE.STRTAB) throw new ObjectError('malformed', 'no string table where one is named');
  return new StringReader(section.data, 'the string table');
}

function readSymbols(section: Section, names: StringReader): readonly ElfSymbol[] {
  const at = new ByteReader(section.data, 'the symbol table');
  const symbols: ElfSymbol[] = [];
  if (section.data.length % SYMBOL_BYTES !== 0) throw new ObjectError('truncated', 'the symbol table ends in a symbol');
  while (at.left > 0) {
    const name = names.at(at.u32());
    const info = at.u8();
    at.skip(1);
    symbols.push({
      name,
      binding: info >>> 4,
      type: info & 15,
      section: at.u16(),
      value: at.u64(),
      size: at.u64(),
    });
  }
  return symbols;
}

/** Relocations of section number `target`, by offset. */
export function readRelocations(elf: Elf, target: number): ReadonlyMap<number, Relocation> {
  const found = new Map<number, Relocation>();
  for (const section of elf.sections) {
    if (section.type !== SECTION_TYPE.REL || section.info !== target) continue;
    const at = new ByteReader(section.data, section.name);
    if (section.data.length % RELOCATION_BYTES !== 0)
      throw new ObjectError('truncated', `${section.name} ends in a relocation`);
    while (at.left > 0) {
      const relocation = { offset: at.u64(), type: at.u32(), symbol: at.u32() };
      if (found.has(relocation.offset)) throw new ObjectError('malformed', `two relocations at ${relocation.offset}`);
      found.set(relocation.offset, relocation);
    }
  }
  return found;
}
