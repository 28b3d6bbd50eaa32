import { fastSystemCall, SystemCallError } from '../system/libc.js';
import { allocate, cString, lend, memoryOf, setPointer, type Memory } from '../system/memory.js';
import { systemCallNumbers } from '../system/numbers.js';

/** Commands of bpf(2) (include/uapi/linux/bpf.h, enum bpf_cmd). */
export const BPF = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_ATTACH: 8,
  PROG_TEST_RUN: 10,
  MAP_GET_FD_BY_ID: 14,
  OBJ_GET_INFO_BY_FD: 15,
  BTF_LOAD: 18,
  MAP_FREEZE: 22,
  MAP_LOOKUP_BATCH: 24,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
} as const;
export type BpfCommand = keyof typeof BPF;

/** sizeof(union bpf_attr) of the largest command used here, rounded up; what is past it the kernel takes as zero. */
const ATTR_BYTES = 168;

/** A zeroed `union bpf_attr`. Integers in it are in the machine's order, which is little endian where this runs. */
export function newAttr(): Memory {
  return allocate(ATTR_BYTES);
}

/** bpf(2). Returns the result (≥ 0), or −errno. */
export function tryBpf(command: BpfCommand, attr: Memory): number {
  return fastSystemCall(systemCallNumbers().bpf, BPF[command], lend(attr), ATTR_BYTES);
}

/** bpf(2). Returns the result (≥ 0); throws {@link SystemCallError}. */
export function bpf(command: BpfCommand, attr: Memory, detail?: string): number {
  const result = tryBpf(command, attr);
  if (result < 0) throw new SystemCallError(`BPF_${command}`, -result, detail);
  return result;
}

/** File descriptor of the program or map pinned at `path`. */
export function getPinned(path: string): number {
  const attr = newAttr();
  const name = memoryOf(cString(path));
  setPointer(attr, 0, name);
  return bpf('OBJ_GET', attr, path);
}

/** Fills `info` with what the kernel knows of a program or map (struct bpf_prog_info, bpf_map_info). */
export function getInfo(fd: number, info: Memory): void {
  const attr = newAttr();
  attr.view.setUint32(0, fd, true);
  attr.view.setUint32(4, info.bytes.length, true);
  setPointer(attr, 8, info);
  bpf('OBJ_GET_INFO_BY_FD', attr);
}

/** File descriptor of the map with an id. */
export function getMapById(id: number): number {
  const attr = newAttr();
  attr.view.setUint32(0, id, true);
  return bpf('MAP_GET_FD_BY_ID', attr);
}

/** Name field of an info struct: 16 bytes, NUL-padded. */
export function readName(info: Memory, offset: number): string {
  const bytes = info.bytes.subarray(offset, offset + 16);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? 16 : end));
}
