import { closeSync } from 'node:fs';
import { SystemCallError } from '../system/libc.js';
import { allocate, cString, memoryOf, setPointer } from '../system/memory.js';
import { newAttr, tryBpf } from './bpf.js';
import { LoadError } from './load-error.js';

/** enum bpf_map_type and BPF_F_* (include/uapi/linux/bpf.h). */
const ARRAY = 2;
const RDONLY_PROG = 1 << 7;
/** Offsets in the parts of union bpf_attr that BPF_MAP_CREATE and BPF_MAP_UPDATE_ELEM read. */
const CREATE = { map_type: 0, key_size: 4, value_size: 8, max_entries: 12, map_flags: 16, map_name: 28 } as const;
const UPDATE = { map_fd: 0, key: 8, value: 16 } as const;

/**
 * What libbpf makes of section `.rodata` (bpf_object__populate_internal_map): an array map with the bytes as its one
 * value, frozen. Returns its file descriptor. Throws {@link LoadError}.
 */
export function createData(bytes: Uint8Array): number {
  const attr = newAttr();
  attr.view.setUint32(CREATE.map_type, ARRAY, true);
  attr.view.setUint32(CREATE.key_size, 4, true);
  attr.view.setUint32(CREATE.value_size, bytes.length, true);
  attr.view.setUint32(CREATE.max_entries, 1, true);
  attr.view.setUint32(CREATE.map_flags, RDONLY_PROG, true);
  attr.bytes.set(cString('.rodata'), CREATE.map_name);
  const fd = tryBpf('MAP_CREATE', attr);
  if (fd < 0) throw failure('BPF_MAP_CREATE', fd);
  const update = newAttr();
  update.view.setUint32(UPDATE.map_fd, fd, true);
  setPointer(update, UPDATE.key, allocate(4));
  setPointer(update, UPDATE.value, memoryOf(bytes));
  const freeze = newAttr();
  freeze.view.setUint32(0, fd, true);
  const result = tryBpf('MAP_UPDATE_ELEM', update) || tryBpf('MAP_FREEZE', freeze);
  if (result === 0) return fd;
  closeSync(fd);
  throw failure('BPF_MAP_UPDATE_ELEM', result);
}

function failure(call: string, result: number): LoadError {
  return new LoadError(new SystemCallError(call, -result, 'the constant data').message);
}
