import { HELPER } from '../../../codegen/bytecode/instruction.js';
import { addSums, foldInverted } from '../checksum.js';
import { ERRNO } from '../maps/map.js';
import { requireContext, type Environment, type HelperTable } from './helper.js';
import { makeWritable } from './skb.js';

/** BPF_F_HDR_FIELD_MASK: bytes of the field that changed, 0 for a difference that was worked out before. */
const SIZE_MASK = 0xf;
const L4_FLAGS = { PSEUDO_HDR: 0x10, MARK_MANGLED_0: 0x20, MARK_ENFORCE: 0x40, IPV6: 0x80 } as const;
const L4_KNOWN = SIZE_MASK | L4_FLAGS.PSEUDO_HDR | L4_FLAGS.MARK_MANGLED_0 | L4_FLAGS.MARK_ENFORCE | L4_FLAGS.IPV6;
/** CSUM_MANGLED_0: a UDP checksum that happens to be 0 is written as this. */
const MANGLED_0 = 0xffff;
/** BPF_CSUM_LEVEL_*. */
const LEVEL = { QUERY: 0, RESET: 3 } as const;

/**
 * Checksum helpers of tc programs (net/core/filter.c), for a packet whose checksums stand in its headers
 * (CHECKSUM_NONE).
 */
export function skbChecksumHelpers(env: Environment): HelperTable {
  return [
    [HELPER.l3_csum_replace, () => replaceL3(env)],
    [HELPER.l4_csum_replace, () => replaceL4(env)],
    [HELPER.csum_update, () => updateSum(env)],
    [HELPER.csum_level, () => changeLevel(env)],
  ];
}

/**
 * The field after `from` was replaced by `to` (csum_replace4, inet_proto_csum_replace4); a size of 0 adds a difference.
 * undefined for other arguments. Upper halves matter only to whether a zero sum is written as 0 or as 0xffff.
 */
function replaced(field: number, from: number, to: number, size: number): number | undefined {
  switch (size) {
    case 0:
      return from === 0 ? foldInverted(addSums(~field, to)) : undefined;
    case 2:
      return foldInverted(addSums(addSums(~field, ~(from & 0xffff)), to & 0xffff));
    case 4:
      return foldInverted(addSums(addSums(~field, ~from), to));
    default:
      return undefined;
  }
}

/** csum_replace2 adds 16 bits at a time. */
function replaced16(field: number, from: number, to: number): number {
  return foldInverted(addSums(addSums(~field & 0xffff, ~from & 0xffff), to & 0xffff));
}

/** Where the helper's offset (r2) points in the packet; undefined if not whole. */
function checksumField(env: Environment): Uint8Array | undefined {
  const { machine, packet } = env;
  const offset = machine.lo[2] >>> 0;
  const fits = offset <= 0xffff && offset % 2 === 0 && makeWritable(env, offset + 2);
  return fits ? packet.bytes(offset, 2) : undefined;
}

function replaceL3(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const flags = machine.lo[5];
  const known = machine.hi[5] === 0 && (flags & ~SIZE_MASK) === 0;
  const field = known ? checksumField(env) : undefined;
  packet.renew();
  if (!known) return machine.answer(ERRNO.EINVAL);
  if (field === undefined) return machine.answer(ERRNO.EFAULT);
  const old = read(field);
  const value = flags === 2 ? replaced16(old, machine.lo[3], machine.lo[4]) : replacedIn(env, old, flags);
  answerWith(env, field, value);
}

function replacedIn({ machine }: Environment, old: number, size: number): number | undefined {
  return replaced(old, machine.lo[3], machine.lo[4], size);
}

function answerWith({ machine }: Environment, field: Uint8Array, value: number | undefined): void {
  if (value === undefined) return machine.answer(ERRNO.EINVAL);
  write(field, value);
  machine.answer(0);
}

function read(field: Uint8Array): number {
  return field[0] | (field[1] << 8);
}

function write(field: Uint8Array, value: number): void {
  field[0] = value;
  field[1] = value >>> 8;
}

function replaceL4(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const flags = machine.lo[5];
  const known = machine.hi[5] === 0 && (flags & ~L4_KNOWN) === 0;
  const field = known ? checksumField(env) : undefined;
  packet.renew();
  if (!known) return machine.answer(ERRNO.EINVAL);
  if (field === undefined) return machine.answer(ERRNO.EFAULT);
  const marks = (flags & L4_FLAGS.MARK_MANGLED_0) !== 0;
  if (marks && (flags & L4_FLAGS.MARK_ENFORCE) === 0 && read(field) === 0) return machine.answer(0);
  answerWith(env, field, replacedIn(env, read(field), flags & SIZE_MASK));
  if (marks && read(field) === 0) write(field, MANGLED_0);
}

/** bpf_csum_update works on CHECKSUM_COMPLETE packets alone. */
function updateSum(env: Environment): void {
  requireContext(env);
  env.machine.answer(ERRNO.ENOTSUPP);
}

/** bpf_csum_level: the packet has no checksum that was found good before, so there is none to change. */
function changeLevel(env: Environment): void {
  requireContext(env);
  const level = env.machine.lo[2] >>> 0;
  if (env.machine.hi[2] !== 0 || level > LEVEL.RESET) return env.machine.answer(ERRNO.EINVAL);
  env.machine.answer(level === LEVEL.QUERY ? ERRNO.EACCES : 0);
}
