import { closeSync } from 'node:fs';
import { allocate } from '../system/memory.js';
import { getInfo, getPinned } from './bpf.js';

/** struct bpf_link_info up to the kinds that are read here; enum bpf_link_type (include/uapi/linux/bpf.h). */
const INFO_BYTES = 64;
const INFO = { type: 0, id: 4, prog_id: 8, ifindex: 16 } as const;
const TYPE = { xdp: 6, tcx: 11 } as const;

export interface LinkInfo {
  readonly id: number;
  readonly program: number;
  /** Of a link at a device; 0 where the device is gone, and the link holds nothing any more. */
  readonly interfaceIndex?: number;
}

/** What the kernel says of a link that is pinned at a path. */
export function readPinnedLink(path: string): LinkInfo {
  const fd = getPinned(path);
  try {
    const info = allocate(INFO_BYTES);
    getInfo(fd, info);
    const word = (offset: number): number => info.view.getUint32(offset, true);
    const link = { id: word(INFO.id), program: word(INFO.prog_id) };
    const atDevice = word(INFO.type) === TYPE.xdp || word(INFO.type) === TYPE.tcx;
    return atDevice ? { ...link, interfaceIndex: word(INFO.ifindex) } : link;
  } finally {
    closeSync(fd);
  }
}
