import type { Parsed, ValueType } from '../define.js';

/** One instruction of classic BPF (`struct sock_filter`), all fields unsigned. */
export interface ClassicInstruction {
  /** 16 bits: class, size, mode, operation, source. */
  readonly code: number;
  /** Instructions to skip if a test holds (`jt`) or fails (`jf`), 8 bits each. */
  readonly jt: number;
  readonly jf: number;
  /** 32-bit operand. */
  readonly k: number;
}

/** Instructions at most (XT_BPF_MAX_NUM_INSTR). */
const MOST = 64;

/**
 * `length,code jt jf k,code jt jf k…` in decimal. As in the tool a number may have a sign, of numbers too great the low
 * bits count, and what stands behind the fourth number of an instruction is not read (libxt_bpf.c `bpf_parse_string`).
 */
export const classicProgram: ValueType<readonly ClassicInstruction[]> = {
  arity: 1,
  placeholder: 'length,code jt jf k,…',
  parse: ([word]) => parseProgram(word),
  print: (program) => [
    [String(program.length), ...program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`)].join(','),
  ],
};

const LENGTH = /^[ \t\n\v\f\r]*([-+]?\d+),/;
/** Each number is read to its last digit. */
const INSTRUCTION = new RegExp(`^${'[ \\t\\n\\v\\f\\r]*([-+]?\\d+)(?!\\d)'.repeat(4)}`);

function parseProgram(word: string): Parsed<readonly ClassicInstruction[]> {
  const head = LENGTH.exec(word);
  if (head === null) return { error: `"${word}" does not begin with its length` };
  const length = low(head[1], 16);
  if (length === 0 || length > MOST) return { error: `the program is not of 1 to ${MOST} instructions` };
  const texts = word.slice(head[0].length).split(',');
  if (texts[texts.length - 1] === '') texts.pop();
  if (texts.length !== length) {
    return { error: `the program has ${texts.length} instructions and says that it has ${length}` };
  }
  const program: ClassicInstruction[] = [];
  for (const text of texts) {
    const numbers = INSTRUCTION.exec(text);
    if (numbers === null) return { error: `"${text}" is not an instruction "code jt jf k"` };
    const [, code, jt, jf, k] = numbers;
    program.push({ code: low(code, 16), jt: low(jt, 8), jf: low(jf, 8), k: low(k, 32) });
  }
  const fault = programFault(program);
  return fault === undefined ? { value: program } : { error: `the kernel refuses the program: ${fault}` };
}

/** The low bits of a number; beyond 64 bits it is the greatest of 64, as `strtoul` has it. */
function low(digits: string, bits: number): number {
  const limit = (1n << 64n) - 1n;
  const magnitude = BigInt(digits.replace(/^[-+]/, ''));
  const value = magnitude > limit ? limit : digits.startsWith('-') ? -magnitude : magnitude;
  return Number(BigInt.asUintN(bits, value));
}

/** Scratch memory in words (BPF_MEMWORDS). */
const MEMORY = 16;

/** Offsets from here on are no packet bytes but facts about the packet (SKF_AD_OFF). */
const ANCILLARY = 0xfffff000;
/** … as many of them as there are, 4 apart (SKF_AD_MAX). */
const ANCILLARY_END = ANCILLARY + 64;

const LD_ABS: ReadonlySet<number> = new Set([0x20, 0x28, 0x30]);
const LD_OTHER = [0x40, 0x48, 0x50, 0x80, 0x00];
const LDX_OTHER = [0x01, 0x81, 0xb1];
const LOAD_MEMORY: ReadonlySet<number> = new Set([0x60, 0x61]);
const STORE: ReadonlySet<number> = new Set([0x02, 0x03]);
/** Add, subtract, multiply, divide, or, and, shift left and right, modulo, xor; with `k`, or 8 more with X. */
const ARITHMETIC = [0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x94, 0xa4].flatMap((code) => [code, code + 8]);
const NEGATE = 0x84;
const DIVIDE_BY_K: ReadonlySet<number> = new Set([0x34, 0x94]);
const SHIFT_BY_K: ReadonlySet<number> = new Set([0x64, 0x74]);
const JUMP = 0x05;
/** Equal, greater, greater or equal, bits set; with `k`, or 8 more with X. */
const CONDITIONAL: ReadonlySet<number> = new Set([0x15, 0x25, 0x35, 0x45].flatMap((code) => [code, code + 8]));
const RETURN: ReadonlySet<number> = new Set([0x06, 0x16]);
const MOVE = [0x07, 0x87];

const CODES: ReadonlySet<number> = new Set([
  ...[...LD_ABS, ...LD_OTHER, ...LDX_OTHER, ...LOAD_MEMORY, ...STORE, ...ARITHMETIC, NEGATE],
  ...[JUMP, ...CONDITIONAL, ...RETURN, ...MOVE],
]);

/** Why the kernel does not take the program, undefined if it does (net/core/filter.c `bpf_check_classic`). */
export function programFault(program: readonly ClassicInstruction[]): string | undefined {
  for (const [i, instruction] of program.entries()) {
    const fault = instructionFault(instruction, program.length - i - 1);
    if (fault !== undefined) return `instruction ${i} ${fault}`;
  }
  const last = program[program.length - 1];
  if (last === undefined || !RETURN.has(last.code)) return 'it does not end with a return';
  return memoryFault(program);
}

/** `behind`: how many instructions follow. */
function instructionFault({ code, jt, jf, k }: ClassicInstruction, behind: number): string | undefined {
  if (!CODES.has(code)) return `has the unknown code ${code}`;
  if (DIVIDE_BY_K.has(code) && k === 0) return 'divides by zero';
  if (SHIFT_BY_K.has(code) && k >= 32) return 'shifts by 32 bits or more';
  if ((LOAD_MEMORY.has(code) || STORE.has(code)) && k >= MEMORY) return `uses memory beyond word ${MEMORY - 1}`;
  if (code === JUMP && k >= behind) return 'jumps behind the end';
  if (CONDITIONAL.has(code) && (jt >= behind || jf >= behind)) return 'jumps behind the end';
  const known = k < ANCILLARY || (k < ANCILLARY_END && k % 4 === 0);
  return LD_ABS.has(code) && !known ? `reads at the unknown offset ${k}` : undefined;
}

/** Memory must have been written on every way to where it is read (`check_load_and_stores`). */
function memoryFault(program: readonly ClassicInstruction[]): string | undefined {
  const all = 2 ** MEMORY - 1;
  const written = program.map(() => all);
  let now = 0;
  for (const [i, { code, jt, jf, k }] of program.entries()) {
    now &= written[i];
    if (STORE.has(code)) now |= 1 << k;
    if (LOAD_MEMORY.has(code) && (now & (1 << k)) === 0) return `instruction ${i} reads memory that nothing wrote`;
    const targets = code === JUMP ? [k] : CONDITIONAL.has(code) ? [jt, jf] : [];
    for (const target of targets) written[i + 1 + target] &= now;
    if (targets.length > 0) now = all;
  }
  return undefined;
}
