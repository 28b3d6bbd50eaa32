import { slots, type Instruction } from './instruction.js';

/** Why a function cannot be assembled. */
export class AssembleError extends Error {
  constructor(
    readonly code: 'unknown-label' | 'duplicate-label' | 'jump-too-far',
    readonly functionName: string,
    detail: string,
  ) {
    super(`function ${functionName}: ${detail}`);
    this.name = 'AssembleError';
  }
}

/**
 * Resolves the `label` references of one function to offsets in slots, counted from the instruction behind the jump.
 * Throws {@link AssembleError}.
 */
export function assemble(name: string, instructions: readonly Instruction[]): readonly Instruction[] {
  const places = new Map<string, number>();
  const starts: number[] = [];
  let at = 0;
  for (const instruction of instructions) {
    starts.push(at);
    if (instruction.label !== undefined) {
      if (places.has(instruction.label)) throw new AssembleError('duplicate-label', name, `label ${instruction.label} twice`);
      places.set(instruction.label, at);
    }
    at += slots(instruction);
  }
  return instructions.map((instruction, index): Instruction => {
    const { reference, label: _label, ...rest } = instruction;
    if (reference === undefined) return rest;
    if (reference.kind !== 'label') return { ...rest, reference };
    const target = places.get(reference.name);
    if (target === undefined) throw new AssembleError('unknown-label', name, `no label ${reference.name}`);
    const offset = target - starts[index] - 1;
    if (offset < -0x8000 || offset > 0x7fff) {
      throw new AssembleError('jump-too-far', name, `jump to ${reference.name} is ${offset} slots long`);
    }
    return { ...rest, offset };
  });
}
