import type { Instruction, SourceLine } from '../bytecode/instruction.js';
import { CLASS, JMP_OP, slots } from '../bytecode/instruction.js';

/** Collects the instructions of one function: labels, the current source line, and sizes as it grows. */
export class Code {
  readonly instructions: Instruction[] = [];
  /** 8-byte slots so far. */
  slots = 0;
  /** Conditional jumps so far: each may leave a pending state in the verifier (limit 8192 a function). */
  branches = 0;
  private pending: string[] = [];
  private line: SourceLine | undefined;
  private labels: { next: number };

  constructor(labels: { next: number } = { next: 0 }) {
    this.labels = labels;
  }

  /** A label name that no other call has given. */
  label(hint: string): string {
    return `${hint}_${this.labels.next++}`;
  }

  /** Names the place of the next instruction. Several labels may name one place. */
  place(label: string): void {
    this.dropJumpTo(label);
    this.pending.push(label);
  }

  /** A jump to the very next place is no work: the emitters need not know what comes behind them. */
  private dropJumpTo(label: string): void {
    const last = this.instructions[this.instructions.length - 1];
    const isGoto = last !== undefined && last.opcode === (CLASS.JMP | JMP_OP.ja);
    if (!isGoto || last.reference?.kind !== 'label' || last.reference.name !== label) return;
    if (this.pending.length > 0) return;
    this.instructions.pop();
    this.slots -= 1;
    this.branches -= 1;
    if (last.label !== undefined) this.pending.push(last.label);
  }

  /** Source line of the instructions that follow. */
  at(line: SourceLine | undefined): void {
    this.line = line;
  }

  emit(...instructions: readonly Instruction[]): void {
    for (const instruction of instructions) {
      this.push(this.line === undefined ? instruction : { ...instruction, line: this.line });
    }
  }

  /** A block whose labels were drawn from the same counter; its lines are kept. */
  append(block: Code): void {
    for (const [alias, label] of block.aliases) this.aliases.set(alias, label);
    for (const instruction of block.instructions) this.push(instruction);
    this.pending.push(...block.pending);
  }

  private push(instruction: Instruction): void {
    const [first, ...others] = this.pending;
    if (first === undefined) {
      this.instructions.push(instruction);
    } else {
      this.pending = [];
      if (instruction.label !== undefined) others.push(instruction.label);
      this.instructions.push({ ...instruction, label: first });
      for (const alias of others) this.aliases.set(alias, first);
    }
    this.slots += slots(instruction);
    if (instruction.reference?.kind === 'label') this.branches++;
  }

  /** Labels that name the same place as another one. */
  private readonly aliases = new Map<string, string>();

  private resolve(label: string): string {
    let name = label;
    for (let next = this.aliases.get(name); next !== undefined; next = this.aliases.get(name)) name = next;
    return name;
  }

  /** The instructions that can be reached (the verifier refuses others), every jump pointing at its place's one label. */
  finish(): readonly Instruction[] {
    if (this.pending.length > 0) throw new Error(`label ${this.pending[0]} at the end of the code`);
    const resolved = this.instructions.map((instruction): Instruction => {
      const reference = instruction.reference;
      if (reference?.kind !== 'label') return instruction;
      return { ...instruction, reference: { kind: 'label', name: this.resolve(reference.name) } };
    });
    return dropUnreachable(resolved);
  }
}

const JA = CLASS.JMP | JMP_OP.ja;
const EXIT = CLASS.JMP | JMP_OP.exit;

function dropUnreachable(instructions: readonly Instruction[]): readonly Instruction[] {
  const places = new Map<string, number>();
  instructions.forEach((instruction, index) => {
    if (instruction.label !== undefined) places.set(instruction.label, index);
  });
  const reached = new Uint8Array(instructions.length);
  const work = [0];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    while (at < instructions.length && reached[at] === 0) {
      reached[at] = 1;
      const { opcode, reference } = instructions[at];
      if (reference?.kind === 'label') {
        const target = places.get(reference.name);
        if (target === undefined) throw new Error(`jump to unknown label ${reference.name}`);
        if (reached[target] === 0) work.push(target);
      }
      if (opcode === JA || opcode === EXIT) break;
      at++;
    }
  }
  return instructions.filter((_, index) => reached[index] === 1);
}
