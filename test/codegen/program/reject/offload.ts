import { constants, openSync } from 'node:fs';
import { systemCall } from '../../../../bpf-runtime/system/libc.js';
import { systemCallNumbers } from '../../../../bpf-runtime/system/numbers.js';
import { assemble } from '../../../../codegen/bytecode/assemble.js';
import { callHelper, exit, mov64, R0, R2 } from '../../../../codegen/bytecode/instruction.js';
import { writeObject } from '../../../../codegen/object/write.js';

/** struct virtio_net_hdr, before every frame that is written to or read from an offloading device. */
export const OFFLOAD_HEADER = 10;
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

/** What the sender's device leaves to the receiver's (include/uapi/linux/virtio_net.h). */
export interface Offload {
  /** The transport checksum is to be made from `start` on and put at `start + offset`. */
  readonly checksum: { readonly start: number; readonly offset: number };
  /** Several segments in one frame. */
  readonly segments?: { readonly type: 'tcp4' | 'tcp6'; readonly size: number; readonly header: number };
}

/** {@link OFFLOAD_HEADER} of a frame. */
export function offloadHeader(offload: Offload | undefined): Uint8Array {
  const header = new Uint8Array(OFFLOAD_HEADER);
  const view = new DataView(header.buffer);
  if (offload === undefined) return header;
  const { checksum, segments } = offload;
  header[0] = 1;
  view.setUint16(6, checksum.start, true);
  view.setUint16(8, checksum.offset, true);
  if (segments !== undefined) {
    header[1] = segments.type === 'tcp4' ? 1 : 4;
    view.setUint16(2, segments.header, true);
    view.setUint16(4, segments.size, true);
  }
  return header;
}

/** As openTap, but with {@link OFFLOAD_HEADER} before every frame. */
export function openOffloadingTap(name: string): number {
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(name));
  new DataView(request.buffer).setUint16(16, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, true);
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  systemCall(`TUNSETIFF ${name}`, systemCallNumbers().ioctl, fd, TUNSETIFF, request);
  return fd;
}

/** A tc program that vouches for the checksum of every frame, as a device does, and leaves the frame to the next one. */
export function vouchingObject(): Uint8Array {
  const line = { text: 'vouch', line: 1, column: 1 };
  const TC_ACT_UNSPEC = -1;
  const BPF_CSUM_LEVEL_INC = 1;
  const code = [mov64(R2, BPF_CSUM_LEVEL_INC), callHelper('csum_level'), mov64(R0, TC_ACT_UNSPEC), exit()];
  const instructions = assemble('vouch', code).map((instruction) => ({ ...instruction, line }));
  const params = [{ name: 'ctx', type: { kind: 'context', struct: '__sk_buff' } }] as const;
  return writeObject({
    license: 'GPL',
    program: { section: 'tc', entries: [{ name: 'vouch', linkage: 'global', params, instructions }], functions: [] },
    maps: [],
    kernelStructs: [],
    kfuncs: [],
    manifest: '{}',
    sourceFile: 'vouch',
  });
}
