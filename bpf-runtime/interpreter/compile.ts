import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  JMP_OP,
  MODE_ATOMIC,
  MODE_MEM,
  MODE_MEMSX,
  OPERATION_MASK,
  PSEUDO,
  SIZE,
  SOURCE_X,
  type AccessSize,
} from '../../codegen/bytecode/instruction.js';
import { Fault } from './fault.js';
import type { Helper } from './helpers/helper.js';
import type { Machine, Step } from './machine.js';
import type { LinkedInstruction } from './program.js';
import { alu32Step } from './steps/alu32.js';
import { alu64Step } from './steps/alu64.js';
import { atomicStep } from './steps/atomic.js';
import { byteOrderStep } from './steps/byte-order.js';
import { jump32Step, jump64Step } from './steps/jump.js';
import { loadStep, storeStep } from './steps/memory-access.js';

/** What a `call` finds. */
export interface Callables {
  helper(number: number): Helper | undefined;
  kfunc(name: string): Helper | undefined;
}

/**
 * Makes the step of one instruction. An instruction that there is not becomes a step that faults: it may never be
 * reached.
 */
export function compileStep(machine: Machine, linked: LinkedInstruction, callables: Callables): Step {
  return stepOf(machine, linked, callables) ?? faultStep(new Fault('bad-instruction', 'no such instruction'));
}

function faultStep(fault: Fault): Step {
  return () => {
    throw fault;
  };
}

function stepOf(machine: Machine, linked: LinkedInstruction, callables: Callables): Step | undefined {
  const { opcode } = linked.instruction;
  const operation = opcode & OPERATION_MASK;
  const { operands } = linked;
  switch (opcode & CLASS_MASK) {
    case CLASS.LD:
      return wideLoadStep(machine, linked);
    case CLASS.LDX:
      return loadStepOf(machine, linked);
    case CLASS.ST:
      return (opcode & 0xe0) === MODE_MEM ? storeStep(machine, accessSize(opcode), operands) : undefined;
    case CLASS.STX:
      return storeStepOf(machine, linked);
    case CLASS.ALU:
      if (operation === ALU_OP.end) return byteOrderStep(machine, (opcode & SOURCE_X) !== 0, operands);
      return alu32Step(machine, operation, operands);
    case CLASS.ALU64:
      if (operation !== ALU_OP.end) return alu64Step(machine, operation, operands);
      return (opcode & SOURCE_X) === 0 ? byteOrderStep(machine, true, operands) : undefined;
    case CLASS.JMP32:
      return operation === JMP_OP.ja ? () => operands.target : jump32Step(machine, operation, operands);
    default:
      return jumpStep(machine, linked, callables);
  }
}

const SIZES: Readonly<Record<number, AccessSize>> = { [SIZE[1]]: 1, [SIZE[2]]: 2, [SIZE[4]]: 4, [SIZE[8]]: 8 };

function accessSize(opcode: number): AccessSize {
  return SIZES[opcode & 0x18];
}

/** The immediate, or the map's address, is a constant behind the registers: a move. */
function wideLoadStep(machine: Machine, { instruction, operands }: LinkedInstruction): Step | undefined {
  if (instruction.opcode !== (CLASS.LD | SIZE[8])) return undefined;
  const kind = instruction.reference?.kind;
  if (instruction.src !== 0 && kind !== 'map' && kind !== 'data') return undefined;
  if ((instruction.src === PSEUDO.MAP_VALUE) !== (kind === 'data')) return undefined;
  return alu64Step(machine, ALU_OP.mov, { ...operands, offset: 0 });
}

function loadStepOf(machine: Machine, { instruction: { opcode }, operands }: LinkedInstruction): Step | undefined {
  const size = accessSize(opcode);
  switch (opcode & 0xe0) {
    case MODE_MEM:
      return loadStep(machine, size, false, operands);
    case MODE_MEMSX:
      return size === 8 ? undefined : loadStep(machine, size, true, operands);
    default:
      return undefined;
  }
}

function storeStepOf(machine: Machine, { instruction: { opcode }, operands }: LinkedInstruction): Step | undefined {
  const size = accessSize(opcode);
  switch (opcode & 0xe0) {
    case MODE_MEM:
      return storeStep(machine, size, operands);
    case MODE_ATOMIC:
      return size === 4 || size === 8 ? atomicStep(machine, size, operands) : undefined;
    default:
      return undefined;
  }
}

function jumpStep(machine: Machine, linked: LinkedInstruction, callables: Callables): Step | undefined {
  const { operands, instruction } = linked;
  const operation = instruction.opcode & OPERATION_MASK;
  switch (operation) {
    case JMP_OP.ja:
      return () => operands.target;
    case JMP_OP.exit:
      return () => machine.leave();
    case JMP_OP.call:
      return (instruction.opcode & SOURCE_X) === 0 ? callStep(machine, linked, callables) : undefined;
    default:
      return jump64Step(machine, operation, operands);
  }
}

function callStep(machine: Machine, { instruction, operands }: LinkedInstruction, callables: Callables): Step {
  const { reference, src } = instruction;
  const { target, next, imm } = operands;
  if (target >= 0) {
    return () => {
      machine.call(next);
      return target;
    };
  }
  if (reference?.kind === 'kfunc') {
    const kfunc = callables.kfunc(reference.name);
    if (kfunc === undefined) return faultStep(new Fault('unknown-kfunc', `no kernel function ${reference.name}`));
    return outsideStep(machine, kfunc, next);
  }
  if (src !== 0) return faultStep(new Fault('unknown-kfunc', 'a kernel function without its name'));
  const helper = callables.helper(imm);
  if (helper === undefined) return faultStep(new Fault('unknown-helper', `no helper ${imm} for this program type`));
  return outsideStep(machine, helper, next);
}

function outsideStep(machine: Machine, call: Helper, next: number): Step {
  return () => {
    call();
    machine.poisonArguments();
    return next;
  };
}
