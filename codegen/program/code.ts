import type { Instruction, SourceLine } from '../bytecode/instruction.js';
import { CLASS, JMP_OP, slots } from '../bytecode/instruction.js';

/** An instruction on its way: label and line are joined to it once, at the end. */
interface Step {
  readonly instruction: Instruction;
  label: string | undefined;
  readonly line: SourceLine | undefined;
}

/** Collects the instructions of one function: labels, the current source line, and sizes as it grows. */
export class Code {
  private readonly steps: Step[] = [];
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
    const last = this.steps[this.steps.length - 1];
    if (last === undefined || last.instruction.opcode !== JA || this.pending.length > 0) return;
    const { reference } = last.instruction;
    if (reference?.kind !== 'label' || reference.name !== label) return;
    this.steps.pop();
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
      this.push({ instruction, label: instruction.label, line: instruction.line ?? this.line });
    }
  }

  /** Takes over a block whose labels were drawn from the same counter; its lines are kept. */
  append(block: Code): void {
    for (const [alias, label] of block.aliases) this.aliases.set(alias, label);
    for (const step of block.steps) this.push(step);
    this.pending.push(...block.pending);
  }

  private push(step: Step): void {
    if (this.pending.length > 0) {
      const names = step.label === undefined ? this.pending : [...this.pending, step.label];
      this.pending = [];
      // A name that somebody chose says more in a listing than a numbered one.
      const kept = names.find((name) => !NUMBERED.test(name)) ?? names[0];
      step.label = kept;
      for (const alias of names) if (alias !== kept) this.aliases.set(alias, kept);
    }
    this.steps.push(step);
    this.slots += slots(step.instruction);
    if (step.instruction.reference?.kind === 'label') this.branches++;
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
    const reached = this.reach();
    return this.steps.filter((_, index) => reached[index] === 1).map((step) => this.join(step));
  }

  private join({ instruction, label, line }: Step): Instruction {
    const { reference } = instruction;
    if (label === undefined && line === instruction.line && reference?.kind !== 'label') return instruction;
    const { opcode, dst, src, offset, imm } = instruction;
    const joined: { -readonly [K in keyof Instruction]: Instruction[K] } = { opcode, dst, src, offset, imm };
    if (reference?.kind === 'label') joined.reference = { kind: 'label', name: this.resolve(reference.name) };
    else if (reference !== undefined) joined.reference = reference;
    if (label !== undefined) joined.label = label;
    if (line !== undefined) joined.line = line;
    return joined;
  }

  /** 1 for each step that control can come to. */
  private reach(): Uint8Array {
    const { steps } = this;
    const places = new Map<string, number>();
    steps.forEach(({ label }, index) => {
      if (label !== undefined) places.set(label, index);
    });
    const reached = new Uint8Array(steps.length);
    const work = [0];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      while (at < steps.length && reached[at] === 0) {
        reached[at] = 1;
        const { opcode, reference } = steps[at].instruction;
        if (reference?.kind === 'label') {
          const target = places.get(this.resolve(reference.name));
          if (target === undefined) throw new Error(`jump to unknown label ${reference.name}`);
          if (reached[target] === 0) work.push(target);
        }
        if (opcode === JA || opcode === EXIT) break;
        at++;
      }
    }
    return reached;
  }
}

/** What {@link Code.label} gives. */
const NUMBERED = /_\d+$/;
const JA = CLASS.JMP | JMP_OP.ja;
const EXIT = CLASS.JMP | JMP_OP.exit;
