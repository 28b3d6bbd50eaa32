import {
  ALU_OP,
  ATOMIC_OP,
  CLASS,
  exit,
  JMP_OP,
  lddw,
  load,
  MODE_MEMSX,
  PSEUDO,
  SIZE,
  SOURCE_X,
  store,
  storeImm,
  atomic,
  type AccessSize,
  type Instruction,
} from './instruction.js';

/** A line that is no instruction. */
export class AssemblyError extends Error {
  constructor(
    /** Counting from 1. */
    readonly line: number,
    detail: string,
  ) {
    super(`line ${line}: ${detail}`);
    this.name = 'AssemblyError';
  }
}

/**
 * Reads the assembly notation of uBPF and of the BPF conformance suite: one instruction a line (`add32 %r1, %r2`,
 * `ldxw %r0, [%r1+4]`, `jne %r0, 5, fail`, `lock fetch add [%r10-8], %r1`, `call local f`), `label:` on a line of its own,
 * comments from `#` on. The label `exit`, where it is not defined, is the last instruction. Labels are left for
 * `assemble` to resolve. Throws {@link AssemblyError}.
 */
export function parseAssembly(text: string): readonly Instruction[] {
  const out: Instruction[] = [];
  let label: string | undefined;
  let line = 0;
  for (const raw of text.split('\n')) {
    line++;
    const words = raw.replace(/#.*/, '').trim();
    if (words === '') continue;
    const named = /^(\w+):$/.exec(words);
    if (named !== null) {
      if (label !== undefined) throw new AssemblyError(line, `label ${label} names nothing`);
      label = named[1];
      continue;
    }
    const instruction = parseInstruction(words);
    if (instruction === undefined) throw new AssemblyError(line, `no instruction: ${words}`);
    out.push(label === undefined ? instruction : { ...instruction, label });
    label = undefined;
  }
  if (label !== undefined) throw new AssemblyError(line, `label ${label} names nothing`);
  return nameLastInstruction(out);
}

function nameLastInstruction(code: readonly Instruction[]): readonly Instruction[] {
  const isUsed = code.some(({ reference }) => reference?.kind === 'label' && reference.name === 'exit');
  const last = code[code.length - 1];
  if (!isUsed || code.some(({ label }) => label === 'exit')) return code;
  if (last.label === undefined) return [...code.slice(0, -1), { ...last, label: 'exit' }];
  const alias = last.label;
  return code.map((instruction) =>
    instruction.reference?.kind === 'label' && instruction.reference.name === 'exit'
      ? { ...instruction, reference: { kind: 'label', name: alias } }
      : instruction,
  );
}

function parseInstruction(text: string): Instruction | undefined {
  const [, operation = '', rest = ''] = /^(\w+)\s*(.*)$/.exec(text) ?? [];
  const operands = rest === '' ? [] : rest.split(',').map((operand) => operand.trim());
  const [first = '', second = '', third = ''] = operands;
  switch (operation) {
    case 'exit':
      return exit();
    case 'ja':
      return withTarget(plain(CLASS.JMP | JMP_OP.ja), first);
    case 'ja32':
      return withTarget(plain(CLASS.JMP32 | JMP_OP.ja), first);
    case 'call':
      return parseCall(first);
    case 'lddw':
      return parseWideLoad(first, second);
    case 'lock':
      return parseAtomic(rest);
    default:
      return (
        parseAlu(operation, first, second) ??
        parseByteOrder(operation, first) ??
        parseSignExtendingMove(operation, first, second) ??
        parseJump(operation, first, second, third) ??
        parseMemory(operation, first, second)
      );
  }
}

function plain(opcode: number): Instruction {
  return { opcode, dst: 0, src: 0, offset: 0, imm: 0 };
}

function parseRegister(text: string): number | undefined {
  const [, digits] = /^%r(\d+)$/.exec(text) ?? [];
  return digits === undefined || Number(digits) > 10 ? undefined : Number(digits);
}

function parseNumber(text: string): bigint | undefined {
  const [, sign, digits] = /^([+-]?)(0x[0-9a-fA-F]+|\d+)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}

/** Signed 32 bits; values above are taken as unsigned notation. */
function parseImmediate(text: string): number | undefined {
  const value = parseNumber(text);
  if (value === undefined || value > 0xffff_ffffn || value < -0x8000_0000n) return undefined;
  return Number(BigInt.asIntN(32, value));
}

function parsePlace(text: string): { readonly base: number; readonly offset: number } | undefined {
  const [, register = '', offset = '+0'] = /^\[(%r\d+)\s*([+-]\s*\w+)?\]$/.exec(text) ?? [];
  const base = parseRegister(register);
  const distance = parseNumber(offset.replace(/\s/g, ''));
  return base === undefined || distance === undefined ? undefined : { base, offset: Number(distance) };
}

/** A jump's target: a label, or a signed number of slots. */
function withTarget(jump: Instruction, text: string): Instruction | undefined {
  if (/^[+-]/.test(text)) {
    const distance = parseImmediate(text);
    if (distance === undefined) return undefined;
    return jump.opcode === (CLASS.JMP32 | JMP_OP.ja) ? { ...jump, imm: distance } : { ...jump, offset: distance };
  }
  return /^\w+$/.test(text) ? { ...jump, reference: { kind: 'label', name: text } } : undefined;
}

function parseCall(operand: string): Instruction | undefined {
  const call = plain(CLASS.JMP | JMP_OP.call);
  const [, local] = /^local\s+(\w+)$/.exec(operand) ?? [];
  if (local !== undefined) {
    return { ...call, src: PSEUDO.CALL, imm: -1, reference: { kind: 'label', name: local } };
  }
  const register = parseRegister(operand);
  if (register !== undefined) return { ...call, opcode: call.opcode | SOURCE_X, dst: register };
  const helper = parseImmediate(operand);
  return helper === undefined ? undefined : { ...call, imm: helper };
}

function parseWideLoad(first: string, second: string): Instruction | undefined {
  const dst = parseRegister(first);
  const value = parseNumber(second);
  return dst === undefined || value === undefined ? undefined : lddw(dst, value);
}

/** Operations of ALU_OP with the offset that tells signed division from unsigned. */
const ALU: Readonly<Record<string, { readonly op: number; readonly offset: number }>> = {
  ...Object.fromEntries(Object.entries(ALU_OP).map(([name, op]) => [name, { op, offset: 0 }])),
  sdiv: { op: ALU_OP.div, offset: 1 },
  smod: { op: ALU_OP.mod, offset: 1 },
};

function parseAlu(operation: string, first: string, second: string): Instruction | undefined {
  const [, name = '', width = '64'] = /^([a-z]+)(32|64)?$/.exec(operation) ?? [];
  const alu = ALU[name];
  const dst = parseRegister(first);
  if (alu === undefined || alu.op === ALU_OP.end || dst === undefined) return undefined;
  const base = { ...plain((width === '64' ? CLASS.ALU64 : CLASS.ALU) | alu.op), dst, offset: alu.offset };
  return alu.op === ALU_OP.neg ? base : withOperand(base, second);
}

function withOperand(base: Instruction, text: string): Instruction | undefined {
  const src = parseRegister(text);
  if (src !== undefined) return { ...base, opcode: base.opcode | SOURCE_X, src };
  const imm = parseImmediate(text);
  return imm === undefined ? undefined : { ...base, imm };
}

const BYTE_ORDER: Readonly<Record<string, number>> = {
  le: CLASS.ALU | ALU_OP.end,
  be: CLASS.ALU | ALU_OP.end | SOURCE_X,
  swap: CLASS.ALU64 | ALU_OP.end,
  bswap: CLASS.ALU64 | ALU_OP.end,
};

function parseByteOrder(operation: string, first: string): Instruction | undefined {
  const [, name = '', bits] = /^([a-z]+)(16|32|64)$/.exec(operation) ?? [];
  const opcode = BYTE_ORDER[name];
  const dst = parseRegister(first);
  return opcode === undefined || dst === undefined ? undefined : { ...plain(opcode), dst, imm: Number(bits) };
}

/** `movsx832`: from 8 bits to 32. */
function parseSignExtendingMove(operation: string, first: string, second: string): Instruction | undefined {
  const [, from, to] = /^movsx(8|16|32)(32|64)$/.exec(operation) ?? [];
  const dst = parseRegister(first);
  const src = parseRegister(second);
  if (from === undefined || dst === undefined || src === undefined) return undefined;
  const opcode = (to === '64' ? CLASS.ALU64 : CLASS.ALU) | ALU_OP.mov | SOURCE_X;
  return { ...plain(opcode), dst, src, offset: Number(from) };
}

const CONDITIONS: ReadonlyMap<string, number> = new Map(
  Object.entries(JMP_OP).filter(([name]) => name !== 'ja' && name !== 'call' && name !== 'exit'),
);

function parseJump(operation: string, first: string, second: string, target: string): Instruction | undefined {
  const [, name = '', width] = /^([a-z]+)(32)?$/.exec(operation) ?? [];
  const condition = CONDITIONS.get(name);
  const dst = parseRegister(first);
  if (condition === undefined || dst === undefined) return undefined;
  const base = { ...plain((width === undefined ? CLASS.JMP : CLASS.JMP32) | condition), dst };
  const jump = withOperand(base, second);
  return jump === undefined ? undefined : withTarget(jump, target);
}

const SUFFIX_BYTES: Readonly<Record<string, AccessSize>> = { b: 1, h: 2, w: 4, dw: 8 };

function parseMemory(operation: string, first: string, second: string): Instruction | undefined {
  const [, kind, suffix = ''] = /^(ldxs|ldx|stx|st)(b|h|w|dw)$/.exec(operation) ?? [];
  const size = SUFFIX_BYTES[suffix];
  const isLoad = kind === 'ldx' || kind === 'ldxs';
  const place = parsePlace(isLoad ? second : first);
  const register = parseRegister(isLoad ? first : second);
  if (size === undefined || place === undefined) return undefined;
  if (kind === 'st') {
    const value = parseImmediate(second);
    return value === undefined ? undefined : storeImm(size, place.base, place.offset, value);
  }
  if (register === undefined) return undefined;
  if (kind === 'stx') return store(size, place.base, place.offset, register);
  const plainLoad = load(size, register, place.base, place.offset);
  return kind === 'ldx' ? plainLoad : { ...plainLoad, opcode: CLASS.LDX | MODE_MEMSX | SIZE[size] };
}

const ATOMICS: Readonly<Record<string, number>> = {
  add: ATOMIC_OP.add,
  or: ATOMIC_OP.or,
  and: ATOMIC_OP.and,
  xor: ATOMIC_OP.xor,
  xchg: ATOMIC_OP.xchg,
  cmpxchg: ATOMIC_OP.cmpxchg,
};

function parseAtomic(text: string): Instruction | undefined {
  const [, fetch, name = '', width, place = '', register = ''] =
    /^(fetch\s+)?([a-z]+)(32)?\s+(\[[^\]]*\])\s*,\s*(%r\d+)$/.exec(text) ?? [];
  const operation = ATOMICS[name];
  const at = parsePlace(place);
  const src = parseRegister(register);
  if (operation === undefined || at === undefined || src === undefined) return undefined;
  const op = fetch === undefined ? operation : operation | ATOMIC_OP.fetch;
  return atomic(width === undefined ? 8 : 4, op, at.base, at.offset, src);
}
