import {
  ALU_OP,
  ATOMIC_OP,
  CLASS,
  CLASS_MASK,
  HELPER,
  JMP_OP,
  MODE_ATOMIC,
  MODE_MEM,
  OPERATION_MASK,
  SIZE,
  SOURCE_X,
} from '../../codegen/bytecode/instruction.js';
import type { LinkedInstruction, PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { TRUE } from './bdd.js';
import { Executor } from './executor.js';
import { successors } from './liveness.js';
import type { Code } from './object-code.js';
import { unsupported } from './unprovable.js';
import { constant, pointer, type Region } from './value.js';
import type { Words } from './words.js';

/** Code that takes a token from a bucket: where it goes on, and which registers hold nothing then, as bits. */
export interface LimitStretch {
  readonly taken: number;
  readonly refused: number;
  readonly clobbers: number;
}

const R0 = 0;
const BUCKET = 8;
/** r0–r5, r8, r9. */
const CLOBBERS = 0x33f;

/**
 * The code behind a look-up in the map of buckets (the call at `at`), up to where none of its registers is read any more.
 * What it works out is not looked at; but it reads and writes nothing beside the bucket, and ends in two places: which one
 * is that of a token is told by a bucket that was never used.
 */
export function limitStretch(code: Code, placed: PlacedFunction, at: number, words: Words): LimitStretch {
  const live = code.liveOf(placed);
  const isOver = (place: number): boolean => (live[place - placed.start] & CLOBBERS) === 0;
  const inside = new Set<number>();
  const ends = new Set<number>();
  const open = [at + 1];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place < placed.start || place >= placed.end) throw unsupported('a limit that leaves its function');
    if (isOver(place)) ends.add(behindGotos(code, place));
    else if (!inside.has(place)) {
      inside.add(place);
      open.push(...successors(code.instructions[place]));
    }
  }
  const writers = [...inside].filter((place) => writes(code.instructions[place], BUCKET));
  for (const place of inside) if (!isAllowed(code.instructions[place])) throw unsupported('a limit of another kind');
  const [writer, ...more] = writers;
  if (ends.size !== 2 || more.length > 0 || writer !== at + 2 || !isMove(code.instructions[writer], BUCKET, R0)) {
    throw unsupported('a limit of another kind');
  }
  const [a, b] = [...ends];
  const taken = firstAnswer(code, placed, at, words, ends);
  return { taken, refused: taken === a ? b : a, clobbers: CLOBBERS };
}

/** Where the code comes to with a bucket that was never used, which is full. */
function firstAnswer(code: Code, placed: PlacedFunction, at: number, words: Words, ends: ReadonlySet<number>): number {
  const bucket: Region = { kind: 'map-value', name: 'limits', key: 0 };
  const refuse = (): never => {
    throw unsupported('a limit of another kind');
  };
  const executor = new Executor(code, words, {
    load: () => constant(0),
    store: refuse,
    helper: () => constant(0),
    kfunc: refuse,
    call: () => undefined,
    // Nobody else has changed it: r0 is what was there, as the code expects.
    atomic: () => undefined,
  });
  const state = executor.start(placed, TRUE, []);
  state.registers[R0] = pointer(bucket);
  const { stopped } = executor.run(placed, at + 1, state, new Set(gotosTo(code, placed, ends)));
  const [found] = [...stopped.keys()].map((place) => behindGotos(code, place));
  if (found === undefined || !ends.has(found)) throw unsupported('a limit of another kind');
  return found;
}

const isGoto = ({ instruction: { opcode } }: LinkedInstruction): boolean =>
  (opcode & CLASS_MASK) === CLASS.JMP && (opcode & OPERATION_MASK) === JMP_OP.ja;

function behindGotos(code: Code, place: number): number {
  for (let steps = 0; steps < 1000 && isGoto(code.instructions[place]); steps++) {
    place = code.instructions[place].operands.target;
  }
  return place;
}

/** The places, and the gotos that lead there. */
function gotosTo(code: Code, { start, end }: PlacedFunction, ends: ReadonlySet<number>): readonly number[] {
  const places = [...ends];
  for (let place = start; place < end; place++) {
    if (isGoto(code.instructions[place]) && ends.has(behindGotos(code, place))) places.push(place);
  }
  return places;
}

function isMove({ instruction: { opcode, dst, src } }: LinkedInstruction, to: number, from: number): boolean {
  return opcode === (CLASS.ALU64 | ALU_OP.mov | SOURCE_X) && dst === to && src === from;
}

function writes({ instruction: { opcode, dst } }: LinkedInstruction, register: number): boolean {
  const kind = opcode & CLASS_MASK;
  const isWriting = kind === CLASS.ALU || kind === CLASS.ALU64 || kind === CLASS.LD || kind === CLASS.LDX;
  return isWriting && dst === register;
}

function isAllowed({ instruction, operands }: LinkedInstruction): boolean {
  const { opcode, dst, src, imm, offset, reference } = instruction;
  if (reference !== undefined) return false;
  switch (opcode & CLASS_MASK) {
    case CLASS.LD:
      return src === 0 && (CLOBBERS & (1 << dst)) !== 0;
    case CLASS.ALU:
    case CLASS.ALU64:
      return (CLOBBERS & (1 << dst)) !== 0;
    case CLASS.LDX:
      return opcode === (CLASS.LDX | MODE_MEM | SIZE[8]) && src === BUCKET && offset === 0 && dst !== BUCKET;
    case CLASS.STX:
      return (
        opcode === (CLASS.STX | MODE_ATOMIC | SIZE[8]) &&
        dst === BUCKET &&
        offset === 0 &&
        Number(imm) === ATOMIC_OP.cmpxchg
      );
    case CLASS.JMP:
    case CLASS.JMP32: {
      const operation = opcode & OPERATION_MASK;
      if (operation === JMP_OP.exit) return false;
      if (operation !== JMP_OP.call) return true;
      return operands.target < 0 && src === 0 && Number(imm) === HELPER.jiffies64;
    }
    default:
      return false;
  }
}
