import { closeSync } from 'node:fs';
import { encodeBtf } from '../../codegen/object/btf.js';
import { readObject } from '../../codegen/object/read.js';
import type { FunctionSpec, MapSpec, ObjectSpec } from '../../codegen/object/spec.js';
import { StringTable } from '../../codegen/object/strings.js';
import { buildTypes, lockedTypes, MAP_TYPE } from '../../codegen/object/types.js';
import { ObjectSets } from '../sets/object-sets.js';
import { SystemCallError } from '../system/libc.js';
import { allocate, cString, type Memory, memoryOf, setPointer } from '../system/memory.js';
import { newAttr, tryBpf } from './bpf.js';
import { runningKernelTypes } from './kernel-types.js';
import {
  FUNCTION_RECORD_BYTES,
  LINE_RECORD_BYTES,
  linkProgram,
  type LinkedProgram,
  type Symbols,
} from './link-program.js';
import { createData } from './data-map.js';
import { LoadError } from './load-error.js';
import { KernelMap } from './map.js';
import { LoadedProgram } from './program.js';
import { PROGRAM_TYPE, sectionType, type SectionType } from './program-type.js';
import { kernelField, kernelFunction, kernelType } from './relocate.js';

/** Offsets in the parts of union bpf_attr that BPF_MAP_CREATE, BPF_BTF_LOAD and BPF_PROG_LOAD read. */
const MAP = {
  map_type: 0,
  key_size: 4,
  value_size: 8,
  max_entries: 12,
  map_flags: 16,
  map_name: 28,
  btf_fd: 48,
  btf_key_type_id: 52,
  btf_value_type_id: 56,
} as const;
const BTF = { btf: 0, log_buf: 8, btf_size: 16, log_size: 20, log_level: 24 } as const;
const PROGRAM = {
  prog_type: 0,
  insn_cnt: 4,
  insns: 8,
  license: 16,
  log_level: 24,
  log_size: 28,
  log_buf: 32,
  prog_name: 48,
  expected_attach_type: 68,
  prog_btf_fd: 72,
  func_info_rec_size: 76,
  func_info: 80,
  func_info_cnt: 88,
  line_info_rec_size: 92,
  line_info: 96,
  line_info_cnt: 104,
} as const;
/** BPF_OBJ_NAME_LEN, with the NUL. */
const NAME_BYTES = 16;
const LOG_BYTES = 16 * 1024 * 1024;
const EAGAIN = 11;
/** The verifier gives up with EAGAIN where a signal is pending (libbpf's PROG_LOAD_ATTEMPTS). */
const ATTEMPTS = 5;

/** The programs and maps of an object in the kernel. {@link close} lets go of all; nothing is left pinned. */
export interface LoadedObject {
  /** By the name of their entry functions. */
  readonly programs: ReadonlyMap<string, LoadedProgram>;
  /** By their whole names. */
  readonly maps: ReadonlyMap<string, KernelMap>;
  close(): void;
}

export interface LoadOptions {
  /** Maps that are there already, by their names in the object: its programs use them. They stay open at the end. */
  readonly maps?: ReadonlyMap<string, KernelMap>;
}

/**
 * Loads all programs of an object with bpf(2) alone: for program types that the installed libbpf does not know, and
 * where no tool is to be started. It does what libbpf does: maps, BTF, CO-RE relocations and kernel functions from
 * /sys/kernel/btf/vmlinux (not those of modules), and each entry with the functions that it calls as one program.
 * The programs share the maps. Needs CAP_BPF and CAP_NET_ADMIN (or root).
 *
 * Throws {@link LoadError} with the verifier's log; ObjectError where the bytes are no object.
 */
export function loadPrograms(object: Uint8Array | ObjectSpec, options: LoadOptions = {}): LoadedObject {
  const spec = object instanceof Uint8Array ? readObject(object) : object;
  const loader = new Loader(spec, options.maps ?? new Map());
  try {
    return loader.load();
  } catch (error) {
    loader.close();
    throw error;
  } finally {
    loader.closeTypes();
  }
}

class Loader {
  private readonly maps = new Map<string, KernelMap>();
  private readonly programs = new Map<string, LoadedProgram>();
  private readonly strings = new StringTable();
  private typesFd = -1;
  private dataFd = -1;

  constructor(
    private readonly spec: ObjectSpec,
    private readonly given: ReadonlyMap<string, KernelMap>,
  ) {}

  load(): LoadedObject {
    const { program, maps, data } = this.spec;
    if (data !== undefined) this.dataFd = createData(data.bytes);
    for (const [name, map] of this.given) this.maps.set(name, map);
    for (const map of maps) if (!this.given.has(map.name)) this.maps.set(map.name, createMap(map));
    // Maps, kernel structs and kernel functions are described for the loader alone: the kernel needs the functions.
    const types = buildTypes({ ...this.spec, maps: [], kernelStructs: [], kfuncs: [] });
    const symbols = this.symbols(types.functions);
    const linked = program.entries.map((entry) => ({ entry, code: linkProgram(this.spec, entry, symbols) }));
    // Its strings are whole only when all programs are linked.
    this.typesFd = loadTypes(encodeBtf(types.types, this.strings));
    for (const { entry, code } of linked) {
      const section = sectionType(entry.section ?? program.section);
      this.programs.set(entry.name, new LoadedProgram(this.loadProgram(entry, code, section)));
    }
    new ObjectSets(this.spec.manifest, (name) => this.maps.get(name)).fill();
    return { programs: this.programs, maps: this.maps, close: () => this.close() };
  }

  private symbols(functions: ReadonlyMap<string, number>): Symbols {
    const structs = new Map(this.spec.kernelStructs.map((struct) => [struct.name, struct]));
    return {
      map: (name) => named(this.maps, name, 'map').fd,
      data: () => this.dataFd,
      kfunc: (name) => kernelFunction(runningKernelTypes(), name),
      field: (struct, member) => kernelField(runningKernelTypes(), structs, struct, member),
      type: (struct) => kernelType(runningKernelTypes(), struct),
      functionType: (name) => named(functions, name, 'function'),
      string: (text) => this.strings.add(text),
    };
  }

  private loadProgram(entry: FunctionSpec, code: LinkedProgram, section: SectionType): number {
    const { instructions, functionInfo, lineInfo } = code;
    const attr = newAttr();
    const { view } = attr;
    const words: readonly (readonly [number, number])[] = [
      [PROGRAM.prog_type, PROGRAM_TYPE[section.type]],
      [PROGRAM.expected_attach_type, section.attach],
      [PROGRAM.insn_cnt, instructions.length / 8],
      [PROGRAM.prog_btf_fd, this.typesFd],
      [PROGRAM.func_info_rec_size, FUNCTION_RECORD_BYTES],
      [PROGRAM.func_info_cnt, functionInfo.length / FUNCTION_RECORD_BYTES],
      [PROGRAM.line_info_rec_size, LINE_RECORD_BYTES],
      [PROGRAM.line_info_cnt, lineInfo.length / LINE_RECORD_BYTES],
    ];
    for (const [offset, value] of words) view.setUint32(offset, value, true);
    setPointer(attr, PROGRAM.insns, memoryOf(instructions));
    setPointer(attr, PROGRAM.license, memoryOf(cString(this.spec.license)));
    setPointer(attr, PROGRAM.func_info, memoryOf(functionInfo));
    setPointer(attr, PROGRAM.line_info, memoryOf(lineInfo));
    setName(attr, PROGRAM.prog_name, entry.name);
    return submitProgram(attr);
  }

  closeTypes(): void {
    if (this.typesFd >= 0) closeSync(this.typesFd);
    this.typesFd = -1;
  }

  close(): void {
    if (this.dataFd >= 0) closeSync(this.dataFd);
    this.dataFd = -1;
    for (const program of this.programs.values()) program.close();
    for (const [name, map] of this.maps) if (!this.given.has(name)) map.close();
  }
}

function named<T>(things: ReadonlyMap<string, T>, name: string, what: string): T {
  const thing = things.get(name);
  if (thing === undefined) throw new LoadError(`no ${what} ${name} in the object`);
  return thing;
}

/** The first characters of a name that the kernel has room for. */
function setName({ bytes }: Memory, offset: number, name: string): void {
  bytes.set(cString(name.slice(0, NAME_BYTES - 1)), offset);
}

function createMap(map: MapSpec): KernelMap {
  const attr = newAttr();
  const { view } = attr;
  view.setUint32(MAP.map_type, MAP_TYPE[map.type], true);
  view.setUint32(MAP.key_size, map.keySize, true);
  view.setUint32(MAP.value_size, map.valueSize, true);
  view.setUint32(MAP.max_entries, map.maxEntries, true);
  view.setUint32(MAP.map_flags, map.flags ?? 0, true);
  setName(attr, MAP.map_name, map.name);
  const typesFd = map.locked === undefined ? -1 : describeLocks(map, view);
  const fd = tryBpf('MAP_CREATE', attr);
  if (typesFd >= 0) closeSync(typesFd);
  if (fd < 0) throw new LoadError(new SystemCallError('BPF_MAP_CREATE', -fd, `map ${map.name}`).message);
  return new KernelMap(fd);
}

/** Tells the kernel where the locks of a map's values are. Returns the descriptor of the types, for the caller to close. */
function describeLocks(map: MapSpec, attr: DataView): number {
  const { types, key, value } = lockedTypes(map);
  const fd = loadTypes(encodeBtf(types, new StringTable()));
  attr.setUint32(MAP.btf_fd, fd, true);
  attr.setUint32(MAP.btf_key_type_id, key, true);
  attr.setUint32(MAP.btf_value_type_id, value, true);
  return fd;
}

function loadTypes(btf: Uint8Array): number {
  const data = memoryOf(btf);
  const attr = newAttr();
  setPointer(attr, BTF.btf, data);
  attr.view.setUint32(BTF.btf_size, btf.length, true);
  const first = tryBpf('BTF_LOAD', attr);
  if (first >= 0) return first;
  return withLog('BTF_LOAD', attr, BTF, -first);
}

/** BPF_PROG_LOAD, first without a log, which takes time; then, if it fails, with one. */
function submitProgram(attr: Memory): number {
  for (let attempt = 1; ; attempt++) {
    const result = tryBpf('PROG_LOAD', attr);
    if (result >= 0) return result;
    if (result !== -EAGAIN || attempt === ATTEMPTS) return withLog('PROG_LOAD', attr, PROGRAM, -result);
  }
}

/** Asks again for the log. Of one that is too long the kernel keeps the end (6.4 and newer), where the reason is. */
function withLog(
  command: 'BTF_LOAD' | 'PROG_LOAD',
  attr: Memory,
  place: { readonly log_level: number; readonly log_size: number; readonly log_buf: number },
  errno: number,
): number {
  const log = allocate(LOG_BYTES);
  attr.view.setUint32(place.log_level, 1, true);
  attr.view.setUint32(place.log_size, LOG_BYTES, true);
  setPointer(attr, place.log_buf, log);
  const result = tryBpf(command, attr);
  if (result >= 0) return result;
  const text = new TextDecoder().decode(log.bytes.subarray(0, log.bytes.indexOf(0)));
  const failure = new SystemCallError(`BPF_${command}`, errno).message;
  if (text === '') throw new LoadError(failure);
  throw new LoadError(`${failure}\n-- BEGIN PROG LOAD LOG --\n${text}-- END PROG LOAD LOG --\n`);
}
