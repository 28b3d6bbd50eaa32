import { describe, expect, it } from 'vitest';
import { KernelTypes, KIND, runningKernelTypes } from '../../../bpf-runtime/kernel/kernel-types.js';
import { kernelField, kernelFunction } from '../../../bpf-runtime/kernel/relocate.js';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import { ByteWriter } from '../../../codegen/object/bytes.js';
import type { KernelStruct } from '../../../codegen/object/spec.js';
import { StringTable } from '../../../codegen/object/strings.js';

/** Members: name, type, offset in bits and, of bit fields, width. */
type Row = readonly [string, number, number, number?];

/** Types by hand, because the object writer knows neither unions nor bit fields. */
class Types {
  private readonly strings = new StringTable();
  private readonly body = new ByteWriter();

  private head(kind: number, name: string, low: number, third: number): void {
    this.body.u32(this.strings.add(name), ((kind << 24) | low) >>> 0, third);
  }

  int(name: string, bytes: number, signed = false): this {
    this.head(KIND.int, name, 0, bytes);
    this.body.u32(((signed ? 1 : 0) << 24) | (bytes * 8));
    return this;
  }

  refer(kind: number, name: string, to: number): this {
    this.head(kind, name, 0, to);
    return this;
  }

  array(of: number, count: number): this {
    this.head(KIND.array, '', 0, 0);
    this.body.u32(of, 1, count);
    return this;
  }

  composite(kind: number, name: string, bytes: number, members: readonly Row[]): this {
    const withBits = members.some(([, , , width]) => width !== undefined);
    this.head(kind | (withBits ? 0x80 : 0), name, members.length, bytes);
    for (const [member, type, offset, width = 0] of members) {
      this.body.u32(this.strings.add(member), type, withBits ? ((width << 24) | offset) >>> 0 : offset);
    }
    return this;
  }

  finish(): KernelTypes {
    const text = this.strings.finish();
    const body = this.body.finish();
    const head = new ByteWriter().u16(0xeb9f).u8(1).u8(0).u32(24, 0, body.length, body.length, text.length);
    return new KernelTypes(head.bytes(body).bytes(text).finish());
  }
}

const [INT, BYTE, LONG, POINTER, CHARS, CONST_INT, ALIAS] = [1, 2, 3, 4, 5, 6, 7];
function basic(): Types {
  return new Types()
    .int('unsigned int', 4)
    .int('char', 1, true)
    .int('unsigned long', 8)
    .refer(KIND.pointer, '', 0)
    .array(BYTE, 16)
    .refer(KIND.const, '', INT)
    .refer(KIND.typedef, 'u32', CONST_INT);
}

/** struct packet (13) with a union and a struct without names, a struct inside, and bit fields. */
const PACKET = basic()
  .composite(KIND.struct, '', 12, [
    ['deep', ALIAS, 0],
    ['last', POINTER, 32],
  ])
  .composite(KIND.union, '', 16, [
    ['either', INT, 0],
    ['', 8, 32],
  ])
  .composite(KIND.struct, '', 8, [['net', POINTER, 0]])
  .refer(KIND.typedef, 'possible_net_t', 10)
  .array(INT, 4)
  .composite(KIND.struct, 'packet', 80, [
    ['', 9, 64],
    ['name', CHARS, 192],
    ['owner', 11, 320],
    ['low', INT, 384, 3],
    ['middle', INT, 387, 6],
    ['across', BYTE, 396, 7],
    ['numbers', 12, 448],
    ['whole', LONG, 576],
  ])
  .finish();

const own = (members: KernelStruct['members'], name = 'packet'): ReadonlyMap<string, KernelStruct> =>
  new Map([
    [name, { name, bytes: 200, members }],
    [
      'possible_net_t',
      { name: 'possible_net_t', bytes: 8, members: [{ name: 'net', offset: 0, bytes: 8, type: 'pointer' }] },
    ],
  ]);
const int = (name: string): KernelStruct['members'][number] => ({ name, offset: 0, bytes: 4 });

describe('types of a kernel', () => {
  it('finds types by kind and name', () => {
    expect(PACKET.find(KIND.struct, 'packet')).toEqual([13]);
    expect(PACKET.find(KIND.union, 'packet')).toEqual([]);
    expect(PACKET.find(KIND.struct, 'pack')).toEqual([]);
    expect(PACKET.find(KIND.typedef, 'u32')).toEqual([ALIAS]);
  });

  it.each<[string, number, number]>([
    ['an integer behind a typedef and a qualifier', ALIAS, 4],
    ['a pointer', POINTER, 8],
    ['an array', 12, 16],
    ['a struct', 13, 80],
    ['a typedef of a struct', 11, 8],
  ])('knows the size of %s', (_name, type, want) => {
    expect(PACKET.bytes(type)).toBe(want);
  });

  it.each<[string, Partial<KernelStruct['members'][number]> & { readonly name: string }, string, object]>([
    ['a member', { name: 'name', type: 'chars' }, 'name', { byteOffset: 24, byteSize: 16 }],
    ['a member of a union without a name', { name: 'either' }, 'either', { byteOffset: 8, byteSize: 4 }],
    [
      'a typedef, two levels without names down',
      { name: 'deep' },
      'deep',
      { byteOffset: 12, byteSize: 4, leftShift: 32 },
    ],
    ['a pointer beside it', { name: 'last', type: 'pointer' }, 'last', { byteOffset: 16, byteSize: 8, leftShift: 0 }],
    [
      'a member of a struct inside',
      { name: 'owner', type: { struct: 'possible_net_t' } },
      'owner.net',
      { byteOffset: 40, byteSize: 8 },
    ],
    [
      'the low bits of a bit field',
      { name: 'low' },
      'low',
      { byteOffset: 48, byteSize: 4, leftShift: 61, rightShift: 61 },
    ],
    ['bits in the middle', { name: 'middle' }, 'middle', { byteOffset: 48, leftShift: 55, rightShift: 58 }],
    [
      'bits across the edge of their type, signed',
      { name: 'across' },
      'across',
      { byteOffset: 48, byteSize: 4, signed: true, leftShift: 64 - 19, rightShift: 57 },
    ],
  ])('places %s', (_name, member, path, want) => {
    const members = [{ offset: 0, bytes: 4, ...member }];
    expect(kernelField(PACKET, own(members), 'packet', path)).toMatchObject(want);
  });

  it('leaves the flavour of a name out', () => {
    expect(kernelField(PACKET, own([int('whole')], 'packet___new'), 'packet___new', 'whole').byteOffset).toBe(72);
  });

  it.each<[string, KernelStruct['members'][number], string]>([
    ['no such member', int('absent'), 'absent'],
    ['a pointer where a number is wanted', int('last'), 'last'],
    ['a number where a pointer is wanted', { ...int('whole'), type: 'pointer' }, 'whole'],
    ['a struct where characters are wanted', { ...int('owner'), type: 'chars' }, 'owner'],
    ['a way through what is no struct', { ...int('whole'), type: { struct: 'possible_net_t' } }, 'whole.net'],
  ])('refuses %s', (_name, member, path) => {
    expect(() => kernelField(PACKET, own([member]), 'packet', path)).toThrow(/no member/);
  });

  it('takes the structs of one name that have the member, if they agree', () => {
    const twice = (second: Row): KernelTypes =>
      basic()
        .composite(KIND.struct, 'packet', 8, [['a', INT, 32]])
        .composite(KIND.struct, 'packet', 8, [second])
        .finish();
    const offset = (types: KernelTypes): number => kernelField(types, own([int('a')]), 'packet', 'a').byteOffset;
    expect(offset(twice(['b', INT, 0]))).toBe(4);
    expect(offset(twice(['a', INT, 32]))).toBe(4);
    expect(() => offset(twice(['a', INT, 0]))).toThrow(/several structs packet/);
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['no BTF', new Uint8Array(100)],
    ['lengths beyond the end', new ByteWriter().u16(0xeb9f).u16(1).u32(24, 0, 100, 100, 1).finish()],
    [
      'a kind from the future',
      new ByteWriter()
        .u16(0xeb9f)
        .u16(1)
        .u32(24, 0, 12, 12, 1, 0, 31 << 24, 0)
        .u8(0)
        .finish(),
    ],
    [
      'a type that is cut',
      new ByteWriter()
        .u16(0xeb9f)
        .u16(1)
        .u32(24, 0, 12, 12, 1, 0, 1 << 24, 4)
        .u8(0)
        .finish(),
    ],
  ])('refuses %s', (_name, bytes) => {
    expect(() => new KernelTypes(bytes)).toThrow(RuntimeError);
  });
});

const able = process.platform === 'linux' && hasCommand('bpftool', ['version']) && process.getuid?.() === 0;
describe.skipIf(!able)('types of the running kernel (skipped without root or bpftool)', () => {
  it('has the members of structs where bpftool finds them', () => {
    const names = new Set([
      'sk_buff',
      'net_device',
      'nf_conn',
      'nf_hook_state',
      'sock',
      'tcphdr',
      'iphdr',
      'task_struct',
    ]);
    const types = runningKernelTypes();
    const dump = run('bpftool', ['btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'raw']);
    const seen = new Set<string>();
    for (const block of dump.split(/\n(?=\[)/)) {
      const head = /^\[(\d+)\] STRUCT '(\w+)' size=(\d+)/.exec(block);
      if (head === null || !names.has(head[2])) continue;
      const members = [...block.matchAll(/\n\t'(.*)' type_id=(\d+) bits_offset=(\d+)(?: bitfield_size=(\d+))?/g)];
      const want = members.map(([, name, type, offset, width]) => ({
        name: name === '(anon)' ? '' : name,
        type: Number(type),
        bitOffset: Number(offset),
        bitWidth: Number(width ?? 0),
      }));
      expect(types.find(KIND.struct, head[2])).toContain(Number(head[1]));
      expect(types.members(Number(head[1]))).toEqual(want);
      expect(types.bytes(Number(head[1]))).toBe(Number(head[3]));
      seen.add(head[2]);
    }
    expect(seen).toEqual(names);
    const id = /\[(\d+)\] FUNC 'bpf_dynptr_slice' /.exec(dump)?.[1];
    expect(kernelFunction(types, 'bpf_dynptr_slice')).toBe(Number(id));
  });
});
