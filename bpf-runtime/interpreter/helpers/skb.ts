import { HELPER } from '../../../codegen/bytecode/instruction.js';
import { ERRNO } from '../maps/map.js';
import { bytesIn, bytesOut, requireContext, sizeIn, type Environment, type HelperTable } from './helper.js';

/** Offset of the network header in a frame. */
const NETWORK_OFFSET = 14;
/** SKB_MAX_ALLOC: four pages less struct skb_shared_info. */
const MAX_LENGTH = 4 * 4096 - 320;
const INT_MAX = 0x7fff_ffff;
/** BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH. */
const STORE_FLAGS = 3;
const INGRESS_FLAG = 1;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
/** BPF_HDR_START_NET. */
const START_NET = 1;

/** Helpers of tc programs (net/core/filter.c). */
export function skbHelpers(env: Environment): HelperTable {
  return [
    [HELPER.skb_load_bytes, () => loadBytes(env)],
    [HELPER.skb_load_bytes_relative, () => loadBytesRelative(env)],
    [HELPER.skb_store_bytes, () => storeBytes(env)],
    [HELPER.skb_pull_data, () => pullData(env)],
    [HELPER.skb_change_head, () => changeHead(env)],
    [HELPER.skb_change_tail, () => changeTail(env)],
    [HELPER.skb_adjust_room, () => adjustRoom(env)],
    [HELPER.redirect, () => redirect(env)],
    [HELPER.clone_redirect, () => cloneRedirect(env)],
  ];
}

function copyOrZero(env: Environment, offset: number, end: number, register: number, size: number): void {
  const { machine, packet } = env;
  const to = bytesOut(env, register, size);
  const fits = offset + size <= end;
  if (fits) to.set(packet.bytes(offset, size));
  else to.fill(0);
  machine.answer(fits ? 0 : ERRNO.EFAULT);
}

function loadBytes(env: Environment): void {
  requireContext(env);
  const offset = env.machine.lo[2] >>> 0;
  copyOrZero(env, offset > INT_MAX ? Infinity : offset, env.packet.length, 3, sizeIn(env, 4, false));
}

/** bpf_skb_load_bytes_relative reads the linear part alone. */
function loadBytesRelative(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const offset = machine.lo[2] >>> 0;
  const from = machine.lo[5] >>> 0;
  const isKnown = from <= START_NET && offset <= 0xffff;
  const base = from === START_NET ? NETWORK_OFFSET : 0;
  copyOrZero(env, isKnown ? base + offset : Infinity, packet.visibleEnd - packet.start, 3, sizeIn(env, 4, false));
}

/** bpf_try_make_writable: the first `size` bytes become linear; false where there are not as many. */
export function makeWritable({ packet }: Environment, size: number): boolean {
  const fits = size <= packet.length;
  if (fits) packet.makeVisible(size);
  packet.renew();
  return fits;
}

function storeBytes(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const offset = machine.lo[2] >>> 0;
  const size = sizeIn(env, 4, false);
  const from = bytesIn(env, 3, size).slice();
  const flagsKnown = machine.hi[5] === 0 && (machine.lo[5] & ~STORE_FLAGS) === 0;
  const fits = flagsKnown && offset <= INT_MAX && makeWritable(env, offset + size);
  if (fits) packet.bytes(offset, size).set(from);
  else packet.renew();
  machine.answer(!flagsKnown ? ERRNO.EINVAL : fits ? 0 : ERRNO.EFAULT);
}

function pullData(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const size = machine.lo[2] >>> 0;
  machine.answer(makeWritable(env, size === 0 ? packet.visibleEnd - packet.start : size) ? 0 : ERRNO.ENOMEM);
}

/** bpf_skb_change_head: zeros in front. */
function changeHead(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const size = machine.lo[2];
  const flagsKnown = machine.lo[3] === 0 && machine.hi[3] === 0;
  const fits = flagsKnown && size >= 0 && packet.length + size <= MAX_LENGTH;
  if (fits) {
    packet.makeRoom(size, 0);
    packet.moveStart(-size);
    packet.bytes(0, size).fill(0);
  }
  packet.renew();
  machine.answer(fits ? 0 : ERRNO.EINVAL);
}

/** enum bpf_adj_room_mode. */
const BPF_ADJ_ROOM_MAC = 1;
const MAX_ADJUSTMENT = 0xfff;
const IP_HEADER: Readonly<Record<number, number>> = { 0x0800: 20, 0x86dd: 40 };

/** bpf_skb_adjust_room, as far as programs here use it: takes bytes away behind the link header. */
function adjustRoom(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const size = -machine.lo[2];
  if (size < 0 || machine.lo[3] !== BPF_ADJ_ROOM_MAC || machine.lo[4] !== 0) {
    machine.answer(ERRNO.EINVAL);
    return;
  }
  const link = packet.bytes(0, NETWORK_OFFSET).slice();
  const least = IP_HEADER[(link[12] << 8) | link[13]];
  const left = packet.length - NETWORK_OFFSET - size;
  const fits = least !== undefined && size <= MAX_ADJUSTMENT && left >= least;
  if (fits) {
    packet.makeVisible(NETWORK_OFFSET + size);
    packet.bytes(size, NETWORK_OFFSET).set(link);
    packet.moveStart(size);
  }
  packet.renew();
  machine.answer(fits ? 0 : ENOTSUPP);
}

/** A code of the kernel's own, which user space never sees (include/linux/errno.h). */
const ENOTSUPP = -524;

/**
 * bpf_skb_change_tail: cuts or grows with zeros; the packet becomes linear as far as it must. The headers in front of
 * the network header cannot be cut off (__bpf_skb_min_len).
 */
function changeTail(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const size = machine.lo[2] >>> 0;
  const flagsKnown = machine.lo[3] === 0 && machine.hi[3] === 0;
  const fits = flagsKnown && size <= MAX_LENGTH && size >= NETWORK_OFFSET;
  if (fits) {
    packet.makeVisible(packet.length);
    packet.makeRoom(0, Math.max(0, size - packet.length));
    packet.moveEnd(size - packet.length);
  }
  packet.renew();
  machine.answer(fits ? 0 : ERRNO.EINVAL);
}

function redirect(env: Environment): void {
  const { machine } = env;
  const flags = machine.lo[2];
  if ((flags & ~INGRESS_FLAG) !== 0 || machine.hi[2] !== 0) return machine.answer(TC_ACT_SHOT);
  env.redirect = { ifindex: machine.lo[1] >>> 0, flags };
  machine.answer(TC_ACT_REDIRECT);
}

function cloneRedirect(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const flags = machine.lo[3];
  const flagsKnown = (flags & ~INGRESS_FLAG) === 0 && machine.hi[3] === 0;
  if (flagsKnown) env.clones.push({ ifindex: machine.lo[2] >>> 0, flags, packet: packet.copy() });
  packet.renew();
  machine.answer(flagsKnown ? 0 : ERRNO.EINVAL);
}
