/**
 * ELF64, little endian, relocatable, for BPF: the parts of the System V ABI (elf.h) that libbpf reads.
 */
import { ByteWriter } from './bytes.js';
import { StringTable } from './strings.js';

export const EM_BPF = 247;
export const ET_REL = 1;
/** The two relocation types of the BPF back end (Documentation/bpf/llvm_reloc.rst). */
export const R_BPF_64_64 = 1;
export const R_BPF_64_32 = 10;

export const SECTION_TYPE = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, REL: 9 } as const;
export const SECTION_FLAG = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, INFO_LINK: 0x40 } as const;
export const BINDING = { LOCAL: 0, GLOBAL: 1 } as const;
export const SYMBOL_TYPE = { NOTYPE: 0, OBJECT: 1, FUNC: 2 } as const;
export const SHN_UNDEF = 0;
export const ELF_HEADER_BYTES = 64;
export const SECTION_HEADER_BYTES = 64;
export const SYMBOL_BYTES = 24;
export const RELOCATION_BYTES = 16;

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
  /** Section number; REL: the symbol table, SYMTAB: the string table. */
  readonly link: number;
  /** REL: number of the section that is relocated; SYMTAB: index of the first symbol that is not local. */
  readonly info: number;
  readonly alignment: number;
  /** Bytes of one entry, 0 where there are none. */
  readonly entrySize: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly binding: number;
  readonly type: number;
  /** Section number, {@link SHN_UNDEF} where it is external. */
  readonly section: number;
  /** Byte offset in the section. */
  readonly value: number;
  /** Bytes. */
  readonly size: number;
}

export interface Relocation {
  /** Byte offset of the instruction in the section. */
  readonly offset: number;
  readonly type: number;
  /** Index in the symbol table. */
  readonly symbol: number;
}

/** `Elf64_Sym` records; the null symbol is put in front. Symbols: locals first. */
export function encodeSymbols(symbols: readonly ElfSymbol[], strings: StringTable): Uint8Array {
  const out = new ByteWriter().u64(0, 0, 0);
  for (const symbol of symbols) {
    out
      .u32(strings.add(symbol.name))
      .u8((symbol.binding << 4) | symbol.type)
      .u8(0)
      .u16(symbol.section)
      .u64(symbol.value, symbol.size);
  }
  return out.finish();
}

/** `Elf64_Rel` records. */
export function encodeRelocations(relocations: readonly Relocation[]): Uint8Array {
  const out = new ByteWriter();
  for (const { offset, type, symbol } of relocations) out.u64(offset).u32(type, symbol);
  return out.finish();
}

/**
 * The file of the given sections, which become numbers 1, 2, …; a string table `.strtab`, which holds the names of
 * sections and symbols, is put at the end, as number `sections.length + 1`.
 */
export function encodeElf(sections: readonly Section[], strings: StringTable): Uint8Array {
  const names = [...sections.map((section) => section.name), '.strtab'].map((name) => strings.add(name));
  const all: readonly Section[] = [...sections, plainSection('.strtab', SECTION_TYPE.STRTAB, 0, strings.finish(), 1)];
  const headers = new ByteWriter().bytes(new Uint8Array(SECTION_HEADER_BYTES));
  // Sections are large: each is copied once, into a file of the right size.
  let end = ELF_HEADER_BYTES;
  const offsets = all.map((section, i) => {
    const offset = alignUp(end, section.alignment);
    end = offset + section.data.length;
    headers
      .u32(names[i], section.type)
      .u64(section.flags, 0, offset, section.data.length)
      .u32(section.link, section.info)
      .u64(section.alignment, section.entrySize);
    return offset;
  });
  const at = alignUp(end, 8);
  const file = new Uint8Array(at + headers.length);
  file.set(elfHeader(at, all.length + 1));
  all.forEach(({ data }, i) => file.set(data, offsets[i]));
  file.set(headers.finish(), at);
  return file;
}

function alignUp(at: number, alignment: number): number {
  return Math.ceil(at / alignment) * alignment;
}

/** A section without entries and links. */
export function plainSection(name: string, type: number, flags: number, data: Uint8Array, alignment: number): Section {
  return { name, type, flags, data, link: 0, info: 0, alignment, entrySize: 0 };
}

function elfHeader(sectionHeaders: number, count: number): Uint8Array {
  return new ByteWriter()
    .bytes(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    .u16(ET_REL)
    .u16(EM_BPF)
    .u32(1)
    .u64(0, 0, sectionHeaders)
    .u32(0)
    .u16(ELF_HEADER_BYTES)
    .u16(0)
    .u16(0)
    .u16(SECTION_HEADER_BYTES)
    .u16(count)
    .u16(count - 1)
    .finish();
}
