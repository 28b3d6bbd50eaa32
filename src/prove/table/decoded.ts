import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  JMP_OP,
  MODE_MEM,
  OPERATION_MASK,
  SOURCE_X,
} from '../../../codegen/bytecode/instruction.js';
import type { LinkedInstruction } from '../../../bpf-runtime/interpreter/program.js';
import { accessBytes } from '../state.js';
import { constant } from '../value.js';
import { ownNumber, wide } from './machine.js';
import type { WalkValue } from './walk-value.js';

/** An instruction of a walk, taken apart once: it is run for each node of a table. */
export interface Decoded {
  readonly kind: 'alu' | 'order' | 'wide' | 'load' | 'store' | 'goto' | 'jump' | 'exit' | 'call' | 'refused';
  readonly linked: LinkedInstruction;
  readonly operation: number;
  /** 64 bits, else the lower 32. */
  readonly wide: boolean;
  readonly dst: number;
  readonly src: number;
  /** What stands in the place of the second operand, if it is no register. */
  readonly own: WalkValue | undefined;
  /** Bytes that are read or written. */
  readonly size: number;
  readonly offset: number;
  readonly next: number;
  readonly target: number;
  /** Why a walk does not know it. */
  readonly why: string;
}

export function decoded(linked: LinkedInstruction): Decoded {
  const { instruction, operands } = linked;
  const { opcode, dst, src } = instruction;
  const kind = opcode & CLASS_MASK;
  const [what, why] = kindOf(linked);
  return {
    kind: what,
    linked,
    operation: opcode & OPERATION_MASK,
    wide: kind === CLASS.ALU64 || kind === CLASS.JMP,
    dst,
    src,
    own: ownOf(linked, what),
    size: accessBytes(opcode),
    offset: operands.offset,
    next: operands.next,
    target: operands.target,
    why,
  };
}

function ownOf({ instruction }: LinkedInstruction, kind: Decoded['kind']): WalkValue | undefined {
  const { opcode, imm } = instruction;
  if (kind === 'wide') return wide(instruction);
  if (kind === 'store') return (opcode & CLASS_MASK) === CLASS.ST ? constant(Number(imm)) : undefined;
  if (kind === 'alu' && (opcode & OPERATION_MASK) === ALU_OP.neg) return constant(0);
  return (kind === 'alu' || kind === 'jump') && (opcode & SOURCE_X) === 0 ? ownNumber(instruction) : undefined;
}

function kindOf({ instruction }: LinkedInstruction): readonly [kind: Decoded['kind'], why: string] {
  const { opcode, offset, reference } = instruction;
  const operation = opcode & OPERATION_MASK;
  const isPlain = (opcode & 0xe0) === MODE_MEM;
  switch (opcode & CLASS_MASK) {
    case CLASS.LD:
      return isAddress(instruction) ? ['wide', ''] : ['refused', 'an address of an unknown kind'];
    case CLASS.LDX:
      return isPlain ? ['load', ''] : ['refused', 'a load with sign'];
    case CLASS.ST:
      return isPlain ? ['store', ''] : ['refused', 'a store of an unknown mode'];
    case CLASS.STX:
      return isPlain ? ['store', ''] : ['refused', 'an atomic operation'];
    case CLASS.JMP:
      if (operation === JMP_OP.exit) return ['exit', ''];
      if (operation === JMP_OP.call) return ['call', ''];
      return [operation === JMP_OP.ja ? 'goto' : 'jump', ''];
    case CLASS.JMP32:
      return [operation === JMP_OP.ja ? 'goto' : 'jump', ''];
    default:
      if (reference?.kind === 'field-offset' || reference?.kind === 'type-id')
        return ['refused', 'a kernel struct beside diagrams'];
      if (operation === ALU_OP.end) return ['order', ''];
      return offset === 0 ? ['alu', ''] : ['refused', 'a signed move or division'];
  }
}

const isAddress = ({ reference, src }: LinkedInstruction['instruction']): boolean =>
  reference?.kind === 'map' || reference?.kind === 'data' || src === 0;
