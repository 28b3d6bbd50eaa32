import { HELPER } from '../../../codegen/bytecode/instruction.js';
import { ERRNO } from '../maps/map.js';
import { bytesIn, bytesOut, requireContext, sizeIn, type Environment, type HelperTable } from './helper.js';

const ETH_HLEN = 14;
/** sizeof(struct xdp_frame), which must find room at the start of the headroom. */
const FRAME_STRUCT_BYTES = 40;
const XDP_ABORTED = 0;
const XDP_REDIRECT = 4;

/** Helpers of XDP programs (net/core/filter.c). */
export function xdpHelpers(env: Environment): HelperTable {
  return [
    [HELPER.xdp_adjust_head, () => adjustHead(env)],
    [HELPER.xdp_adjust_tail, () => adjustTail(env)],
    [HELPER.xdp_load_bytes, () => loadBytes(env)],
    [HELPER.xdp_store_bytes, () => storeBytes(env)],
    [HELPER.redirect, () => redirect(env)],
  ];
}

function adjustHead(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const delta = machine.lo[2];
  const metadata = packet.start - packet.metaStart;
  const start = packet.start + delta;
  const fits = start >= FRAME_STRUCT_BYTES + metadata && start <= packet.end - ETH_HLEN;
  if (fits) packet.moveStart(delta);
  packet.renew();
  machine.answer(fits ? 0 : ERRNO.EINVAL);
}

function adjustTail(env: Environment): void {
  const { machine, packet } = env;
  requireContext(env);
  const delta = machine.lo[2];
  const end = packet.end + delta;
  const fits = end <= packet.limit && end >= packet.start + ETH_HLEN;
  if (fits) packet.moveEnd(delta);
  packet.renew();
  machine.answer(fits ? 0 : ERRNO.EINVAL);
}

/** bpf_xdp_pointer: the bytes at an offset, or −errno. */
function place(env: Environment, size: number): Uint8Array | number {
  const { machine, packet } = env;
  const offset = machine.lo[2] >>> 0;
  if (offset > 0xffff || size > 0xffff) return ERRNO.EFAULT;
  return offset + size > packet.length ? ERRNO.EINVAL : packet.bytes(offset, size);
}

function loadBytes(env: Environment): void {
  requireContext(env);
  const size = sizeIn(env, 4, false);
  const to = bytesOut(env, 3, size);
  const from = place(env, size);
  if (typeof from !== 'number') to.set(from);
  env.machine.answer(typeof from === 'number' ? from : 0);
}

function storeBytes(env: Environment): void {
  requireContext(env);
  const size = sizeIn(env, 4, false);
  const from = bytesIn(env, 3, size);
  const to = place(env, size);
  if (typeof to !== 'number') to.set(from);
  env.machine.answer(typeof to === 'number' ? to : 0);
}

function redirect(env: Environment): void {
  const { machine } = env;
  if (machine.lo[2] !== 0 || machine.hi[2] !== 0) return machine.answer(XDP_ABORTED);
  env.redirect = { ifindex: machine.lo[1] >>> 0, flags: 0 };
  machine.answer(XDP_REDIRECT);
}
