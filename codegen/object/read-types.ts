/** The inverse of `buildTypes`: what BTF says, in the spec's terms. */
import type { Btf, BtfType } from './btf.js';
import { LINKAGE, VOID } from './btf.js';
import { ObjectError } from './error.js';
import { KFUNCS_SECTION, MAPS_SECTION } from './sections.js';
import type { FunctionSpec, KernelMember, KernelStruct, KfuncSpec, KfuncType, MapSpec, MapType } from './spec.js';
import type { ParamSpec } from './spec.js';
import { LOCK_STRUCT, MAP_TYPE, MEMORY_MEMBER } from './types.js';

type Kind = BtfType['kind'];
type OfKind<K extends Kind> = Extract<BtfType, { kind: K }>;

const MAP_TYPES: readonly MapType[] = [
  'hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_hash',
  'lpm_trie',
  'ringbuf',
];

/** Looks up types by number, with an {@link ObjectError} `malformed` where they are not what they should be. */
export class TypeReader {
  constructor(private readonly btf: Btf) {}

  /** What a function's BTF says of it. */
  function(number: number): Pick<FunctionSpec, 'name' | 'linkage' | 'params'> {
    const fn = this.get(number, 'function');
    const prototype = this.get(fn.prototype, 'prototype');
    const result = this.get(prototype.returns, 'int');
    if (result.bytes !== 4 || fn.linkage > LINKAGE.GLOBAL) throw malformed(`function ${fn.name}`);
    return {
      name: fn.name,
      linkage: fn.linkage === LINKAGE.GLOBAL ? 'global' : 'static',
      params: prototype.params.map(({ name, type }) => ({ name, type: this.param(type) })),
    };
  }

  private param(number: number): ParamSpec['type'] {
    const type = this.at(number);
    if (type.kind === 'int') return { kind: 'int' };
    if (type.kind !== 'pointer') throw malformed(`parameter of kind ${type.kind}`);
    const { name, members, bytes } = this.get(type.to, 'struct');
    if (members.length === 0) {
      if (name !== 'xdp_md' && name !== '__sk_buff' && name !== 'bpf_nf_ctx')
        throw malformed(`parameter of empty struct ${name}`);
      return { kind: 'context', struct: name };
    }
    if (members.length > 1 || members[0].name !== MEMORY_MEMBER) throw malformed(`parameter of struct ${name}`);
    return { kind: 'memory', struct: name, bytes };
  }

  maps(): readonly MapSpec[] {
    return this.items(MAPS_SECTION).map((item) => {
      const variable = this.get(item, 'variable');
      return this.map(variable.name, this.get(variable.type, 'struct'));
    });
  }

  private map(name: string, definition: OfKind<'struct'>): MapSpec {
    const values = new Map<string, number>();
    let locked = false;
    for (const member of definition.members) {
      const pointer = this.get(member.type, 'pointer');
      // Keys and values have types where values have locks.
      if (member.name === 'key') values.set('key_size', this.sized(pointer.to));
      else if (member.name === 'value') values.set('value_size', this.sized(pointer.to));
      else values.set(member.name, this.get(pointer.to, 'array').count);
      locked ||= member.name === 'value';
    }
    const type = MAP_TYPES.find((candidate) => MAP_TYPE[candidate] === values.get('type'));
    const maxEntries = values.get('max_entries');
    if (type === undefined || maxEntries === undefined) throw malformed(`definition of map ${name}`);
    const keySize = values.get('key_size') ?? 0;
    const valueSize = values.get('value_size') ?? 0;
    const flags = values.get('map_flags');
    return {
      ...{ name, type, keySize, valueSize, maxEntries },
      ...(flags === undefined ? {} : { flags }),
      ...(locked ? { locked } : {}),
    };
  }

  private sized(number: number): number {
    const type = this.at(number);
    if (type.kind === 'int' || type.kind === 'struct') return type.bytes;
    throw malformed(`key or value of kind ${type.kind}`);
  }

  kfuncs(): readonly KfuncSpec[] {
    return this.items(KFUNCS_SECTION).map((item) => {
      const fn = this.get(item, 'function');
      const prototype = this.get(fn.prototype, 'prototype');
      const params = prototype.params.map((param) => this.kfuncType(param.type));
      const returns = this.kfuncType(prototype.returns);
      return { name: fn.name, params, ...(returns === 'int' ? {} : { returns }) };
    });
  }

  private kfuncType(number: number): KfuncType {
    if (number === VOID) return 'void';
    const type = this.at(number);
    if (type.kind === 'int') {
      if (type.bytes === 4) return type.signed ? 'int' : 'u32';
      if (type.bytes === 8 && !type.signed) return 'u64';
    }
    if (type.kind !== 'pointer') throw malformed(`type ${number} of a kfunc`);
    return type.to === VOID ? 'void *' : `struct ${this.get(type.to, 'struct').name} *`;
  }

  /** Structs with a name that nothing points to, by their BTF numbers. */
  kernelStructs(): ReadonlyMap<number, KernelStruct> {
    const pointedTo = new Set(this.btf.types.map((type) => (type.kind === 'pointer' ? type.to : VOID)));
    const structs = new Map<number, KernelStruct>();
    this.btf.types.forEach((type, i) => {
      if (type.kind !== 'struct' || type.name === '' || pointedTo.has(i + 1) || type.name === LOCK_STRUCT) return;
      const { name, bytes } = type;
      const members = type.members.map((member) => ({ ...this.member(member.type), ...pick(member) }));
      structs.set(i + 1, { name, bytes, members });
    });
    if (new Set([...structs.values()].map((struct) => struct.name)).size < structs.size) {
      throw malformed('two kernel structs of one name');
    }
    return structs;
  }

  private member(number: number): Pick<KernelMember, 'bytes' | 'type'> {
    const type = this.at(number);
    switch (type.kind) {
      case 'int':
        return { bytes: type.bytes };
      case 'pointer':
        return { bytes: 8, type: 'pointer' };
      case 'array':
        return { bytes: type.count, type: 'chars' };
      case 'struct':
        return { bytes: type.bytes, type: { struct: type.name } };
      case 'function':
      case 'prototype':
      case 'variable':
      case 'data-section':
        throw malformed(`member of kind ${type.kind}`);
    }
  }

  /** Types of the items of a data section; none if there is no such section. */
  private items(section: string): readonly number[] {
    const found = this.btf.types.find((type) => type.kind === 'data-section' && type.name === section);
    return found?.kind === 'data-section' ? found.items.map((item) => item.type) : [];
  }

  private at(number: number): BtfType {
    // `types[-1]` (void) is undefined too.
    const type = this.btf.types.at(number === VOID ? this.btf.types.length : number - 1);
    if (type === undefined) throw malformed(`BTF type ${number} is not there`);
    return type;
  }

  private get<K extends Kind>(number: number, kind: K): OfKind<K> {
    const type = this.at(number);
    if (!isKind(type, kind)) throw malformed(`BTF type ${number} is a ${type.kind}, not a ${kind}`);
    return type;
  }
}

function isKind<K extends Kind>(type: BtfType, kind: K): type is OfKind<K> {
  return type.kind === kind;
}

function pick({ name, offset }: { name: string; offset: number }): { name: string; offset: number } {
  return { name, offset };
}

function malformed(what: string): ObjectError {
  return new ObjectError('malformed', `${what}: not as it is written here`);
}
