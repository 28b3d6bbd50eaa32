/**
 * The running kernel's own BTF (Documentation/bpf/btf.rst): types by kind and name, and where the members of its
 * structs lie. One pass finds where each type starts (about 10 ms for 100,000 types); all else is read when asked for.
 */
import { readFileSync } from 'node:fs';
import { RuntimeError } from '../system/error.js';

export const KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  'data-section': 15,
  float: 16,
  'declaration-tag': 17,
  'type-tag': 18,
  enum64: 19,
} as const;

const MAGIC = 0xeb9f;
/** Bytes of a type without what follows it, and of what follows (each member of it, or in all). */
const TYPE_BYTES = 12;
const MEMBER_BYTES = 12;
const KERNEL_BTF = '/sys/kernel/btf/vmlinux';
/** Kinds that stand before the type they change. */
const MODIFIERS: ReadonlySet<number> = new Set([
  KIND.typedef,
  KIND.volatile,
  KIND.const,
  KIND.restrict,
  KIND['type-tag'],
]);

/** A member of a struct or union. */
export interface Member {
  readonly name: string;
  /** Number of its type. */
  readonly type: number;
  /** From the start of the struct it stands in. */
  readonly bitOffset: number;
  /** Bits of a bit field; 0 for any other member. */
  readonly bitWidth: number;
}

/** Types by number, from 1; 0 is void. Throws `malformed-types` where the bytes are no BTF. */
export class KernelTypes {
  private readonly view: DataView;
  /** Byte offset of type n at place n. */
  private readonly starts: Uint32Array;
  /** String offset of the name of type n at place n. */
  private readonly names: Uint32Array;
  private readonly strings: Buffer;
  private readonly known = new Map<string, readonly number[]>();

  constructor(data: Uint8Array) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    if (data.length < 24 || this.view.getUint16(0, true) !== MAGIC) throw malformed('no BTF header');
    const header = this.view.getUint32(4, true);
    const types = header + this.view.getUint32(8, true);
    const typeEnd = types + this.view.getUint32(12, true);
    const strings = header + this.view.getUint32(16, true);
    const stringEnd = strings + this.view.getUint32(20, true);
    if (typeEnd > data.length || stringEnd > data.length) throw malformed('it ends too early');
    this.strings = Buffer.from(data.buffer, data.byteOffset + strings, stringEnd - strings);
    ({ starts: this.starts, names: this.names } = this.findTypes(data.subarray(types, typeEnd)));
  }

  /** In words of 32 bits, in the machine's order, which is little endian where this runs: ten times faster than a view. */
  private findTypes(bytes: Uint8Array): { readonly starts: Uint32Array; readonly names: Uint32Array } {
    const words = new Uint32Array(new Uint8Array(bytes).buffer, 0, bytes.length >>> 2);
    const starts = new Uint32Array(1 + Math.ceil(bytes.length / TYPE_BYTES));
    const names = new Uint32Array(starts.length);
    const base = bytes.byteOffset - this.view.byteOffset;
    let count = 1;
    let at = 0;
    while (at + TYPE_BYTES <= bytes.length) {
      starts[count] = base + at;
      names[count++] = words[at >>> 2];
      at += TYPE_BYTES + trailingBytes(words[(at >>> 2) + 1]);
    }
    if (at !== bytes.length) throw malformed('a type goes beyond the end');
    return { starts: starts.subarray(0, count), names: names.subarray(0, count) };
  }

  /** Numbers of all types of a kind and name, in order. */
  find(kind: number, name: string): readonly number[] {
    const key = `${kind} ${name}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const found: number[] = [];
    for (const offset of this.stringOffsets(name)) {
      for (let type = this.names.indexOf(offset, 1); type >= 0; type = this.names.indexOf(offset, type + 1)) {
        if (this.kind(type) === kind) found.push(type);
      }
    }
    this.known.set(key, found);
    return found;
  }

  /** Where a whole string stands. The kernel's build keeps each string once; nothing here relies on it. */
  private stringOffsets(name: string): readonly number[] {
    const wanted = Buffer.from(`\0${name}\0`);
    const offsets: number[] = [];
    for (let at = this.strings.indexOf(wanted); at >= 0; at = this.strings.indexOf(wanted, at + 1)) {
      offsets.push(at + 1);
    }
    return offsets;
  }

  private start(type: number): number {
    const start = this.starts.at(type);
    if (type === 0 || start === undefined) throw malformed(`no type ${type}`);
    return start;
  }

  /** Kind of a type; 0 for void. */
  kind(type: number): number {
    return type === 0 ? 0 : (this.view.getUint32(this.start(type) + 4, true) >>> 24) & 0x1f;
  }

  name(type: number): string {
    return this.string(this.view.getUint32(this.start(type), true));
  }

  private string(offset: number): string {
    const end = this.strings.indexOf(0, offset);
    if (end < 0) throw malformed(`no string at ${offset}`);
    return this.strings.toString('utf8', offset, end);
  }

  /** The type behind typedefs and qualifiers (`const`, `volatile`, …). */
  plain(type: number): number {
    let plain = type;
    while (MODIFIERS.has(this.kind(plain))) plain = this.reference(plain);
    return plain;
  }

  /** The third word: what a pointer, typedef or function refers to. */
  private reference(type: number): number {
    return this.view.getUint32(this.start(type) + 8, true);
  }

  /** Elements of an array. */
  array(type: number): { readonly of: number; readonly count: number } {
    const at = this.start(type) + TYPE_BYTES;
    return { of: this.view.getUint32(at, true), count: this.view.getUint32(at + 8, true) };
  }

  /** Bytes of a type as `sizeof` says. */
  bytes(type: number): number {
    const plain = this.plain(type);
    switch (this.kind(plain)) {
      case KIND.pointer:
        return 8;
      case KIND.array: {
        const { of, count } = this.array(plain);
        return count * this.bytes(of);
      }
      case KIND.int:
      case KIND.struct:
      case KIND.union:
      case KIND.enum:
      case KIND.enum64:
      case KIND.float:
      case KIND['data-section']:
        return this.view.getUint32(this.start(plain) + 8, true);
      default:
        throw malformed(`type ${type} has no size`);
    }
  }

  /** Whether it is an integer or enumeration that is negative where its highest bit is set. */
  isSigned(type: number): boolean {
    const plain = this.plain(type);
    const info = this.view.getUint32(this.start(plain) + 4, true);
    if (this.kind(plain) === KIND.int)
      return ((this.view.getUint32(this.start(plain) + TYPE_BYTES, true) >>> 24) & 1) === 1;
    return (this.kind(plain) === KIND.enum || this.kind(plain) === KIND.enum64) && info >>> 31 === 1;
  }

  /** Members of a struct or union, those without a name (structs and unions inside of it) as well. */
  members(type: number): readonly Member[] {
    const start = this.start(type);
    const info = this.view.getUint32(start + 4, true);
    const withBits = info >>> 31 === 1;
    return Array.from({ length: info & 0xffff }, (_, i) => {
      const at = start + TYPE_BYTES + i * MEMBER_BYTES;
      const offset = this.view.getUint32(at + 8, true);
      return {
        name: this.string(this.view.getUint32(at, true)),
        type: this.view.getUint32(at + 4, true),
        bitOffset: withBits ? offset & 0xffffff : offset,
        bitWidth: withBits ? offset >>> 24 : 0,
      };
    });
  }

  /** A member by name, also of structs and unions without a name inside; its offset is from the start of `type`. */
  member(type: number, name: string): Member | undefined {
    for (const member of this.members(type)) {
      if (member.name === name) return member;
      if (member.name !== '') continue;
      const inner = this.plain(member.type);
      if (!this.isComposite(inner)) continue;
      const found = this.member(inner, name);
      if (found !== undefined) return { ...found, bitOffset: member.bitOffset + found.bitOffset };
    }
    return undefined;
  }

  /** Whether it is a struct or union. */
  isComposite(type: number): boolean {
    const kind = this.kind(type);
    return kind === KIND.struct || kind === KIND.union;
  }
}

/** Bytes behind a type that its second word tells of. */
function trailingBytes(info: number): number {
  const count = info & 0xffff;
  switch ((info >>> 24) & 0x1f) {
    case KIND.int:
    case KIND.variable:
    case KIND['declaration-tag']:
      return 4;
    case KIND.array:
      return 12;
    case KIND.struct:
    case KIND.union:
    case KIND['data-section']:
    case KIND.enum64:
      return count * 12;
    case KIND.enum:
    case KIND.prototype:
      return count * 8;
    case KIND.pointer:
    case KIND.forward:
    case KIND.typedef:
    case KIND.volatile:
    case KIND.const:
    case KIND.restrict:
    case KIND.function:
    case KIND.float:
    case KIND['type-tag']:
      return 0;
    default:
      throw malformed(`kind ${(info >>> 24) & 0x1f} is not known`);
  }
}

function malformed(what: string): RuntimeError {
  return new RuntimeError('malformed-types', `BTF of the kernel: ${what}`);
}

let running: KernelTypes | undefined;

/** Of the running kernel, read once. Throws what the file system throws where it has no BTF (CONFIG_DEBUG_INFO_BTF). */
export function runningKernelTypes(): KernelTypes {
  return (running ??= new KernelTypes(readFileSync(KERNEL_BTF)));
}
