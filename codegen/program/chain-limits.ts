/** Frames of a call stack are 8 (include/linux/bpf_verifier.h MAX_CALL_FRAMES): entry, the hook's chain, and six below. */
export const MAX_HEIGHT = 6;
/**
 * Slots of one function: the kernel puts up to ten instructions in the place of a look-up (fixup_bpf_calls in kernel/bpf/verifier.c), and
 * with them a jump over the whole function must still be in the reach of 16 bits.
 */
export const MAX_FUNCTION_SLOTS = 14_000;
/** Pending jumps that the verifier keeps are 8192 (kernel/bpf/verifier.c BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
export const MAX_FUNCTION_BRANCHES = 6_000;
/** Functions of one program are 256 (BPF_MAX_SUBPROGS); beyond this many parts several share a function. */
export const MAX_SINGLE_PARTS = 200;
/** Functions that look up for which that leaves room. */
export const FEW_LOOKING_UP = 32;
/** Instructions of one program are 1,000,000 (BPF_COMPLEXITY_LIMIT_INSNS). */
export const MAX_PROGRAM_SLOTS = 900_000;
/** Bytes of stack of all frames together (MAX_BPF_STACK), and those of one chain function at most. */
const MAX_STACK = 512;
const CHAIN_STACK = 32;

/** A ruleset that would be more than the kernel takes. */
export class TooLargeError extends Error {}

/** What functions below the chain functions take. */
export interface BelowChains {
  /** Calls below the chain function. */
  readonly depth: number;
  /** Bytes of stack, with those of the entry function. */
  readonly stack: number;
  readonly functions: number;
}

/** How deep chain functions may call one another: the frames and the stack of the kernel's limits are shared. */
export function mostCalls(calls: BelowChains | undefined): number {
  if (calls === undefined) return MAX_HEIGHT;
  const frames = MAX_HEIGHT - calls.depth;
  return Math.max(0, Math.min(frames, Math.floor((MAX_STACK - calls.stack) / CHAIN_STACK) - 1));
}
