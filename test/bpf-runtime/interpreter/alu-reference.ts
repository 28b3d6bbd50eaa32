import fc from 'fast-check';
import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  JMP_OP,
  OPERATION_MASK,
  SOURCE_X,
  alu64,
  exit,
  lddw,
  mov64,
  reg,
  type Instruction,
} from '../../../codegen/bytecode/instruction.js';

/** One operation of a random program: straight ALU, or a jump over the next `skip` operations. */
export interface Operation {
  readonly instruction: Instruction;
  /** Operations that are jumped over where the condition holds; 0 for ALU operations. */
  readonly skip: number;
}

const REGISTERS = 10;
const register = fc.integer({ min: 0, max: REGISTERS - 1 });
const edge = fc.constantFrom(0, 1, -1, 2, 31, 32, 63, 0x7fff_ffff, -0x8000_0000, 0xff, 0x8000, -0x8000);
const immediate = fc.oneof(edge, fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }));
const isWide = fc.boolean();

const binary = fc.constantFrom('add', 'sub', 'mul', 'or', 'and', 'xor', 'mov').map((name) => ALU_OP[name]);

function instruction(opcode: number, dst: number, more: Partial<Instruction> = {}): Instruction {
  return { opcode, dst, src: 0, offset: 0, imm: 0, ...more };
}

const aluClass = (wide: boolean): number => (wide ? CLASS.ALU64 : CLASS.ALU);

const binaryOperation = fc
  .tuple(binary, isWide, register, fc.option(register, { nil: undefined }), immediate)
  .map(([op, wide, dst, src, imm]) =>
    src === undefined
      ? instruction(aluClass(wide) | op, dst, { imm })
      : instruction(aluClass(wide) | op | SOURCE_X, dst, { src }),
  );

/** Immediate counts of the width or more, and divisors of 0, are refused by the verifier; in registers they are not. */
const shift = fc
  .tuple(
    fc.constantFrom(ALU_OP.lsh, ALU_OP.rsh, ALU_OP.arsh),
    isWide,
    register,
    fc.option(register, { nil: undefined }),
    fc.nat(63),
  )
  .map(([op, wide, dst, src, count]) =>
    src === undefined
      ? instruction(aluClass(wide) | op, dst, { imm: wide ? count : count & 31 })
      : instruction(aluClass(wide) | op | SOURCE_X, dst, { src }),
  );

const division = fc
  .tuple(
    fc.constantFrom(ALU_OP.div, ALU_OP.mod),
    isWide,
    fc.constantFrom(0, 1),
    register,
    fc.option(register, { nil: undefined }),
    immediate.filter((imm) => imm !== 0),
  )
  .map(([op, wide, offset, dst, src, imm]) =>
    src === undefined
      ? instruction(aluClass(wide) | op, dst, { offset, imm })
      : instruction(aluClass(wide) | op | SOURCE_X, dst, { offset, src }),
  );

const unary = fc.oneof(
  fc.tuple(isWide, register).map(([wide, dst]) => instruction(aluClass(wide) | ALU_OP.neg, dst)),
  fc
    .tuple(fc.constantFrom(CLASS.ALU, CLASS.ALU | SOURCE_X, CLASS.ALU64), fc.constantFrom(16, 32, 64), register)
    .map(([kind, imm, dst]) => instruction(kind | ALU_OP.end, dst, { imm })),
  fc
    .tuple(
      fc.constantFrom(
        { wide: false, offset: 8 },
        { wide: false, offset: 16 },
        { wide: true, offset: 8 },
        { wide: true, offset: 16 },
        { wide: true, offset: 32 },
      ),
      register,
      register,
    )
    .map(([{ wide, offset }, dst, src]) => instruction(aluClass(wide) | ALU_OP.mov | SOURCE_X, dst, { src, offset })),
);

const CONDITIONS = Object.entries(JMP_OP)
  .filter(([name]) => !['ja', 'call', 'exit'].includes(name))
  .map(([, op]) => op);

const jump: fc.Arbitrary<Operation> = fc
  .tuple(
    fc.constantFrom(...CONDITIONS),
    isWide,
    register,
    fc.option(register, { nil: undefined }),
    immediate,
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([op, wide, dst, src, imm, skip]) => {
    const kind = wide ? CLASS.JMP : CLASS.JMP32;
    const condition =
      src === undefined ? instruction(kind | op, dst, { imm }) : instruction(kind | op | SOURCE_X, dst, { src });
    return { instruction: condition, skip };
  });

const alu: fc.Arbitrary<Operation> = fc
  .oneof(binaryOperation, shift, division, unary)
  .map((operation) => ({ instruction: operation, skip: 0 }));

const value = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 32n, 2n ** 32n - 1n, 2n ** 31n, 2n ** 31n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

export interface RandomProgram {
  /** r0 to r9 at the start. */
  readonly registers: readonly bigint[];
  readonly operations: readonly Operation[];
}

/** Random programs without memory. Few jumps: the verifier follows both ways of each. */
export const randomProgram: fc.Arbitrary<RandomProgram> = fc.record({
  registers: fc.array(value, { minLength: REGISTERS, maxLength: REGISTERS }),
  operations: fc
    .tuple(
      fc.array(alu, { minLength: 1, maxLength: 12 }),
      fc.array(jump, { maxLength: 3 }),
      fc.array(alu, { minLength: 1, maxLength: 12 }),
      fc.array(jump, { maxLength: 3 }),
      fc.array(alu, { minLength: 1, maxLength: 12 }),
    )
    .map((parts) => parts.flat()),
});

/** The program as instructions: jumps skip within the operations, and all registers are mixed into r0 at the end. */
export function programOf({ registers, operations }: RandomProgram): readonly Instruction[] {
  const body = operations.map(({ instruction: operation, skip }, index) =>
    skip === 0 ? operation : { ...operation, offset: Math.min(skip, operations.length - index - 1) },
  );
  return [...registers.map((start, index) => lddw(index, start)), ...body, ...mix(), exit()];
}

const MULTIPLIER = 0x01000193;

function mix(): readonly Instruction[] {
  const steps = Array.from({ length: REGISTERS - 1 }, (_, index) => [
    alu64('mul', 0, MULTIPLIER),
    alu64('xor', 0, reg(index + 1)),
  ]).flat();
  return [...steps, mov64(1, reg(0)), alu64('rsh', 1, 32), alu64('xor', 0, reg(1))];
}

/** What r0 is at the end, by bigint arithmetic straight from RFC 9669. */
export function expected({ registers, operations }: RandomProgram): bigint {
  const state = [...registers];
  for (let at = 0; at < operations.length; at++) {
    const { instruction: operation, skip } = operations[at];
    if (skip === 0) state[operation.dst] = aluResult(state, operation);
    else if (holds(state, operation)) at += Math.min(skip, operations.length - at - 1);
  }
  let out = state[0];
  for (let index = 1; index < REGISTERS; index++) out = BigInt.asUintN(64, out * BigInt(MULTIPLIER)) ^ state[index];
  return out ^ (out >> 32n);
}

function operandOf(state: readonly bigint[], { opcode, src, imm }: Instruction): bigint {
  return (opcode & SOURCE_X) !== 0 ? state[src] : BigInt.asUintN(64, BigInt(imm));
}

function aluResult(state: readonly bigint[], operation: Instruction): bigint {
  const { opcode, dst, offset } = operation;
  const wide = (opcode & CLASS_MASK) === CLASS.ALU64;
  const op = opcode & OPERATION_MASK;
  if (op === ALU_OP.end) return byteOrder(operation, state[dst]);
  const bits = wide ? 64 : 32;
  const unsigned = (number: bigint): bigint => BigInt.asUintN(bits, number);
  const signed = (number: bigint): bigint => BigInt.asIntN(bits, number);
  const a = unsigned(state[dst]);
  const b = unsigned(operandOf(state, operation));
  const count = b % BigInt(bits);
  switch (op) {
    case ALU_OP.add:
      return unsigned(a + b);
    case ALU_OP.sub:
      return unsigned(a - b);
    case ALU_OP.mul:
      return unsigned(a * b);
    case ALU_OP.or:
      return a | b;
    case ALU_OP.and:
      return a & b;
    case ALU_OP.xor:
      return a ^ b;
    case ALU_OP.neg:
      return unsigned(-a);
    case ALU_OP.lsh:
      return unsigned(a << count);
    case ALU_OP.rsh:
      return a >> count;
    case ALU_OP.arsh:
      return unsigned(signed(a) >> count);
    case ALU_OP.mov:
      return offset === 0 ? b : unsigned(BigInt.asIntN(offset, b));
    case ALU_OP.div:
      if (b === 0n) return 0n;
      return offset === 0 ? a / b : unsigned(signed(a) / signed(b));
    case ALU_OP.mod:
      if (b === 0n) return a;
      return offset === 0 ? a % b : unsigned(signed(a) % signed(b));
    default:
      throw new Error(`operation ${op}`);
  }
}

function byteOrder({ opcode, imm }: Instruction, input: bigint): bigint {
  const bits = Number(imm);
  const cut = BigInt.asUintN(bits, input);
  const swaps = (opcode & CLASS_MASK) === CLASS.ALU64 || (opcode & SOURCE_X) !== 0;
  if (!swaps) return cut;
  let out = 0n;
  for (let bit = 0; bit < bits; bit += 8) out = (out << 8n) | ((cut >> BigInt(bit)) & 0xffn);
  return out;
}

function holds(state: readonly bigint[], operation: Instruction): boolean {
  const bits = (operation.opcode & CLASS_MASK) === CLASS.JMP ? 64 : 32;
  const a = BigInt.asUintN(bits, state[operation.dst]);
  const b = BigInt.asUintN(bits, operandOf(state, operation));
  const [x, y] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)];
  switch (operation.opcode & OPERATION_MASK) {
    case JMP_OP.jeq:
      return a === b;
    case JMP_OP.jne:
      return a !== b;
    case JMP_OP.jgt:
      return a > b;
    case JMP_OP.jge:
      return a >= b;
    case JMP_OP.jlt:
      return a < b;
    case JMP_OP.jle:
      return a <= b;
    case JMP_OP.jset:
      return (a & b) !== 0n;
    case JMP_OP.jsgt:
      return x > y;
    case JMP_OP.jsge:
      return x >= y;
    case JMP_OP.jslt:
      return x < y;
    case JMP_OP.jsle:
      return x <= y;
    default:
      throw new Error(`condition ${operation.opcode}`);
  }
}
