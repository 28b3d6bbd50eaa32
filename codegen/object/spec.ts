import type { Instruction } from '../bytecode/instruction.js';

/** What an eBPF object file holds, before and after it is a file. `writeObject` and `readObject` are inverses of it. */
export interface ObjectSpec {
  /** `GPL` for programs that call GPL-only helpers. */
  readonly license: string;
  readonly program: ProgramSpec;
  readonly maps: readonly MapSpec[];
  /** Kernel structs whose member offsets are relocated (CO-RE), with the layout the instructions assume unrelocated. */
  readonly kernelStructs: readonly KernelStruct[];
  readonly kfuncs: readonly KfuncSpec[];
  /** JSON text, kept in section `.debug_ipt2bpf`, which libbpf skips. */
  readonly manifest: string;
  /** File name shown in line info. */
  readonly sourceFile: string;
}

export interface ProgramSpec {
  /** ELF section, which names the program type to libbpf: `xdp` or `tc`. */
  readonly section: string;
  readonly entry: FunctionSpec;
  /** Further functions, in `.text`; global ones are verified by themselves. */
  readonly functions: readonly FunctionSpec[];
}

export interface FunctionSpec {
  readonly name: string;
  readonly linkage: 'global' | 'static';
  /** All functions return int. */
  readonly params: readonly ParamSpec[];
  /** Labels resolved (`assemble`): only map, function, kfunc and field-offset references are left. */
  readonly instructions: readonly Instruction[];
}

export interface ParamSpec {
  readonly name: string;
  readonly type:
    | { readonly kind: 'int' }
    /** Pointer to the program's context: `xdp_md` or `__sk_buff`. */
    | { readonly kind: 'context'; readonly struct: 'xdp_md' | '__sk_buff' }
    /** Pointer to memory of a fixed size, as a BTF struct of that size (global functions check it for NULL). */
    | { readonly kind: 'memory'; readonly struct: string; readonly bytes: number };
}

export type MapType = 'hash' | 'array' | 'percpu_array' | 'percpu_hash' | 'lru_hash' | 'lpm_trie' | 'ringbuf';

export interface MapSpec {
  readonly name: string;
  readonly type: MapType;
  /** Bytes; 0 for ringbuf. */
  readonly keySize: number;
  /** Bytes; 0 for ringbuf. */
  readonly valueSize: number;
  /** Entries; bytes for ringbuf. */
  readonly maxEntries: number;
  /** BPF_F_* flags. */
  readonly flags?: number;
}

/** Part of a kernel struct: enough for libbpf to find the member in the running kernel's BTF. */
export interface KernelStruct {
  readonly name: string;
  readonly bytes: number;
  readonly members: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[];
}

/** Prototype of a kernel function that is called. */
export interface KfuncSpec {
  readonly name: string;
  readonly params: readonly string[];
}
