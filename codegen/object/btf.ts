/**
 * BTF type section (Documentation/bpf/btf.rst, include/uapi/linux/btf.h): the kinds that an object needs, both ways.
 * A type's number is its place in the list, from 1; 0 is void.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { ObjectError } from './error.js';
import { StringReader, StringTable } from './strings.js';

export const VOID = 0;
/** Linkage of functions; of variables, the first two. */
export const LINKAGE = { STATIC: 0, GLOBAL: 1, EXTERN: 2 } as const;

export type BtfType =
  | { readonly kind: 'int'; readonly name: string; readonly bytes: number; readonly signed: boolean }
  | { readonly kind: 'pointer'; readonly to: number }
  | { readonly kind: 'array'; readonly of: number; readonly index: number; readonly count: number }
  | { readonly kind: 'struct'; readonly name: string; readonly bytes: number; readonly members: readonly BtfMember[] }
  | { readonly kind: 'function'; readonly name: string; readonly prototype: number; readonly linkage: number }
  | { readonly kind: 'prototype'; readonly returns: number; readonly params: readonly BtfParam[] }
  | { readonly kind: 'variable'; readonly name: string; readonly type: number; readonly linkage: number }
  | {
      readonly kind: 'data-section';
      readonly name: string;
      readonly bytes: number;
      readonly items: readonly BtfItem[];
    };

export interface BtfParam {
  readonly name: string;
  readonly type: number;
}

/** `offset` in bytes: no bit fields here. */
export interface BtfMember extends BtfParam {
  readonly offset: number;
}

/** A variable (or external function) of a data section, in bytes. */
export interface BtfItem {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
}

const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_BYTES = 24;
const KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  function: 12,
  prototype: 13,
  variable: 14,
  'data-section': 15,
} as const satisfies Record<BtfType['kind'], number>;
const KIND_NAMES = new Map<number, BtfType['kind']>([
  [KIND.int, 'int'],
  [KIND.pointer, 'pointer'],
  [KIND.array, 'array'],
  [KIND.struct, 'struct'],
  [KIND.function, 'function'],
  [KIND.prototype, 'prototype'],
  [KIND.variable, 'variable'],
  [KIND['data-section'], 'data-section'],
]);
const INT_SIGNED = 1;
/** The number of members is 16 bits (`info`). */
const MAX_MEMBERS = 0xffff;
/** BTF_MAX_SIZE and BTF_MAX_NAME_OFFSET. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_NAME_OFFSET = 0xffffff;
/** A member's offset is 32 bits in units of bits. */
const MAX_MEMBER_OFFSET = 0xffffffff >>> 3;

/** Bytes of the section `.BTF`. Call it when `strings` has everything that `.BTF.ext` needs too. */
export function encodeBtf(types: readonly BtfType[], strings: StringTable): Uint8Array {
  const body = new ByteWriter();
  for (const type of types) encodeType(type, strings, body);
  const text = strings.finish();
  if (HEADER_BYTES + body.length + text.length > MAX_BYTES || text.length > MAX_NAME_OFFSET) {
    throw new ObjectError(
      'too-large',
      `BTF of ${HEADER_BYTES + body.length + text.length} bytes; the kernel takes 16 MiB`,
    );
  }
  return new ByteWriter()
    .u16(MAGIC)
    .u8(VERSION)
    .u8(0)
    .u32(HEADER_BYTES, 0, body.length, body.length, text.length)
    .bytes(body.finish())
    .bytes(text)
    .finish();
}

function encodeType(type: BtfType, strings: StringTable, out: ByteWriter): void {
  const head = (name: string, low: number, sizeOrType: number): ByteWriter => {
    if (low > MAX_MEMBERS) throw new ObjectError('too-large', `${low} members in BTF type ${name}`);
    return out.u32(strings.add(name), (KIND[type.kind] << 24) | low, sizeOrType);
  };
  switch (type.kind) {
    case 'int':
      head(type.name, 0, type.bytes).u32(((type.signed ? INT_SIGNED : 0) << 24) | (type.bytes * 8));
      return;
    case 'pointer':
      head('', 0, type.to);
      return;
    case 'array':
      head('', 0, 0).u32(type.of, type.index, type.count);
      return;
    case 'struct':
      head(type.name, type.members.length, type.bytes);
      for (const member of type.members) {
        if (member.offset > MAX_MEMBER_OFFSET)
          throw new ObjectError('too-large', `offset of ${type.name}.${member.name}`);
        out.u32(strings.add(member.name), member.type, member.offset * 8);
      }
      return;
    case 'function':
      head(type.name, type.linkage, type.prototype);
      return;
    case 'prototype':
      head('', type.params.length, type.returns);
      for (const param of type.params) out.u32(strings.add(param.name), param.type);
      return;
    case 'variable':
      head(type.name, 0, type.type).u32(type.linkage);
      return;
    case 'data-section':
      head(type.name, type.items.length, type.bytes);
      for (const item of type.items) out.u32(item.type, item.offset, item.bytes);
      return;
  }
}

/** A read `.BTF` section. */
export interface Btf {
  /** Type n is at place n − 1. */
  readonly types: readonly BtfType[];
  readonly strings: StringReader;
}

/** Reads what {@link encodeBtf} writes; throws {@link ObjectError} at anything else. */
export function decodeBtf(data: Uint8Array): Btf {
  const header = new ByteReader(data, '.BTF');
  if (header.u16() !== MAGIC || header.u8() !== VERSION) throw new ObjectError('malformed', '.BTF has no BTF header');
  header.skip(1);
  const headerBytes = header.u32();
  const typeOffset = header.u32();
  const typeBytes = header.u32();
  const stringOffset = header.u32();
  const stringBytes = header.u32();
  const text = header.region(headerBytes + stringOffset, stringBytes, 'BTF strings');
  const strings = new StringReader(text.data, 'BTF');
  const body = header.region(headerBytes + typeOffset, typeBytes, 'BTF types');
  const types: BtfType[] = [];
  while (body.left > 0) types.push(decodeType(body, strings));
  return { types, strings };
}

function decodeType(body: ByteReader, strings: StringReader): BtfType {
  const name = strings.at(body.u32());
  const info = body.u32();
  const sizeOrType = body.u32();
  const low = info & 0xffff;
  const kind = KIND_NAMES.get(info >>> 24);
  if (kind === undefined) throw new ObjectError('malformed', `BTF kind ${info >>> 24} is not one that is written here`);
  switch (kind) {
    case 'int': {
      const encoding = body.u32();
      if ((encoding & 0xffffff) !== sizeOrType * 8)
        throw new ObjectError('malformed', `BTF int ${name} is a bit field`);
      return { kind, name, bytes: sizeOrType, signed: encoding >>> 24 === INT_SIGNED };
    }
    case 'pointer':
      return { kind, to: sizeOrType };
    case 'array':
      return { kind, of: body.u32(), index: body.u32(), count: body.u32() };
    case 'struct':
      return { kind, name, bytes: sizeOrType, members: times(low, () => decodeMember(body, strings)) };
    case 'function':
      return { kind, name, prototype: sizeOrType, linkage: low };
    case 'prototype':
      return {
        kind,
        returns: sizeOrType,
        params: times(low, () => ({ name: strings.at(body.u32()), type: body.u32() })),
      };
    case 'variable':
      return { kind, name, type: sizeOrType, linkage: body.u32() };
    case 'data-section':
      return {
        kind,
        name,
        bytes: sizeOrType,
        items: times(low, () => ({ type: body.u32(), offset: body.u32(), bytes: body.u32() })),
      };
  }
}

function decodeMember(body: ByteReader, strings: StringReader): BtfMember {
  const name = strings.at(body.u32());
  const type = body.u32();
  const bits = body.u32();
  if (bits % 8 !== 0) throw new ObjectError('malformed', `BTF member ${name} is a bit field`);
  return { name, type, offset: bits / 8 };
}

function times<T>(count: number, one: () => T): T[] {
  const out: T[] = [];
  for (let i = 0; i < count; i++) out.push(one());
  return out;
}
