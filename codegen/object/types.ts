/** The BTF types of an object: what the spec says of maps, functions, kernel structs and kfuncs, as libbpf reads it. */
import type { BtfMember, BtfType } from './btf.js';
import { LINKAGE, VOID } from './btf.js';
import { ObjectError } from './error.js';
import { KFUNCS_SECTION, MAPS_SECTION } from './sections.js';
import type { FunctionSpec, KernelMember, KernelStruct, KfuncSpec, KfuncType, MapSpec, ObjectSpec } from './spec.js';
import type { ParamSpec } from './spec.js';

/** enum bpf_map_type (include/uapi/linux/bpf.h). */
export const MAP_TYPE = {
  hash: 1,
  array: 2,
  percpu_hash: 5,
  percpu_array: 6,
  lru_hash: 9,
  lpm_trie: 11,
  ringbuf: 27,
} as const satisfies Record<MapSpec['type'], number>;

export interface ObjectTypes {
  readonly types: readonly BtfType[];
  /** BTF number of each function of the program. */
  readonly functions: ReadonlyMap<string, number>;
  readonly structs: ReadonlyMap<string, number>;
  /** Byte offset and size of each map's definition in `.maps`. */
  readonly maps: ReadonlyMap<string, { readonly offset: number; readonly bytes: number }>;
}

/** Integers by their names; kinds and sizes are what counts. */
export const INTEGERS = {
  char: { bytes: 1, signed: true },
  'unsigned char': { bytes: 1, signed: false },
  'unsigned short': { bytes: 2, signed: false },
  int: { bytes: 4, signed: true },
  'unsigned int': { bytes: 4, signed: false },
  'unsigned long long': { bytes: 8, signed: false },
} as const;
type IntegerName = keyof typeof INTEGERS;
const UNSIGNED: ReadonlyMap<number, IntegerName> = new Map([
  [1, 'unsigned char'],
  [2, 'unsigned short'],
  [4, 'unsigned int'],
  [8, 'unsigned long long'],
]);
const POINTER_BYTES = 8;
/** What the values of a map with locks begin with (include/uapi/linux/bpf.h). */
export const LOCK_STRUCT = 'bpf_spin_lock';
const LOCK_BYTES = 4;

/** Name of the one member of a struct that stands for memory of a fixed size. */
export const MEMORY_MEMBER = 'data';

/**
 * Kernel structs come first and are pointed to by nothing, which tells them from the structs of parameters; the
 * struct that defines a map has no name, as in clang's output.
 */
export function buildTypes(spec: ObjectSpec): ObjectTypes {
  const builder = new TypeBuilder();
  const structs = builder.kernelStructs(spec.kernelStructs);
  const functions = new Map<string, number>();
  for (const fn of [...spec.program.entries, ...spec.program.functions]) functions.set(fn.name, builder.function(fn));
  if (spec.kfuncs.length > 0) builder.kfuncs(spec.kfuncs);
  const maps = spec.maps.length > 0 ? builder.maps(spec.maps) : new Map<string, never>();
  return { types: builder.types, functions, structs, maps };
}

/** Types of the keys and values of a map with locks, for the kernel; numbers in `types`. */
export function lockedTypes(map: MapSpec): {
  readonly types: readonly BtfType[];
  readonly key: number;
  readonly value: number;
} {
  const builder = new TypeBuilder();
  const key = builder.key(map);
  const value = builder.lockedValue(map);
  return { types: builder.types, key, value };
}

class TypeBuilder {
  readonly types: BtfType[] = [];
  private readonly shared = new Map<string, number>();

  kernelStructs(structs: readonly KernelStruct[]): ReadonlyMap<string, number> {
    const numbers = new Map(structs.map((struct, i) => [struct.name, i + 1]));
    // Structs inside of structs may come later: the places first.
    for (const { name, bytes } of structs) this.add({ kind: 'struct', name, bytes, members: [] });
    structs.forEach((struct, i) => {
      const { name, bytes } = struct;
      this.types[i] = { kind: 'struct', name, bytes, members: this.kernelMembers(struct, structs, numbers) };
    });
    return numbers;
  }

  private kernelMembers(
    struct: KernelStruct,
    structs: readonly KernelStruct[],
    numbers: ReadonlyMap<string, number>,
  ): readonly BtfMember[] {
    let last = 0;
    return struct.members.map((member) => {
      const what = `kernel struct ${struct.name}, member ${member.name}`;
      if (member.offset < last) throw new ObjectError('bad-value', `${what}: members must come in order of offset`);
      last = member.offset;
      if (member.offset + member.bytes > struct.bytes) throw new ObjectError('bad-value', `${what}: beyond its end`);
      if (typeof member.type !== 'object') {
        return { name: member.name, type: this.plainMember(member, what), offset: member.offset };
      }
      const inner = member.type.struct;
      const number = numbers.get(inner);
      if (number === undefined) throw new ObjectError('bad-reference', `${what}: no kernel struct ${inner}`);
      if (member.bytes !== structs[number - 1].bytes) throw new ObjectError('bad-value', `${what}: size of ${inner}`);
      return { name: member.name, type: number, offset: member.offset };
    });
  }

  private plainMember(member: KernelMember, what: string): number {
    if (member.type === 'chars') return this.chars(member.bytes);
    if (member.type === 'pointer') {
      if (member.bytes !== POINTER_BYTES) throw new ObjectError('bad-value', `${what}: a pointer has 8 bytes`);
      return this.pointer(VOID);
    }
    const name = UNSIGNED.get(member.bytes);
    if (name === undefined) throw new ObjectError('bad-value', `${what}: no integer has ${member.bytes} bytes`);
    return this.integer(name);
  }

  function(fn: FunctionSpec): number {
    const params = fn.params.map((param) => ({ name: param.name, type: this.param(param) }));
    const prototype = this.add({ kind: 'prototype', returns: this.integer('int'), params });
    const linkage = fn.linkage === 'global' ? LINKAGE.GLOBAL : LINKAGE.STATIC;
    return this.add({ kind: 'function', name: fn.name, prototype, linkage });
  }

  private param({ name, type }: ParamSpec): number {
    switch (type.kind) {
      case 'int':
        return this.integer('int');
      case 'context':
        return this.pointer(this.emptyStruct(type.struct));
      case 'memory':
        if (type.bytes < 1) throw new ObjectError('bad-value', `parameter ${name}: memory of ${type.bytes} bytes`);
        return this.pointer(this.memory(type.struct, type.bytes));
    }
  }

  /** External functions are items of a data section without place or size: libbpf gives them both. */
  kfuncs(kfuncs: readonly KfuncSpec[]): void {
    const items = kfuncs.map((kfunc) => {
      const params = kfunc.params.map((type, i) => ({ name: `arg${i + 1}`, type: this.kfuncType(type) }));
      const prototype = this.add({ kind: 'prototype', returns: this.kfuncType(kfunc.returns ?? 'int'), params });
      const type = this.add({ kind: 'function', name: kfunc.name, prototype, linkage: LINKAGE.EXTERN });
      return { type, offset: 0, bytes: 0 };
    });
    this.add({ kind: 'data-section', name: KFUNCS_SECTION, bytes: 0, items });
  }

  private kfuncType(type: KfuncType): number {
    switch (type) {
      case 'void':
        return VOID;
      case 'int':
        return this.integer('int');
      case 'u32':
        return this.integer('unsigned int');
      case 'u64':
        return this.integer('unsigned long long');
      case 'void *':
        return this.pointer(VOID);
      default:
        // libbpf 1.1 takes a struct for a struct only: a forward declaration is of another kind.
        return this.pointer(this.emptyStruct(type.slice('struct '.length, -' *'.length)));
    }
  }

  maps(maps: readonly MapSpec[]): ReadonlyMap<string, { offset: number; bytes: number }> {
    const places = new Map<string, { offset: number; bytes: number }>();
    let end = 0;
    const items = maps.map((map) => {
      const definition = this.mapDefinition(map);
      const bytes = definition.members.length * POINTER_BYTES;
      const type = this.add({
        kind: 'variable',
        name: map.name,
        type: this.add({ kind: 'struct', name: '', bytes, members: definition.members }),
        linkage: LINKAGE.GLOBAL,
      });
      const place = { offset: end, bytes };
      end += bytes;
      places.set(map.name, place);
      return { type, ...place };
    });
    this.add({ kind: 'data-section', name: MAPS_SECTION, bytes: end, items });
    return places;
  }

  /** A number is the length of an array that is pointed to (`__uint` of bpf_helpers.h). */
  private mapDefinition(map: MapSpec): { members: readonly BtfMember[] } {
    const sized = map.type !== 'ringbuf' && map.locked === undefined;
    const numbers: [string, number | undefined][] = [
      ['type', MAP_TYPE[map.type]],
      ['key_size', sized ? map.keySize : undefined],
      ['value_size', sized ? map.valueSize : undefined],
      ['max_entries', map.maxEntries],
      ['map_flags', map.flags],
    ];
    if (map.type === 'ringbuf' && (map.keySize !== 0 || map.valueSize !== 0)) {
      throw new ObjectError('bad-value', `map ${map.name}: a ring buffer has neither keys nor values`);
    }
    const members: BtfMember[] = [];
    for (const [name, value] of numbers) {
      if (value === undefined) continue;
      if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
        throw new ObjectError('bad-value', `map ${map.name}: ${name} ${value}`);
      }
      members.push({ name, type: this.pointer(this.array('int', value)), offset: members.length * POINTER_BYTES });
    }
    if (map.locked !== undefined) {
      for (const [name, type] of [
        ['key', this.key(map)],
        ['value', this.lockedValue(map)],
      ] as const) {
        members.push({ name, type: this.pointer(type), offset: members.length * POINTER_BYTES });
      }
    }
    return { members };
  }

  key({ name, keySize }: MapSpec): number {
    if (keySize === 4) return this.integer('unsigned int');
    if (keySize < 1) throw new ObjectError('bad-value', `map ${name}: a key of ${keySize} bytes`);
    return this.memory('key', keySize);
  }

  lockedValue({ name, valueSize }: MapSpec): number {
    const rest = valueSize - LOCK_BYTES;
    if (rest < 1) throw new ObjectError('bad-value', `map ${name}: no room for a value behind the lock`);
    const lock = this.once(`struct ${LOCK_STRUCT}`, () => ({
      kind: 'struct',
      name: LOCK_STRUCT,
      bytes: LOCK_BYTES,
      members: [{ name: 'val', type: this.integer('unsigned int'), offset: 0 }],
    }));
    const members = [
      { name: 'lock', type: lock, offset: 0 },
      { name: MEMORY_MEMBER, type: this.chars(rest), offset: LOCK_BYTES },
    ];
    const key = `locked ${valueSize}`;
    return this.once(key, () => ({ kind: 'struct', name: 'locked', bytes: valueSize, members }));
  }

  private add(type: BtfType): number {
    return this.types.push(type);
  }

  private once(key: string, make: () => BtfType): number {
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const number = this.add(make());
    this.shared.set(key, number);
    return number;
  }

  private integer(name: IntegerName): number {
    return this.once(name, () => ({ kind: 'int', name, ...INTEGERS[name] }));
  }

  private pointer(to: number): number {
    return this.once(`*${to}`, () => ({ kind: 'pointer', to }));
  }

  private array(of: IntegerName, count: number): number {
    const element = this.integer(of);
    const index = this.integer('unsigned int');
    return this.once(`${of}[${count}]`, () => ({ kind: 'array', of: element, index, count }));
  }

  private chars(count: number): number {
    return this.array('char', count);
  }

  private emptyStruct(name: string): number {
    return this.once(`struct ${name}`, () => ({ kind: 'struct', name, bytes: 0, members: [] }));
  }

  private memory(name: string, bytes: number): number {
    const members = [{ name: MEMORY_MEMBER, type: this.chars(bytes), offset: 0 }];
    return this.once(`struct ${name} ${bytes}`, () => ({ kind: 'struct', name, bytes, members }));
  }
}
