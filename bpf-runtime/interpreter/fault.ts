import type { SourceLine } from '../../codegen/bytecode/instruction.js';

/** What a program did that the kernel's verifier would not let it do, or that this machine does not know. */
export type FaultCode =
  /** Memory behind or before what the pointer points to. */
  | 'out-of-bounds'
  /** An address that points to nothing: a number, or NULL. */
  | 'not-a-pointer'
  /** A packet pointer from before a helper that may have moved the packet. */
  | 'stale-pointer'
  | 'read-only'
  /** A context field or stack slot read or written with a width or at an offset that is not its own. */
  | 'bad-width'
  /** A byte of the stack that nothing was stored to in this call. */
  | 'uninitialised'
  | 'unknown-helper'
  | 'unknown-kfunc'
  /** An argument that the verifier would refuse: no context, no map, no key in memory, a map of another type. */
  | 'bad-argument'
  | 'too-many-instructions'
  /** More than 8 frames. */
  | 'too-many-frames'
  | 'bad-instruction'
  /** The helper needs something from outside that the machine was not given. */
  | 'not-provided';

/** A fault and where the program was. */
export class BpfFault extends Error {
  constructor(
    readonly code: FaultCode,
    readonly detail: string,
    readonly functionName: string,
    /** Slot of 8 bytes, counted from the function's start, as {@link disassemble} numbers them. */
    readonly slot: number,
    /** The instruction as text. */
    readonly instruction: string,
    readonly line: SourceLine | undefined,
  ) {
    const source = line === undefined ? '' : `; line ${line.line}: ${line.text}`;
    super(`${code}: ${detail} (function ${functionName}, instruction ${slot}: ${instruction}${source})`);
    this.name = 'BpfFault';
  }
}

/** A fault before it is known which instruction it struck. */
export class Fault extends Error {
  constructor(
    readonly code: FaultCode,
    readonly detail: string,
  ) {
    super(detail);
  }
}

/** The spec cannot be run: found before the first instruction. */
export class LoadError extends Error {
  constructor(
    readonly code:
      | 'unknown-map'
      | 'unknown-function'
      | 'bad-jump'
      | 'bad-register'
      | 'bad-section'
      | 'bad-map'
      | 'bad-kernel-object',
    detail: string,
  ) {
    super(detail);
    this.name = 'LoadError';
  }
}
