import { encodeBtf } from './btf.js';
import { encodeBtfExt } from './btf-ext.js';
import { layOutCode, type CodeSection } from './code.js';
import type { Section } from './elf.js';
import { BINDING, SECTION_FLAG, SECTION_TYPE, SHN_UNDEF, SYMBOL_BYTES } from './elf.js';
import { encodeElf, encodeSymbols, plainSection } from './elf.js';
import { ObjectError } from './error.js';
import { checkNames } from './names.js';
import {
  BTF_EXT_SECTION,
  BTF_SECTION,
  DATA_SECTION,
  LICENSE_SECTION,
  MANIFEST_SECTION,
  MAPS_SECTION,
  TEXT_SECTION,
} from './sections.js';
import type { EntrySpec, ObjectSpec } from './spec.js';
import { StringTable, encodeText } from './strings.js';
import { Linker, collectSymbols } from './symbols.js';
import { buildTypes, type ObjectTypes } from './types.js';

const { PROGBITS, SYMTAB } = SECTION_TYPE;
const { ALLOC, EXECINSTR, WRITE } = SECTION_FLAG;

/**
 * The object file of `spec`: what clang would make of the same program, as far as libbpf (1.1 and newer) reads it.
 * Lines beyond 4,194,303 and columns beyond 1,023 are shown as these numbers: `.BTF.ext` has no room for more.
 * Throws {@link ObjectError} where the spec contradicts itself or the format has no room.
 */
export function writeObject(spec: ObjectSpec): Uint8Array {
  checkSpec(spec);
  const code = layOut(spec);
  const types = buildTypes(spec);
  const strings = new StringTable();
  const btfExt = encodeInfo(code, types, strings);
  const btf = encodeBtf(types.types, strings);

  // A section's number is its place from 1, which `push` returns.
  const sections: Section[] = [];
  const codeNumbers = new Map(
    code.map((c) => [c.name, sections.push(plainSection(c.name, PROGBITS, ALLOC | EXECINSTR, c.code, 8))]),
  );
  const maps = spec.maps.length > 0 ? sections.push(mapsSection(types)) : SHN_UNDEF;
  const data =
    spec.data === undefined
      ? SHN_UNDEF
      : sections.push(plainSection(DATA_SECTION, PROGBITS, ALLOC, spec.data.bytes, 8));
  const license = sections.push(
    plainSection(LICENSE_SECTION, PROGBITS, ALLOC | WRITE, encodeText(`${spec.license}\0`), 1),
  );
  sections.push(plainSection(BTF_SECTION, PROGBITS, 0, btf, 4));
  sections.push(plainSection(BTF_EXT_SECTION, PROGBITS, 0, btfExt, 4));
  sections.push(plainSection(MANIFEST_SECTION, PROGBITS, 0, encodeText(spec.manifest), 1));

  const symbols = collectSymbols(spec, code, types, { code: codeNumbers, maps, data, license });
  const linker = new Linker(spec, symbols);
  const linked = code.filter((c) => c.links.length > 0);
  const symbolTable = sections.length + linked.length + 1;
  for (const c of linked) sections.push(linker.section(c, codeNumbers.get(c.name) ?? SHN_UNDEF, symbolTable));
  const names = new StringTable();
  sections.push({
    ...plainSection('.symtab', SYMTAB, 0, encodeSymbols(symbols, names), 8),
    // encodeElf puts the string table right behind.
    link: symbolTable + 1,
    info: symbols.filter((symbol) => symbol.binding === BINDING.LOCAL).length + 1,
    entrySize: SYMBOL_BYTES,
  });
  return encodeElf(sections, names);
}

function checkSpec(spec: ObjectSpec): void {
  checkNames(spec);
  if (spec.data?.bytes.length === 0) throw new ObjectError('bad-value', 'data without bytes');
  if (spec.license.includes('\0')) throw new ObjectError('bad-value', 'NUL character in the license');
  const { entries } = spec.program;
  if (entries.length === 0) throw new ObjectError('bad-value', 'a program needs an entry function');
  if ((entries[0].section ?? spec.program.section) !== spec.program.section) {
    throw new ObjectError('bad-value', 'the first entry function must lie in the section of the program');
  }
  if (entries.some(({ linkage }) => linkage !== 'global')) {
    throw new ObjectError('bad-value', 'an entry function must be global');
  }
}

function layOut(spec: ObjectSpec): readonly CodeSection[] {
  const { program, sourceFile } = spec;
  const structs = new Map(spec.kernelStructs.map((struct) => [struct.name, struct]));
  const bySection = new Map<string, EntrySpec[]>([[program.section, []]]);
  for (const entry of program.entries) {
    const section = entry.section ?? program.section;
    bySection.set(section, [...(bySection.get(section) ?? []), entry]);
  }
  const code = [...bySection].map(([section, entries]) => layOutCode(section, entries, structs, sourceFile));
  if (program.functions.length > 0) code.push(layOutCode(TEXT_SECTION, program.functions, structs, sourceFile));
  return code;
}

function encodeInfo(code: readonly CodeSection[], types: ObjectTypes, strings: StringTable): Uint8Array {
  const infos = code.map((c) => ({
    section: c.name,
    functions: c.functions.map(({ offset, spec }) => ({ offset, type: types.functions.get(spec.name) ?? 0 })),
    lines: c.lines,
    fields: c.fields.map((field) => ({
      offset: field.offset,
      type: types.structs.get(field.struct) ?? 0,
      wanted: field.wanted,
      path: field.wanted === 'type-id' ? [] : field.place.path,
    })),
  }));
  return encodeBtfExt(infos, strings);
}

/** Zeros: libbpf reads what a map is from BTF. */
function mapsSection(types: ObjectTypes): Section {
  let bytes = 0;
  for (const place of types.maps.values()) bytes = place.offset + place.bytes;
  return plainSection(MAPS_SECTION, PROGBITS, ALLOC | WRITE, new Uint8Array(bytes), 8);
}
