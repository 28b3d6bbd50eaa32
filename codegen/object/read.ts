import { readCode } from './read-code.js';
import { readElf, type Elf } from './read-elf.js';
import { TypeReader } from './read-types.js';
import { decodeBtf } from './btf.js';
import { decodeBtfExt } from './btf-ext.js';
import { SECTION_FLAG, SECTION_TYPE, SYMBOL_TYPE, type Section } from './elf.js';
import { ObjectError } from './error.js';
import {
  BTF_EXT_SECTION,
  BTF_SECTION,
  DATA_SECTION,
  LICENSE_SECTION,
  MANIFEST_SECTION,
  TEXT_SECTION,
} from './sections.js';
import type { DataSpec, EntrySpec, ObjectSpec } from './spec.js';
import { decodeText } from './strings.js';

/**
 * What `writeObject` was given, back from the file: references are symbols again, jumps keep their offsets (labels are
 * gone), lines stand at every instruction that has one, what equals its default is left out. A file of other tools is
 * read only as far as it looks the same. Throws {@link ObjectError} `not-an-object`, `truncated` or `malformed` at all
 * else, and nothing but that.
 */
export function readObject(bytes: Uint8Array): ObjectSpec {
  const elf = readElf(bytes);
  const btf = decodeBtf(onlySection(elf, BTF_SECTION).data);
  const info = decodeBtfExt(onlySection(elf, BTF_EXT_SECTION).data, btf.strings);
  const types = new TypeReader(btf);
  const structs = types.kernelStructs();
  const kernelStructs = [...structs.values()];
  const maps = types.maps();
  const kfuncs = types.kfuncs();
  const data = readData(elf);
  const context = { elf, info, types, structs, maps, data, kfuncs };

  const programs = elf.sections.filter((section) => isCode(section) && section.name !== TEXT_SECTION);
  const [first, ...others] = programs.map(({ name }) => ({ name, code: readCode(context, name) }));
  if (first === undefined) throw new ObjectError('malformed', 'no program section');
  if (first.code.functions.length === 0) throw new ObjectError('malformed', 'no entry function');
  const entries = [
    ...first.code.functions,
    ...others.flatMap(({ name, code }) => code.functions.map((entry): EntrySpec => ({ ...entry, section: name }))),
  ];
  const hasText = elf.sections.some((section) => section.name === TEXT_SECTION);
  const functions = hasText ? readCode(context, TEXT_SECTION).functions : [];
  return {
    license: readLicense(onlySection(elf, LICENSE_SECTION)),
    program: { section: first.name, entries, functions },
    maps,
    ...(data === undefined ? {} : { data }),
    kernelStructs,
    kfuncs,
    manifest: decodeText(onlySection(elf, MANIFEST_SECTION).data, 'the manifest'),
    sourceFile: first.code.sourceFile,
  };
}

function isCode(section: Section): boolean {
  return section.type === SECTION_TYPE.PROGBITS && (section.flags & SECTION_FLAG.EXECINSTR) !== 0;
}

function onlySection(elf: Elf, name: string): Section {
  const found = elf.sections.filter((section) => section.name === name);
  if (found.length === 1 && found[0].type === SECTION_TYPE.PROGBITS) return found[0];
  throw new ObjectError('malformed', `${found.length} sections ${name} instead of one`);
}

function readData(elf: Elf): DataSpec | undefined {
  const number = elf.sections.findIndex(({ name }) => name === DATA_SECTION);
  if (number < 0) return undefined;
  const { data, type } = elf.sections[number];
  const [symbol, ...others] = elf.symbols.filter(({ section }) => section === number);
  const whole = symbol?.type === SYMBOL_TYPE.OBJECT && symbol.value === 0 && symbol.size === data.length;
  if (!whole || others.length > 0 || data.length === 0 || type !== SECTION_TYPE.PROGBITS) {
    throw new ObjectError('malformed', `section ${DATA_SECTION} is not one variable`);
  }
  return { name: symbol.name, bytes: data };
}

function readLicense({ data }: Section): string {
  if (data.indexOf(0) !== data.length - 1) throw new ObjectError('malformed', 'the license is not one string');
  return decodeText(data.subarray(0, -1), 'the license');
}
