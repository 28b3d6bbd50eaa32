/** An instruction with its operands found: what a step is built from. */
export interface Operands {
  /** Register. */
  readonly dst: number;
  /** Register, or the constant that stands for an immediate. */
  readonly src: number;
  readonly offset: number;
  readonly imm: number;
  /** Index of the instruction behind. */
  readonly next: number;
  /** Index of the instruction that a jump or local call goes to. */
  readonly target: number;
}
