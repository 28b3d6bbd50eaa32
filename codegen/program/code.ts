import type { Instruction, Reference, SourceLine } from '../bytecode/instruction.js';
import { CLASS, JMP_OP, slots } from '../bytecode/instruction.js';

/**
 * Collects the instructions of one function: labels, the current source line, and sizes as it grows. Labels and lines
 * stand beside the instructions and are joined to them once, at the end.
 */
export class Code {
  private readonly instructions: Instruction[] = [];
  private readonly names: (string | undefined)[] = [];
  private readonly lines: (SourceLine | undefined)[] = [];
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
    if (this.instructions.length === 0 || this.pending.length > 0) return;
    const { opcode, reference } = this.instructions[this.instructions.length - 1];
    if (opcode !== JA || reference?.kind !== 'label' || reference.name !== label) return;
    this.instructions.pop();
    this.lines.pop();
    this.slots -= 1;
    this.branches -= 1;
    const name = this.names.pop();
    if (name !== undefined) this.pending.push(name);
  }

  /** Source line of the instructions that follow. */
  at(line: SourceLine | undefined): void {
    this.line = line;
  }

  emit(...instructions: readonly Instruction[]): void {
    for (const instruction of instructions) {
      this.push(instruction, instruction.label, instruction.line ?? this.line);
    }
  }

  /** Takes over a block whose labels were drawn from the same counter; its lines are kept. */
  append(block: Code): void {
    for (const [alias, label] of block.aliases ?? []) this.setAlias(alias, label);
    const { instructions, names, lines } = block;
    for (let i = 0; i < instructions.length; i++) this.push(instructions[i], names[i], lines[i]);
    this.pending.push(...block.pending);
  }

  private push(instruction: Instruction, label: string | undefined, line: SourceLine | undefined): void {
    this.instructions.push(instruction);
    this.names.push(this.pending.length === 0 ? label : this.oneName(label));
    this.lines.push(line);
    this.slots += slots(instruction);
    if (instruction.reference?.kind === 'label') this.branches++;
  }

  /** The name that is kept of a place's; the others become its aliases. */
  private oneName(label: string | undefined): string {
    const names = this.pending;
    if (label !== undefined) names.push(label);
    this.pending = [];
    if (names.length === 1) return names[0];
    // A name that somebody chose says more in a listing than a numbered one.
    const kept = names.find((name) => !NUMBERED.test(name)) ?? names[0];
    for (const alias of names) if (alias !== kept) this.setAlias(alias, kept);
    return kept;
  }

  /** Labels that name the same place as another one. */
  private aliases: Map<string, string> | undefined;

  private setAlias(alias: string, label: string): void {
    this.aliases ??= new Map<string, string>();
    this.aliases.set(alias, label);
  }

  private resolve(label: string): string {
    const { aliases } = this;
    if (aliases === undefined) return label;
    let name = label;
    for (let next = aliases.get(name); next !== undefined; next = aliases.get(name)) name = next;
    return name;
  }

  /** The instructions that can be reached (the verifier refuses others), every jump pointing at its place's one label. */
  finish(): readonly Instruction[] {
    if (this.pending.length > 0) throw new Error(`label ${this.pending[0]} at the end of the code`);
    const reached = this.reach();
    const out: Instruction[] = [];
    for (let i = 0; i < reached.length; i++) {
      if (reached[i] === 1) out.push(this.join(this.instructions[i], this.names[i], this.lines[i]));
    }
    return out;
  }

  private join(instruction: Instruction, label: string | undefined, line: SourceLine | undefined): Instruction {
    const reference = this.resolved(instruction.reference);
    if (label === undefined && line === instruction.line && reference === instruction.reference) return instruction;
    const { opcode, dst, src, offset, imm } = instruction;
    // Most have a line and no label; spelled out, because a large program has hundreds of thousands.
    if (line !== undefined && label === undefined) {
      return reference === undefined
        ? { opcode, dst, src, offset, imm, line }
        : { opcode, dst, src, offset, imm, reference, line };
    }
    return {
      opcode,
      dst,
      src,
      offset,
      imm,
      ...(reference === undefined ? {} : { reference }),
      ...(label === undefined ? {} : { label }),
      ...(line === undefined ? {} : { line }),
    };
  }

  private resolved(reference: Reference | undefined): Reference | undefined {
    if (reference?.kind !== 'label') return reference;
    const name = this.resolve(reference.name);
    return name === reference.name ? reference : { kind: 'label', name };
  }

  /** 1 for each step that control can come to. */
  private reach(): Uint8Array {
    const { instructions } = this;
    const places = new Map<string, number>();
    this.names.forEach((label, index) => {
      if (label !== undefined) places.set(label, index);
    });
    const reached = new Uint8Array(instructions.length);
    const work = [0];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      while (at < instructions.length && reached[at] === 0) {
        reached[at] = 1;
        const { opcode, reference } = instructions[at];
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
