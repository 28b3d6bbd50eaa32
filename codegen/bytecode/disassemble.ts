import {
  ALU_OP,
  ATOMIC_OP,
  CLASS,
  CLASS_MASK,
  HELPER,
  JMP_OP,
  MODE_ATOMIC,
  MODE_MEM,
  MODE_MEMSX,
  OPERATION_MASK,
  PSEUDO,
  SIZE,
  slots,
  SOURCE_X,
  type Instruction,
} from './instruction.js';

/**
 * Text of one function, an instruction a line in the notation of `bpftool prog dump xlated` and of LLVM. Numbers count
 * slots from the function's start; behind a jump stands the number it goes to, or its label where that is not resolved
 * yet. The source line stands above the instructions it was compiled to, as `; -A INPUT …`.
 */
export function disassemble(instructions: readonly Instruction[]): string {
  const out: string[] = [];
  let slot = 0;
  let source: string | undefined;
  for (const instruction of instructions) {
    const text = instruction.line?.text;
    if (text !== source && text !== undefined) out.push(`; ${text}`);
    source = text;
    if (instruction.label !== undefined) out.push(`${instruction.label}:`);
    out.push(`${String(slot).padStart(4)}: ${formatInstruction(instruction, slot)}`);
    slot += slots(instruction);
  }
  return out.map((line) => `${line}\n`).join('');
}

/** One instruction. `slot` is its own place, for jump targets: `if w1 != 0x5 goto +3 <17>`. */
export function formatInstruction(instruction: Instruction, slot?: number): string {
  switch (instruction.opcode & CLASS_MASK) {
    case CLASS.LD:
      return formatWideLoad(instruction);
    case CLASS.LDX:
      return formatLoad(instruction);
    case CLASS.ST:
      return `${memory(instruction, instruction.dst, 'u')} = ${String(instruction.imm)}`;
    case CLASS.STX:
      return isMode(instruction, MODE_ATOMIC)
        ? formatAtomic(instruction)
        : `${memory(instruction, instruction.dst, 'u')} = r${instruction.src}`;
    case CLASS.ALU:
      return formatAlu(instruction, 'w');
    case CLASS.ALU64:
      return formatAlu(instruction, 'r');
    case CLASS.JMP:
      return formatJump(instruction, 'r', slot);
    default:
      return formatJump(instruction, 'w', slot);
  }
}

function unknown({ opcode, dst, src, offset, imm }: Instruction): string {
  return `.insn 0x${opcode.toString(16).padStart(2, '0')}, dst ${dst}, src ${src}, offset ${offset}, imm ${imm}`;
}

function isMode({ opcode }: Instruction, mode: number): boolean {
  return (opcode & 0xe0) === mode;
}

const SIZE_BITS = { [SIZE[1]]: 8, [SIZE[2]]: 16, [SIZE[4]]: 32, [SIZE[8]]: 64 } as const;

function sizeBits(opcode: number): number {
  return SIZE_BITS[(opcode & 0x18) as keyof typeof SIZE_BITS];
}

function signed(offset: number): string {
  return offset < 0 ? `- ${-offset}` : `+ ${offset}`;
}

function memory(instruction: Instruction, register: number, sign: 'u' | 's'): string {
  return `*(${sign}${sizeBits(instruction.opcode)} *)(r${register} ${signed(instruction.offset)})`;
}

function formatWideLoad(instruction: Instruction): string {
  const { opcode, dst, imm, reference, src } = instruction;
  if (opcode !== (CLASS.LD | SIZE[8])) return unknown(instruction);
  if (reference?.kind === 'map') return `r${dst} = map[${reference.name}] ll`;
  if (reference?.kind === 'data') return `r${dst} = &${reference.name} ll`;
  if (src !== 0) return `r${dst} = pseudo ${src} 0x${imm.toString(16)} ll`;
  return `r${dst} = 0x${imm.toString(16)} ll`;
}

function formatLoad(instruction: Instruction): string {
  if (isMode(instruction, MODE_MEM)) return `r${instruction.dst} = ${memory(instruction, instruction.src, 'u')}`;
  if (isMode(instruction, MODE_MEMSX)) return `r${instruction.dst} = ${memory(instruction, instruction.src, 's')}`;
  return unknown(instruction);
}

const ATOMIC_NAMES = {
  [ATOMIC_OP.add]: 'add',
  [ATOMIC_OP.or]: 'or',
  [ATOMIC_OP.and]: 'and',
  [ATOMIC_OP.xor]: 'xor',
} as const;
const ATOMIC_SIGNS = { add: '+=', or: '|=', and: '&=', xor: '^=' } as const;

function formatAtomic(instruction: Instruction): string {
  const { dst, src, offset } = instruction;
  const imm = Number(instruction.imm);
  const wide = sizeBits(instruction.opcode) === 64;
  const value = `${wide ? 'r' : 'w'}${src}`;
  const prefix = wide ? 'atomic64_' : 'atomic_';
  const type = `u${sizeBits(instruction.opcode)}`;
  const place = `(r${dst} ${signed(offset)})`;
  if (imm === ATOMIC_OP.xchg) return `${value} = ${prefix}xchg((${type} *)${place}, ${value})`;
  if (imm === ATOMIC_OP.cmpxchg) {
    const zero = wide ? 'r0' : 'w0';
    return `${zero} = ${prefix}cmpxchg((${type} *)${place}, ${zero}, ${value})`;
  }
  const name = ATOMIC_NAMES[(imm & ~ATOMIC_OP.fetch) as keyof typeof ATOMIC_NAMES];
  if (name === undefined) return unknown(instruction);
  if ((imm & ATOMIC_OP.fetch) !== 0) return `${value} = ${prefix}fetch_${name}((${type} *)${place}, ${value})`;
  return `lock *(${type} *)${place} ${ATOMIC_SIGNS[name]} ${value}`;
}

const ALU_SIGNS: Partial<Record<number, string>> = {
  [ALU_OP.add]: '+=',
  [ALU_OP.sub]: '-=',
  [ALU_OP.mul]: '*=',
  [ALU_OP.div]: '/=',
  [ALU_OP.or]: '|=',
  [ALU_OP.and]: '&=',
  [ALU_OP.lsh]: '<<=',
  [ALU_OP.rsh]: '>>=',
  [ALU_OP.mod]: '%=',
  [ALU_OP.xor]: '^=',
  [ALU_OP.mov]: '=',
  [ALU_OP.arsh]: 's>>=',
};

function formatAlu(instruction: Instruction, width: 'r' | 'w'): string {
  const { opcode, dst, src, offset, imm, reference } = instruction;
  const operation = opcode & OPERATION_MASK;
  const target = `${width}${dst}`;
  if (operation === ALU_OP.neg) return `${target} = -${target}`;
  if (operation === ALU_OP.end) return formatByteSwap(instruction, width);
  const sign = ALU_SIGNS[operation];
  if (sign === undefined) return unknown(instruction);
  const fromRegister = (opcode & SOURCE_X) !== 0;
  if (operation === ALU_OP.mov && offset !== 0 && fromRegister) return `${target} = (s${offset})${width}${src}`;
  const isSigned = offset === 1 && (operation === ALU_OP.div || operation === ALU_OP.mod);
  const operand = relocatedOperand(reference) ?? String(imm);
  return `${target} ${isSigned ? 's' : ''}${sign} ${fromRegister ? `${width}${src}` : operand}`;
}

function relocatedOperand(reference: Instruction['reference']): string | undefined {
  if (reference?.kind === 'type-id') return `typeid(struct ${reference.struct})`;
  if (reference?.kind !== 'field-offset') return undefined;
  return `${reference.shift === true ? 'shiftof' : 'offsetof'}(struct ${reference.struct}, ${reference.member})`;
}

function formatByteSwap({ opcode, dst, imm }: Instruction, width: 'r' | 'w'): string {
  const order = width === 'r' ? 'bswap' : (opcode & SOURCE_X) !== 0 ? 'be' : 'le';
  return `r${dst} = ${order}${String(imm)} r${dst}`;
}

const JUMP_SIGNS: Partial<Record<number, string>> = {
  [JMP_OP.jeq]: '==',
  [JMP_OP.jgt]: '>',
  [JMP_OP.jge]: '>=',
  [JMP_OP.jset]: '&',
  [JMP_OP.jne]: '!=',
  [JMP_OP.jsgt]: 's>',
  [JMP_OP.jsge]: 's>=',
  [JMP_OP.jlt]: '<',
  [JMP_OP.jle]: '<=',
  [JMP_OP.jslt]: 's<',
  [JMP_OP.jsle]: 's<=',
};

function formatJump(instruction: Instruction, width: 'r' | 'w', slot: number | undefined): string {
  const { opcode, dst, src, imm, offset } = instruction;
  const operation = opcode & OPERATION_MASK;
  if (operation === JMP_OP.ja) {
    return width === 'r'
      ? `goto ${distance(instruction, offset, slot)}`
      : `gotol ${distance(instruction, Number(imm), slot)}`;
  }
  if (width === 'r' && operation === JMP_OP.exit) return 'exit';
  if (width === 'r' && operation === JMP_OP.call) return formatCall(instruction, slot);
  const sign = JUMP_SIGNS[operation];
  if (sign === undefined) return unknown(instruction);
  const operand = (opcode & SOURCE_X) !== 0 ? `${width}${src}` : hex(Number(imm));
  return `if ${width}${dst} ${sign} ${operand} goto ${distance(instruction, offset, slot)}`;
}

/** An immediate that 64-bit comparisons sign-extend keeps its sign. */
function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function distance({ reference }: Instruction, offset: number, slot: number | undefined): string {
  if (reference?.kind === 'label') return `<${reference.name}>`;
  const steps = offset < 0 ? String(offset) : `+${offset}`;
  return slot === undefined ? steps : `${steps} <${slot + 1 + offset}>`;
}

const HELPER_NAMES = new Map<number, string>(Object.entries(HELPER).map(([name, number]) => [number, name]));

function formatCall(instruction: Instruction, slot: number | undefined): string {
  const { opcode, src, dst, imm, reference } = instruction;
  if ((opcode & SOURCE_X) !== 0) return `callx r${dst}`;
  if (reference?.kind === 'function' || reference?.kind === 'kfunc') return `call ${reference.name}`;
  if (src === PSEUDO.CALL) return `call pc${distance(instruction, Number(imm), slot)}`;
  if (src === PSEUDO.KFUNC_CALL) return `call kernel-function#${String(imm)}`;
  const name = HELPER_NAMES.get(Number(imm));
  return name === undefined ? `call helper#${String(imm)}` : `call bpf_${name}#${String(imm)}`;
}
