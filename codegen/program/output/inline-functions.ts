import { frameBytes, inlineCalls, type CallSite, type InlinedCode } from '../../bytecode/inline.js';
import { slots, type Instruction } from '../../bytecode/instruction.js';
import type { FunctionCode } from '../function-code.js';

/** Slots of functions whose code stands where they are called; a call of a longer one is little beside what it does. */
const MOST_SLOTS = 1_800;
/** Calls of one function whose code stands there; the verifier follows each of them. */
const MOST_COPIES = 4;
/** Bytes of stack of all frames together, and what those of one are a multiple of (kernel/bpf/verifier.c check_max_stack_depth). */
const MAX_STACK = 512;
const STACK_UNIT = 32;

/**
 * Functions with the code of small ones in the place of their calls: to call and return takes as long as some twenty comparisons where the
 * kernel guards its returns (Documentation/admin-guide/hw-vuln/srso.rst). What nobody calls any more is left out; `entries` are kept, and what
 * `others` call.
 */
export function withInlined(
  functions: readonly FunctionCode[],
  entries: ReadonlySet<string>,
  others: readonly FunctionCode[],
): readonly (FunctionCode & InlinedCode)[] {
  const inliner = new Inliner(functions);
  const all = functions.map((one) => ({ ...one, ...inliner.codeOf(one.name) }));
  const called = new Set([...all, ...others].flatMap(({ instructions }) => calledBy(instructions)));
  return all.filter(({ name }) => called.has(name) || entries.has(name));
}

class Inliner {
  private readonly code: ReadonlyMap<string, FunctionCode>;
  private readonly calls = new Map<string, number>();
  private readonly done = new Map<string, InlinedCode>();

  constructor(functions: readonly FunctionCode[]) {
    this.code = new Map(functions.map((one) => [one.name, one]));
    for (const { instructions } of functions)
      for (const name of calledBy(instructions)) this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  codeOf(name: string): InlinedCode {
    let code = this.done.get(name);
    if (code === undefined) this.done.set(name, (code = this.inline(this.code.get(name)?.instructions ?? [])));
    return code;
  }

  private inline(instructions: readonly Instruction[]): InlinedCode {
    const plain = { instructions, inlined: [] };
    const sites = instructions.flatMap((instruction, at): CallSite[] => {
      const name = calledAt(instruction);
      if (name === undefined || this.code.get(name)?.inline !== true) return [];
      const callee = this.codeOf(name);
      return this.standsWhereCalled(name, callee) ? [{ at, name, callee }] : [];
    });
    const code = sites.length === 0 ? undefined : inlineCalls(instructions, sites);
    return code !== undefined && this.stackOf(code.instructions) <= MAX_STACK ? code : plain;
  }

  private standsWhereCalled(name: string, { instructions }: InlinedCode): boolean {
    if ((this.calls.get(name) ?? 0) > MOST_COPIES) return false;
    return instructions.reduce((sum, instruction) => sum + slots(instruction), 0) <= MOST_SLOTS;
  }

  /** Bytes of stack of a function and of those that it calls. */
  private stackOf(instructions: readonly Instruction[]): number {
    const own = frameBytes(instructions) ?? MAX_STACK;
    const below = calledBy(instructions).map((name) => this.stackOf(this.codeOf(name).instructions));
    return STACK_UNIT * Math.ceil(Math.max(1, own) / STACK_UNIT) + Math.max(0, ...below);
  }
}

function calledAt({ reference }: Instruction): string | undefined {
  return reference?.kind === 'function' ? reference.name : undefined;
}

const calledBy = (instructions: readonly Instruction[]): readonly string[] =>
  instructions.flatMap((instruction) => calledAt(instruction) ?? []);
