/**
 * One eBPF instruction with symbolic references (RFC 9669; Linux include/uapi/linux/bpf.h).
 * Jumps, calls, maps and kernel-structure offsets stay symbols until the assembler or the object writer resolves them.
 */
export interface Instruction {
  /** The 8-bit opcode, class in the low three bits. */
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  /** Signed 16 bits. For a jump with a `label` reference: 0 until assembled. */
  readonly offset: number;
  /** Signed 32 bits; for `lddw` (two slots) the whole 64-bit value as unsigned bigint. */
  readonly imm: number | bigint;
  readonly reference?: Reference;
  /** Names the place of this instruction; unique in its function. */
  readonly label?: string;
  /** Source line shown above the instruction by `bpftool prog dump xlated linum`. */
  readonly line?: SourceLine;
}

export type Reference =
  /** Jump target inside the function. */
  | { readonly kind: 'label'; readonly name: string }
  /** `lddw` of a map's file descriptor (src = BPF_PSEUDO_MAP_FD). */
  | { readonly kind: 'map'; readonly name: string }
  /** `lddw` of the address of the object's constant data (src = BPF_PSEUDO_MAP_VALUE). */
  | { readonly kind: 'data'; readonly name: string }
  /** `call` of another function of the object (src = BPF_PSEUDO_CALL). */
  | { readonly kind: 'function'; readonly name: string }
  /** `call` of a kernel function by name (src = BPF_PSEUDO_KFUNC_CALL), resolved by libbpf from vmlinux BTF. */
  | { readonly kind: 'kfunc'; readonly name: string }
  /**
   * The immediate (ALU) is the byte offset of `member` in kernel struct `struct`, with `shift` the shift to the left that brings
   * a bit field's highest bit to the top of 64 bits: a CO-RE relocation.
   */
  | { readonly kind: 'field-offset'; readonly struct: string; readonly member: string; readonly shift?: true }
  /** The immediate (ALU) is the BTF number of kernel struct `struct`: a CO-RE relocation. */
  | { readonly kind: 'type-id'; readonly struct: string };

/** A line of the dump, for BTF line info. */
export interface SourceLine {
  readonly text: string;
  /** Counting from 1. */
  readonly line: number;
  readonly column: number;
}

export const R0 = 0;
export const R1 = 1;
export const R2 = 2;
export const R3 = 3;
export const R4 = 4;
export const R5 = 5;
export const R6 = 6;
export const R7 = 7;
export const R8 = 8;
export const R9 = 9;
/** Frame pointer, read only. */
export const R10 = 10;

/** Instruction classes. */
export const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
export const CLASS_MASK = 0x07;
/** The operation bits of an ALU or jump opcode. */
export const OPERATION_MASK = 0xf0;
/** Source bit: 0 takes the immediate (K), 8 the register (X). */
export const SOURCE_X = 0x08;
/** Access sizes by bytes. */
export const SIZE = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 } as const;
export type AccessSize = keyof typeof SIZE;
export const MODE_MEM = 0x60;
export const MODE_MEMSX = 0x80;
export const MODE_ATOMIC = 0xc0;

export const ALU_OP = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;
export type AluOp = keyof typeof ALU_OP;

export const JMP_OP = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  call: 0x80,
  exit: 0x90,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const;
export type JumpOp = Exclude<keyof typeof JMP_OP, 'ja' | 'call' | 'exit'>;

/** Atomic operations: the immediate of a STX with MODE_ATOMIC. */
export const ATOMIC_OP = { add: 0x00, or: 0x40, and: 0x50, xor: 0xa0, fetch: 0x01, xchg: 0xe1, cmpxchg: 0xf1 } as const;

/** `src` of `lddw` and `call`. */
export const PSEUDO = { MAP_FD: 1, MAP_VALUE: 2, CALL: 1, KFUNC_CALL: 2 } as const;

/** Helper function numbers used by the compiler (include/uapi/linux/bpf.h, enum bpf_func_id). */
export const HELPER = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  ktime_get_ns: 5,
  get_prandom_u32: 7,
  get_smp_processor_id: 8,
  skb_store_bytes: 9,
  l3_csum_replace: 10,
  l4_csum_replace: 11,
  tail_call: 12,
  clone_redirect: 13,
  redirect: 23,
  skb_load_bytes: 26,
  csum_diff: 28,
  csum_update: 40,
  skb_change_tail: 38,
  skb_pull_data: 39,
  skb_change_head: 43,
  skb_adjust_room: 50,
  xdp_adjust_head: 44,
  xdp_adjust_tail: 65,
  skb_load_bytes_relative: 68,
  fib_lookup: 69,
  spin_lock: 93,
  spin_unlock: 94,
  probe_read_kernel: 113,
  jiffies64: 118,
  ktime_get_boot_ns: 125,
  csum_level: 135,
  ringbuf_output: 130,
  dynptr_read: 201,
  ktime_get_coarse_ns: 160,
  xdp_load_bytes: 189,
  ktime_get_tai_ns: 208,
  xdp_store_bytes: 190,
} as const;

type Operand = number | { readonly reg: number };

/** Marks a register operand where an immediate could stand too. */
export function reg(register: number): { readonly reg: number } {
  return { reg: register };
}

function withOperand(base: number, dst: number, operand: Operand, offset = 0): Instruction {
  return typeof operand === 'number'
    ? { opcode: base, dst, src: 0, offset, imm: operand | 0 }
    : { opcode: base | SOURCE_X, dst, src: operand.reg, offset, imm: 0 };
}

/** 64-bit ALU operation; an immediate is sign-extended from 32 bits. */
export function alu64(op: AluOp, dst: number, operand: Operand): Instruction {
  return withOperand(CLASS.ALU64 | ALU_OP[op], dst, operand);
}

/** 32-bit ALU operation; the upper half of `dst` becomes zero. */
export function alu32(op: AluOp, dst: number, operand: Operand): Instruction {
  return withOperand(CLASS.ALU | ALU_OP[op], dst, operand);
}

export const mov64 = (dst: number, operand: Operand): Instruction => alu64('mov', dst, operand);
export const mov32 = (dst: number, operand: Operand): Instruction => alu32('mov', dst, operand);

/** Converts between host and big-endian order, zero-extending 16 and 32 bits. */
export function toBigEndian(dst: number, bits: 16 | 32 | 64): Instruction {
  return { opcode: CLASS.ALU | ALU_OP.end | SOURCE_X, dst, src: 0, offset: 0, imm: bits };
}

/** Two-slot load of a 64-bit immediate. */
export function lddw(dst: number, value: bigint): Instruction {
  return { opcode: CLASS.LD | SIZE[8], dst, src: 0, offset: 0, imm: BigInt.asUintN(64, value) };
}

export function loadMap(dst: number, name: string): Instruction {
  return { ...lddw(dst, 0n), src: PSEUDO.MAP_FD, reference: { kind: 'map', name } };
}

/** Loads the address of the object's constant data. */
export function loadDataAddress(dst: number, name: string): Instruction {
  return { ...lddw(dst, 0n), src: PSEUDO.MAP_VALUE, reference: { kind: 'data', name } };
}

export function load(size: AccessSize, dst: number, src: number, offset: number): Instruction {
  return { opcode: CLASS.LDX | MODE_MEM | SIZE[size], dst, src, offset, imm: 0 };
}

/** Stores a register. */
export function store(size: AccessSize, dst: number, offset: number, src: number): Instruction {
  return { opcode: CLASS.STX | MODE_MEM | SIZE[size], dst, src, offset, imm: 0 };
}

/** Stores a sign-extended 32-bit immediate. */
export function storeImm(size: AccessSize, dst: number, offset: number, imm: number): Instruction {
  return { opcode: CLASS.ST | MODE_MEM | SIZE[size], dst, src: 0, offset, imm: imm | 0 };
}

/** Atomic read-modify-write of 4 or 8 bytes at `dst + offset`; `op` is a combination of {@link ATOMIC_OP}. */
export function atomic(size: 4 | 8, op: number, dst: number, offset: number, src: number): Instruction {
  return { opcode: CLASS.STX | MODE_ATOMIC | SIZE[size], dst, src, offset, imm: op };
}

function jump(base: number, dst: number, operand: Operand, reference: Reference): Instruction {
  return typeof operand === 'number'
    ? { opcode: base, dst, src: 0, offset: 0, imm: operand | 0, reference }
    : { opcode: base | SOURCE_X, dst, src: operand.reg, offset: 0, imm: 0, reference };
}

/** Conditional jump comparing 64 bits; an immediate is sign-extended. */
export function jump64(op: JumpOp, dst: number, operand: Operand, label: string): Instruction {
  return jump(CLASS.JMP | JMP_OP[op], dst, operand, { kind: 'label', name: label });
}

/** Conditional jump comparing the low 32 bits. */
export function jump32(op: JumpOp, dst: number, operand: Operand, label: string): Instruction {
  return jump(CLASS.JMP32 | JMP_OP[op], dst, operand, { kind: 'label', name: label });
}

export function goto(label: string): Instruction {
  return {
    opcode: CLASS.JMP | JMP_OP.ja,
    dst: 0,
    src: 0,
    offset: 0,
    imm: 0,
    reference: { kind: 'label', name: label },
  };
}

export function callHelper(helper: keyof typeof HELPER): Instruction {
  return { opcode: CLASS.JMP | JMP_OP.call, dst: 0, src: 0, offset: 0, imm: HELPER[helper] };
}

export function callFunction(name: string): Instruction {
  return {
    opcode: CLASS.JMP | JMP_OP.call,
    dst: 0,
    src: PSEUDO.CALL,
    offset: 0,
    imm: -1,
    reference: { kind: 'function', name },
  };
}

export function callKfunc(name: string): Instruction {
  return {
    opcode: CLASS.JMP | JMP_OP.call,
    dst: 0,
    src: PSEUDO.KFUNC_CALL,
    offset: 0,
    imm: -1,
    reference: { kind: 'kfunc', name },
  };
}

/** `dst += offsetof(struct, member)` of the running kernel, by CO-RE relocation. */
export function addFieldOffset(dst: number, struct: string, member: string): Instruction {
  return { ...alu64('add', dst, 0), reference: { kind: 'field-offset', struct, member } };
}

/** `dst <<= …`: the highest bit of a bit field, loaded from {@link addFieldOffset}'s place, to the top, by CO-RE relocation. */
export function shiftField(dst: number, struct: string, member: string): Instruction {
  return { ...alu64('lsh', dst, 0), reference: { kind: 'field-offset', struct, member, shift: true } };
}

/** `dst` = the BTF number of a kernel struct. */
export function loadTypeId(dst: number, struct: string): Instruction {
  return { ...mov64(dst, 0), reference: { kind: 'type-id', struct } };
}

export const exit = (): Instruction => ({ opcode: CLASS.JMP | JMP_OP.exit, dst: 0, src: 0, offset: 0, imm: 0 });

/** Whether it is a call whose `src` says what is called: 0 a helper, {@link PSEUDO}.CALL or {@link PSEUDO}.KFUNC_CALL. */
export function isCall(instruction: Instruction, kind: number): boolean {
  return instruction.opcode === (CLASS.JMP | JMP_OP.call) && instruction.src === kind;
}

/** Slots of 8 bytes: two for `lddw`, else one. */
export function slots(instruction: Instruction): 1 | 2 {
  return instruction.opcode === (CLASS.LD | SIZE[8]) ? 2 : 1;
}
