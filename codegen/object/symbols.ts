/** Symbols of an object, and the relocations that name them. */
import type { CodeSection, Link } from './code.js';
import type { ElfSymbol, Relocation, Section } from './elf.js';
import { BINDING, R_BPF_64_32, R_BPF_64_64, RELOCATION_BYTES, SECTION_FLAG, SECTION_TYPE, SHN_UNDEF } from './elf.js';
import { SYMBOL_TYPE, encodeRelocations, plainSection } from './elf.js';
import { ObjectError } from './error.js';
import { LICENSE_SYMBOL } from './names.js';
import type { ObjectSpec } from './spec.js';
import type { ObjectTypes } from './types.js';

/** Numbers of the sections that symbols lie in. */
export interface SectionNumbers {
  /** By section name. */
  readonly code: ReadonlyMap<string, number>;
  readonly maps: number;
  readonly data: number;
  readonly license: number;
}

/** All symbols but the null symbol, locals first, as ELF wants it. */
export function collectSymbols(
  spec: ObjectSpec,
  code: readonly CodeSection[],
  types: ObjectTypes,
  numbers: SectionNumbers,
): readonly ElfSymbol[] {
  const { GLOBAL, LOCAL } = BINDING;
  const functions = code.flatMap(({ name: section, functions }) =>
    functions.map(({ spec: { name, linkage }, offset, bytes }) => ({
      name,
      binding: linkage === 'static' ? LOCAL : GLOBAL,
      type: SYMBOL_TYPE.FUNC,
      section: numbers.code.get(section) ?? SHN_UNDEF,
      value: offset,
      size: bytes,
    })),
  );
  // libbpf passes over symbols without a type, as those of clang's labels.
  const inlined = code.flatMap(({ name: section, functions }) =>
    functions.flatMap((placed) =>
      placed.inlined.map(({ name, offset, bytes }) => ({
        name,
        binding: LOCAL,
        type: SYMBOL_TYPE.NOTYPE,
        section: numbers.code.get(section) ?? SHN_UNDEF,
        value: offset,
        size: bytes,
      })),
    ),
  );
  const variable = { binding: GLOBAL, type: SYMBOL_TYPE.OBJECT };
  const maps = [...types.maps].map(([name, place]) => ({
    name,
    ...variable,
    section: numbers.maps,
    value: place.offset,
    size: place.bytes,
  }));
  const data =
    spec.data === undefined
      ? []
      : [{ name: spec.data.name, ...variable, section: numbers.data, value: 0, size: spec.data.bytes.length }];
  const license = { name: LICENSE_SYMBOL, ...variable, section: numbers.license, value: 0, size: 0 };
  // libbpf takes for external what is undefined, global and of no type (sym_is_extern).
  const external = { binding: GLOBAL, type: SYMBOL_TYPE.NOTYPE, section: SHN_UNDEF, value: 0, size: 0 };
  const kfuncs = spec.kfuncs.map(({ name }) => ({ name, ...external }));
  return [...inlined, ...functions, ...maps, ...data, license, ...kfuncs].sort((a, b) => a.binding - b.binding);
}

/** Whether a symbol names code that stands where it was called; labels, as clang makes them, have no size. */
export function isInlined({ binding, type, section, size }: ElfSymbol): boolean {
  return binding === BINDING.LOCAL && type === SYMBOL_TYPE.NOTYPE && section !== SHN_UNDEF && size > 0;
}

/** Says where each reference of the program leads: a symbol's number in the table, and its relocation type. */
export class Linker {
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly names: Readonly<Record<Link['kind'], ReadonlySet<string>>>;

  constructor(spec: ObjectSpec, symbols: readonly ElfSymbol[]) {
    // The null symbol is number 0. Code that stands in other code is not referred to.
    const referred = symbols.flatMap((symbol, i) => (isInlined(symbol) ? [] : [[symbol.name, i + 1] as const]));
    this.numbers = new Map(referred);
    const names = (of: readonly { readonly name: string }[]): ReadonlySet<string> => new Set(of.map((one) => one.name));
    this.names = {
      map: names(spec.maps),
      data: names(spec.data === undefined ? [] : [spec.data]),
      function: names(spec.program.functions),
      kfunc: names(spec.kfuncs),
    };
  }

  private relocation({ offset, kind, name }: Link): Relocation {
    const symbol = this.numbers.get(name);
    if (symbol === undefined || !this.names[kind].has(name)) {
      throw new ObjectError('bad-reference', `no ${kind} ${name} in the object that could be referred to`);
    }
    return { offset, type: kind === 'map' || kind === 'data' ? R_BPF_64_64 : R_BPF_64_32, symbol };
  }

  /** The `.rel` section of code section number `target`. */
  section(code: CodeSection, target: number, symbolTable: number): Section {
    const relocations = code.links.map((link) => this.relocation(link));
    const data = encodeRelocations(relocations);
    return {
      ...plainSection(`.rel${code.name}`, SECTION_TYPE.REL, SECTION_FLAG.INFO_LINK, data, 8),
      link: symbolTable,
      info: target,
      entrySize: RELOCATION_BYTES,
    };
  }
}
