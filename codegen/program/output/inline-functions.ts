import {
  addedTo,
  frameBytes,
  inlineCalls,
  isFrameAccess,
  type CallSite,
  type InlinedCode,
} from '../../bytecode/inline.js';
import { slots, type Instruction } from '../../bytecode/instruction.js';
import type { FunctionCode } from '../function-code.js';

/** Calls of one function whose code stands there: the verifier follows each of them. */
const MOST_COPIES = 4;
/** Slots of functions whose code stands where they are called, of those with several calls, and of those with one. */
const MOST_SLOTS = 1_800;
const MOST_SLOTS_ONCE = 6_000;
/** Bytes of stack of all frames together, and what those of one are a multiple of (kernel/bpf/verifier.c check_max_stack_depth). */
const MAX_STACK = 512;
const STACK_UNIT = 32;

type Inlined = FunctionCode & InlinedCode;

/** Functions that call one another, and the bytes of their frames together. */
interface Nest {
  readonly bytes: number;
  readonly names: readonly string[];
}

/**
 * Functions with the code of small ones in the place of their calls: to call and return takes as long as some twenty comparisons where the
 * kernel guards its returns (Documentation/admin-guide/hw-vuln/srso.rst). What nobody calls any more is left out; `entries` are kept, and
 * what `others` call. Where the frames of all that call one another would be more than the stack holds, calls stay: a frame is kept
 * for all that stands in a function, whatever is called next.
 */
export function withInlined(
  functions: readonly FunctionCode[],
  entries: ReadonlySet<string>,
  others: readonly FunctionCode[],
): readonly Inlined[] {
  const calling = new Set<string>();
  for (;;) {
    const inliner = new Inliner(functions, calling);
    const all = functions.map((one) => ({ ...one, ...inliner.codeOf(one.name) }));
    const called = new Set([...all, ...others].flatMap(({ instructions }) => calledBy(instructions)));
    const used = all.filter(({ name }) => called.has(name) || entries.has(name));
    const { bytes, names } = deepest([...used, ...others.map((one) => ({ ...one, inlined: [] }))]);
    const next = names.find(
      (name) => !calling.has(name) && used.some((one) => one.name === name && one.inlined.length > 0),
    );
    if (bytes <= MAX_STACK || next === undefined) return used;
    calling.add(next);
  }
}

/** The functions that call one another with the largest frames together, the inmost one first. */
function deepest(functions: readonly Inlined[]): Nest {
  const code = new Map(functions.map((one) => [one.name, one]));
  const known = new Map<string, Nest>();
  const below = (name: string): Nest => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const instructions = code.get(name)?.instructions ?? [];
    const frame = STACK_UNIT * Math.max(1, Math.ceil(mostBytes(instructions) / STACK_UNIT));
    let most: Nest = { bytes: 0, names: [] };
    for (const one of new Set(calledBy(instructions))) if (below(one).bytes > most.bytes) most = below(one);
    const whole = { bytes: frame + most.bytes, names: [...most.names, name] };
    known.set(name, whole);
    return whole;
  };
  return functions
    .map(({ name }) => below(name))
    .reduce((a, b) => (b.bytes > a.bytes ? b : a), { bytes: 0, names: [] });
}

/** Bytes of a function's frame, at most: every number below 0 that is added to a register may be a place of it. */
function mostBytes(instructions: readonly Instruction[]): number {
  const added = instructions.map((instruction) => addedTo(instruction, instruction.dst) ?? 0);
  return frameBytes(instructions) ?? Math.min(MAX_STACK, -Math.min(...added, ...instructions.map(frameOffset)));
}

const frameOffset = (instruction: Instruction): number => (isFrameAccess(instruction) ? instruction.offset : 0);

class Inliner {
  private readonly code: ReadonlyMap<string, FunctionCode>;
  private readonly calls = new Map<string, number>();
  private readonly done = new Map<string, InlinedCode>();

  /** `calling`: functions that keep their calls. */
  constructor(
    functions: readonly FunctionCode[],
    private readonly calling: ReadonlySet<string>,
  ) {
    this.code = new Map(functions.map((one) => [one.name, one]));
    for (const { instructions } of functions)
      for (const name of calledBy(instructions)) this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  codeOf(name: string): InlinedCode {
    let code = this.done.get(name);
    if (code === undefined) this.done.set(name, (code = this.inline(name)));
    return code;
  }

  private inline(name: string): InlinedCode {
    const instructions = this.code.get(name)?.instructions ?? [];
    const plain = { instructions, inlined: [] };
    if (this.calling.has(name)) return plain;
    const sites = instructions.flatMap((instruction, at): CallSite[] => {
      const callee = calledAt(instruction);
      if (callee === undefined || this.code.get(callee)?.inline !== true) return [];
      const code = this.codeOf(callee);
      return this.standsWhereCalled(callee, code) ? [{ at, name: callee, callee: code }] : [];
    });
    return sites.length === 0 ? plain : (inlineCalls(instructions, sites) ?? plain);
  }

  private standsWhereCalled(name: string, { instructions }: InlinedCode): boolean {
    const calls = this.calls.get(name) ?? 0;
    if (calls > MOST_COPIES) return false;
    const most = calls === 1 ? MOST_SLOTS_ONCE : MOST_SLOTS;
    return instructions.reduce((sum, instruction) => sum + slots(instruction), 0) <= most;
  }
}

function calledAt({ reference }: Instruction): string | undefined {
  return reference?.kind === 'function' ? reference.name : undefined;
}

const calledBy = (instructions: readonly Instruction[]): readonly string[] =>
  instructions.flatMap((instruction) => calledAt(instruction) ?? []);
