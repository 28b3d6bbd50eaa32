/** What libbpf fills in from the running kernel's BTF (tools/lib/bpf/relo_core.c): member offsets and kernel functions. */
import type { KernelMember, KernelStruct } from '../../codegen/object/spec.js';
import { KIND, type KernelTypes } from './kernel-types.js';
import { LoadError } from './load-error.js';

/** A member of a kernel struct as BPF_CORE_FIELD_* relocations describe it (bpf_core_calc_field_relo). */
export interface KernelField {
  /** Of a bit field: of the integer to load, which is aligned to its size. */
  readonly byteOffset: number;
  /** Of a bit field: 1, 2, 4 or 8 bytes to load. */
  readonly byteSize: number;
  readonly signed: boolean;
  /** Shifts left, then right, that leave the value alone in a 64-bit register (little endian). */
  readonly leftShift: number;
  readonly rightShift: number;
}

/**
 * Finds `member` (`a`, or through structs inside of structs `a.b.c`) of a kernel struct, by names and by the kinds that
 * the object's own view of the struct says. What comes behind `___` in the struct's name does not count (a flavour).
 * Where the kernel has several structs of that name, those that have the member must agree on its place.
 *
 * Throws {@link LoadError} where there is none, or where they do not agree.
 */
export function kernelField(
  types: KernelTypes,
  structs: ReadonlyMap<string, KernelStruct>,
  struct: string,
  member: string,
): KernelField {
  const name = struct.replace(/([^_])___[^_].*$/, '$1');
  const fields = [...types.find(KIND.struct, name), ...types.find(KIND.union, name)]
    .map((candidate) => walk(types, structs, candidate, struct, member))
    .filter((field) => field !== undefined);
  if (fields.length === 0) {
    throw new LoadError(`this kernel has no member ${member} of that kind in a struct ${name}`);
  }
  const texts = new Set(fields.map((field) => JSON.stringify(field)));
  if (texts.size > 1) {
    throw new LoadError(`this kernel has several structs ${name}, which do not agree on the place of ${member}`);
  }
  return fields[0];
}

function walk(
  types: KernelTypes,
  structs: ReadonlyMap<string, KernelStruct>,
  candidate: number,
  struct: string,
  member: string,
): KernelField | undefined {
  let type = candidate;
  let own = structs.get(struct);
  let bitOffset = 0;
  let bitWidth = 0;
  for (const part of member.split('.')) {
    if (!types.isComposite(type)) return undefined;
    const found = types.member(type, part);
    const wanted = own?.members.find((one) => one.name === part);
    if (found === undefined || wanted === undefined || !isCompatible(types, wanted, found.type)) return undefined;
    bitOffset += found.bitOffset;
    bitWidth = found.bitWidth;
    type = types.plain(found.type);
    own = typeof wanted.type === 'object' ? structs.get(wanted.type.struct) : undefined;
  }
  return bitWidth > 0 ? bitField(types, type, bitOffset, bitWidth) : wholeField(types, type, bitOffset);
}

/** bpf_core_fields_are_compat: kinds count, neither sizes nor signs nor the names of structs. */
function isCompatible(types: KernelTypes, wanted: KernelMember, type: number): boolean {
  const plain = types.plain(type);
  const kind = types.kind(plain);
  const { type: own = 'int' } = wanted;
  if (typeof own === 'object') return types.isComposite(plain);
  switch (own) {
    case 'int':
      return kind === KIND.int;
    case 'pointer':
      return kind === KIND.pointer;
    case 'chars':
      return kind === KIND.array && types.kind(types.plain(types.array(plain).of)) === KIND.int;
  }
}

function wholeField(types: KernelTypes, type: number, bitOffset: number): KernelField {
  const byteSize = types.bytes(type);
  const shift = Math.max(0, 64 - byteSize * 8);
  return {
    byteOffset: bitOffset / 8,
    byteSize,
    signed: types.isSigned(type),
    leftShift: shift,
    rightShift: shift,
  };
}

function bitField(types: KernelTypes, type: number, bitOffset: number, bitWidth: number): KernelField {
  const place = (bytes: number): number => Math.floor(bitOffset / 8 / bytes) * bytes;
  let byteSize = types.bytes(type);
  while (bitOffset + bitWidth - place(byteSize) * 8 > byteSize * 8) {
    if (byteSize >= 8) throw new LoadError(`a bit field of ${bitWidth} bits at bit ${bitOffset} fits no load`);
    byteSize *= 2;
  }
  const byteOffset = place(byteSize);
  return {
    byteOffset,
    byteSize,
    signed: types.isSigned(type),
    leftShift: 64 - (bitOffset + bitWidth - byteOffset * 8),
    rightShift: 64 - bitWidth,
  };
}

/** BTF number of a kernel struct (BPF_CORE_TYPE_ID_TARGET). Throws {@link LoadError} where there is none, or more than one of the name. */
export function kernelType(types: KernelTypes, struct: string): number {
  const [found, ...others] = types.find(KIND.struct, struct);
  if (found === undefined) throw new LoadError(`this kernel has no struct ${struct}`);
  if (others.length > 0) throw new LoadError(`this kernel has several structs ${struct}`);
  return found;
}

/** BTF number of a kernel function. Functions of modules are not looked for. Throws {@link LoadError}. */
export function kernelFunction(types: KernelTypes, name: string): number {
  const found = types.find(KIND.function, name).at(0);
  if (found === undefined) throw new LoadError(`this kernel has no function ${name} for programs to call`);
  return found;
}
