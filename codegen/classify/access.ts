/** How a program finds the number of a dimension: `(word at offset >> shift) & mask`. */
export interface Access {
  /** Byte offset of a 32-bit word. */
  readonly offset: number;
  readonly shift: number;
  readonly mask: number;
}
