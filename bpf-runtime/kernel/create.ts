import { RuntimeError } from '../system/error.js';
import { SystemCallError } from '../system/libc.js';
import { allocate, cString, memoryOf, setPointer } from '../system/memory.js';
import { bpf, newAttr, tryBpf } from './bpf.js';
import { KernelMap } from './map.js';

/** enum bpf_map_type, bpf_prog_type and bpf_attach_type (include/uapi/linux/bpf.h), the ones made here. */
const ARRAY = 2;
const PROG_ARRAY = 3;
const ARRAY_OF_MAPS = 12;
const SCHED_CLS = 3;
const TCX_INGRESS = 46;
const LOG_BYTES = 1 << 20;

/** `inner`: descriptor of a map that the entries of a map of maps look like. */
function createIndexed(type: number, valueSize: number, maxEntries: number, name = '', inner = 0): KernelMap {
  const attr = newAttr();
  attr.view.setUint32(0, type, true);
  attr.view.setUint32(4, 4, true);
  attr.view.setUint32(8, valueSize, true);
  attr.view.setUint32(12, maxEntries, true);
  attr.view.setUint32(20, inner, true);
  attr.bytes.set(cString(name), 28);
  return new KernelMap(bpf('MAP_CREATE', attr, name));
}

/** An array map with 4-byte keys, made without an object file. Its name has at most 15 characters. */
export function createArray(valueSize: number, maxEntries: number, name?: string): KernelMap {
  return createIndexed(ARRAY, valueSize, maxEntries, name);
}

/** An array of programs for tail calls. The kernel empties it when nobody has it open and no pin is left. */
export function createProgramArray(maxEntries: number, name: string): KernelMap {
  return createIndexed(PROG_ARRAY, 4, maxEntries, name);
}

/** An array of maps that look like `inner`. */
export function createMapArray(maxEntries: number, inner: KernelMap): KernelMap {
  return createIndexed(ARRAY_OF_MAPS, 4, maxEntries, '', inner.fd);
}

/** Loads encoded instructions (8 bytes each, little endian) as a tc classifier and returns its file descriptor. */
export function loadClassifier(instructions: Uint8Array): number {
  const code = memoryOf(instructions);
  const license = memoryOf(cString('GPL'));
  const log = allocate(LOG_BYTES);
  const attr = newAttr();
  attr.view.setUint32(0, SCHED_CLS, true);
  attr.view.setUint32(4, instructions.length / 8, true);
  setPointer(attr, 8, code);
  setPointer(attr, 16, license);
  const first = tryBpf('PROG_LOAD', attr);
  if (first >= 0) return first;
  attr.view.setUint32(24, 1, true);
  attr.view.setUint32(28, LOG_BYTES, true);
  setPointer(attr, 32, log);
  const second = tryBpf('PROG_LOAD', attr);
  if (second >= 0) return second;
  const text = new TextDecoder().decode(log.bytes.subarray(0, log.bytes.indexOf(0)));
  throw new RuntimeError('load-failed', `${new SystemCallError('BPF_PROG_LOAD', -second).message}\n${text}`);
}

/**
 * Attaches a tc program to the ingress of a device of the calling thread's network namespace (tcx, Linux 6.6 and
 * newer) and returns the link's file descriptor; closing it detaches the program.
 */
export function attachTcxIngress(program: number, interfaceIndex: number): number {
  const attr = newAttr();
  attr.view.setUint32(0, program, true);
  attr.view.setUint32(4, interfaceIndex, true);
  attr.view.setUint32(8, TCX_INGRESS, true);
  return bpf('LINK_CREATE', attr, 'tcx ingress');
}
