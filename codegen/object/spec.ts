import type { InlinedCall } from '../bytecode/inline.js';
import type { Instruction } from '../bytecode/instruction.js';

/** What an eBPF object file holds, before and after it is a file. `writeObject` and `readObject` are inverses of it. */
export interface ObjectSpec {
  /** `GPL` for programs that call GPL-only helpers. */
  readonly license: string;
  readonly program: ProgramSpec;
  readonly maps: readonly MapSpec[];
  /** Bytes that the program reads and nobody changes: section `.rodata`, of which libbpf makes a frozen array map. */
  readonly data?: DataSpec;
  /** Kernel structs whose member offsets are relocated (CO-RE), with the layout the instructions assume unrelocated. */
  readonly kernelStructs: readonly KernelStruct[];
  readonly kfuncs: readonly KfuncSpec[];
  /** JSON text, kept in section `.debug_ipt2bpf`, which libbpf skips. */
  readonly manifest: string;
  /** File name shown in line info. */
  readonly sourceFile: string;
}

export interface ProgramSpec {
  /** ELF section, which names the program type to libbpf: `xdp`, `tc` or `netfilter`. */
  readonly section: string;
  /** One program each; at least one, and the first lies in {@link section}. */
  readonly entries: readonly EntrySpec[];
  /** Further functions, in `.text`; global ones are verified by themselves. */
  readonly functions: readonly FunctionSpec[];
}

export interface EntrySpec extends FunctionSpec {
  /** The section of a program that is of another type than the rest. */
  readonly section?: string;
}

export interface FunctionSpec {
  readonly name: string;
  readonly linkage: 'global' | 'static';
  /** All functions return int. */
  readonly params: readonly ParamSpec[];
  /** Labels resolved (`assemble`): only map, function, kfunc and field-offset references are left. */
  readonly instructions: readonly Instruction[];
  /** Functions whose code stands in this one, where it was called; local symbols without a type. Those within others come first. */
  readonly inlined?: readonly InlinedCall[];
}

/** Contexts of XDP, of tc and of netfilter programs. */
export type ContextStruct = 'xdp_md' | '__sk_buff' | 'bpf_nf_ctx';

export interface ParamSpec {
  readonly name: string;
  readonly type:
    | { readonly kind: 'int' }
    /** Pointer to the program's context. */
    | { readonly kind: 'context'; readonly struct: ContextStruct }
    /** Pointer to memory of a fixed size, as a BTF struct of that size (global functions check it for NULL). */
    | { readonly kind: 'memory'; readonly struct: string; readonly bytes: number };
}

export interface DataSpec {
  /** Symbol at its start. */
  readonly name: string;
  /** At least one. */
  readonly bytes: Uint8Array;
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
  /** Values begin with a struct bpf_spin_lock, of which the kernel is told by BTF. Arrays and hashes alone. */
  readonly locked?: true;
}

/**
 * Part of a kernel struct: enough for libbpf to find the member in the running kernel's BTF. Members in order of
 * offset; a `field-offset` reference may walk into a member that is a struct: `nd_net.net`.
 */
export interface KernelStruct {
  readonly name: string;
  /** At least the end of the last member; the kernel's own size does not matter. */
  readonly bytes: number;
  readonly members: readonly KernelMember[];
}

export interface KernelMember {
  readonly name: string;
  /** Bytes from the start of the struct: what the instruction holds until libbpf puts the running kernel's in. */
  readonly offset: number;
  /** 1, 2, 4 or 8 for `int`, 8 for `pointer`, the struct's own size for a struct, any length for `chars`. */
  readonly bytes: number;
  /** Default `int`. libbpf refuses a member whose kind differs in the kernel (`bpf_core_fields_are_compat`). */
  readonly type?: MemberType;
}

/** A struct is named by its {@link KernelStruct}; any name will do where the kernel's is a typedef or has none. */
export type MemberType = 'int' | 'pointer' | 'chars' | { readonly struct: string };

/** Prototype of a kernel function that is called; libbpf compares it with the kernel's by kinds. */
export interface KfuncSpec {
  readonly name: string;
  readonly params: readonly KfuncType[];
  /** Default `int`. */
  readonly returns?: KfuncType;
}

export type KfuncType = 'void' | 'int' | 'u32' | 'u64' | 'void *' | `struct ${string} *`;
