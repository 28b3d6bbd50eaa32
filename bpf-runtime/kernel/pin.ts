import { cString, memoryOf, setPointer } from '../system/memory.js';
import { bpf, newAttr } from './bpf.js';

/** Offsets in the part of union bpf_attr that BPF_OBJ_PIN reads. */
const PIN = { pathname: 0, bpf_fd: 8 } as const;

/** Keeps a program, map or link, given by its file descriptor, as a file of a BPF file system, which removing ends. */
export function pin(fd: number, path: string): void {
  const attr = newAttr();
  setPointer(attr, PIN.pathname, memoryOf(cString(path)));
  attr.view.setUint32(PIN.bpf_fd, fd, true);
  bpf('OBJ_PIN', attr, path);
}
