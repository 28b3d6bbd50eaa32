import { assemble } from '../../codegen/bytecode/assemble.js';
import {
  addedTo,
  distanceBehind,
  frameBytes,
  isFrameAccess,
  lowered,
  takesFrame,
  type InlinedCall,
} from '../../codegen/bytecode/inline.js';
import {
  callFunction,
  CLASS,
  CLASS_MASK,
  exit,
  JMP_OP,
  OPERATION_MASK,
  slots,
  type Instruction,
} from '../../codegen/bytecode/instruction.js';
import { changedBy, isExit, KEPT, liveRegisters } from '../../codegen/bytecode/registers.js';
import type { FunctionSpec, ObjectSpec } from '../../codegen/object/spec.js';
import { accessBytes } from './state.js';

/** An object in which functions that stood where they were called are functions again. */
export interface Outlined {
  readonly spec: ObjectSpec;
  /** By name, of functions that now call others: bytes of the stack that are their own. What lies below is that of those they call. */
  readonly frames: ReadonlyMap<string, number>;
}

/**
 * The same program, with calls in the place of the code that its symbols name, so that functions are looked at one by one. The symbols are
 * hints. Code does what a call of a function would do if control comes to it by its first instruction alone and leaves it for the place
 * behind it alone; if it reads no registers but those of arguments; if behind it nothing is read that a call would have kept and it
 * has changed; and if its part of the stack lies below that of the code around it. All of this is seen at the instructions, each of
 * which is looked at; where one of them does not hold, the code stays as it is. That neither reaches into the other's part of the stack by an address that is
 * worked out is left to who runs the code, who gets `frames` for it.
 */
export function outlined(spec: ObjectSpec): Outlined {
  const { entries, functions } = spec.program;
  const outliner = new Outliner(new Set([...entries, ...functions].map(({ name }) => name)));
  const program = {
    ...spec.program,
    entries: entries.map((entry) => outliner.outline(entry)),
    functions: functions.map((one) => outliner.outline(one)),
  };
  const all = [...program.functions, ...outliner.functions];
  return { spec: { ...spec, program: { ...program, functions: all } }, frames: outliner.frames };
}

/** A function's instructions, with labels where jumps lead. */
type Whole = readonly Instruction[];

interface Piece {
  readonly code: Whole;
  /** Bytes of the stack that are its own, where it calls what stood in it. */
  readonly frame?: number;
}

class Outliner {
  readonly functions: FunctionSpec[] = [];
  readonly frames = new Map<string, number>();
  /** Names of functions by what they do: code that stands at several places was one function. */
  private readonly known = new Map<string, string>();

  constructor(private readonly names: Set<string>) {}

  outline<T extends FunctionSpec>(fn: T): T {
    const { inlined = [], ...rest } = fn;
    if (inlined.length === 0) return fn;
    const whole = labelled(fn.instructions);
    const { code, frame } = this.codeOf({ name: fn.name, from: 0, to: whole.length }, inlined, whole, 0);
    if (frame !== undefined) this.frames.set(fn.name, frame);
    return { ...(rest as T), instructions: assemble(fn.name, code) };
  }

  /**
   * The code of a function, or of one that stands in it and whose frame begins `base` bytes below the whole function's. `inner`: what
   * stands in it.
   */
  private codeOf(own: InlinedCall, inner: readonly InlinedCall[], whole: Whole, base: number): Piece {
    const children = inner
      .filter((one) => !inner.some((other) => other !== one && contains(other, one)))
      .sort((a, b) => a.from - b.from);
    const plain = { code: [...whole.slice(own.from, own.to), ...leaving(own, whole)] };
    if (children.length === 0 || !areApart(children, own)) return plain;
    const { instructions, calls } = withCalls(own, children, whole);
    const frame = frameBytes(instructions);
    if (frame === undefined) return plain;
    const live = liveRegisters(instructions);
    const names = new Map<number, string>();
    for (const [index, child] of children.entries()) {
      const changed = whole.slice(child.from, child.to).reduce((all, one) => all | changedBy(one), 0);
      if ((live[calls[index] + 1] & changed & KEPT) !== 0) return plain;
      const name = this.functionFor(child, inner, whole, frame);
      if (name === undefined) return plain;
      names.set(calls[index], name);
    }
    const code = instructions.map((instruction, at): Instruction => {
      const name = names.get(at);
      return name === undefined ? instruction : { ...instruction, reference: { kind: 'function', name } };
    });
    return { code, frame: frame - base };
  }

  /** Name of the function that does what the code does; undefined where it is not seen to be one. */
  private functionFor(
    child: InlinedCall,
    inner: readonly InlinedCall[],
    whole: Whole,
    frame: number,
  ): string | undefined {
    if (!isEnteredAndLeftAsFunction(child, whole)) return undefined;
    const { code, frame: own } = this.codeOf(
      child,
      inner.filter((one) => one !== child && contains(child, one)),
      whole,
      frame,
    );
    const [live] = liveRegisters(code);
    if ((live & ~(ARGUMENTS | FRAME)) !== 0) return undefined;
    const raised = raisedBy(code, frame);
    if (raised === undefined) return undefined;
    const instructions = assemble(child.name, raised);
    const key = JSON.stringify([child.name, instructions], (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const name = this.freeName(child.name);
    this.known.set(key, name);
    if (own !== undefined) this.frames.set(name, own);
    const count = Math.max(0, 31 - Math.clz32(live & ARGUMENTS));
    const params = Array.from({ length: count }, (_, i) => ({ name: `r${i + 1}`, type: { kind: 'int' } as const }));
    this.functions.push({ name, linkage: 'static', params, instructions });
    return name;
  }

  private freeName(name: string): string {
    let free = name;
    for (let number = 1; this.names.has(free); number++) free = `${number}_${name}`;
    this.names.add(free);
    return free;
  }
}

const ARGUMENTS = 0b11_1110;
const FRAME = 1 << 10;

const contains = (a: InlinedCall, b: InlinedCall): boolean => a.from <= b.from && b.to <= a.to;

/** Whether each begins behind the one before it, and all lie inside. */
function areApart(children: readonly InlinedCall[], own: InlinedCall): boolean {
  let end = own.from;
  for (const { from, to } of children) {
    if (from < end || to <= from) return false;
    end = to;
  }
  return end <= own.to;
}

const placeName = (at: number): string => `at_${at}`;

/** With labels at the places that jumps lead to. A jump to no instruction keeps its offset, as a long one does. */
function labelled(instructions: readonly Instruction[]): Whole {
  const places = new Map<number, number>();
  let slot = 0;
  instructions.forEach((instruction, at) => {
    places.set(slot, at);
    slot += slots(instruction);
  });
  const targets = new Set<number>();
  slot = 0;
  const jumps = instructions.map((instruction) => {
    slot += slots(instruction);
    const target = isJump(instruction) ? places.get(slot + instruction.offset) : undefined;
    if (target === undefined) return instruction;
    targets.add(target);
    return { ...instruction, offset: 0, reference: { kind: 'label', name: placeName(target) } as const };
  });
  return jumps.map((instruction, at) => (targets.has(at) ? { ...instruction, label: placeName(at) } : instruction));
}

/** A jump of either width, but for calls, `exit` and `gotol`. */
function isJump({ opcode }: Instruction): boolean {
  const kind = opcode & CLASS_MASK;
  const operation = opcode & OPERATION_MASK;
  if (kind === CLASS.JMP32) return operation !== JMP_OP.ja;
  return kind === CLASS.JMP && operation !== JMP_OP.call && operation !== JMP_OP.exit;
}

/** Behind the code of one that stands in another function there is an `exit`, where its jumps to the place behind it lead. */
function leaving({ to }: InlinedCall, whole: Whole): readonly Instruction[] {
  return to === whole.length ? [] : [{ ...exit(), label: placeName(to) }];
}

/** The code with calls in the place of its children, and where these are. */
function withCalls(
  own: InlinedCall,
  children: readonly InlinedCall[],
  whole: Whole,
): { readonly instructions: Whole; readonly calls: readonly number[] } {
  const instructions: Instruction[] = [];
  const calls: number[] = [];
  let from = own.from;
  for (const child of children) {
    instructions.push(...whole.slice(from, child.from));
    // Before it stand its arguments, which belong to the same line.
    const line = child.from > own.from ? whole[child.from - 1].line : undefined;
    const call = callFunction(child.name);
    calls.push(instructions.push(line === undefined ? call : { ...call, line }) - 1);
    from = child.to;
  }
  instructions.push(...whole.slice(from, own.to), ...leaving(own, whole));
  return { instructions, calls };
}

/** Whether jumps from outside lead to none of its instructions, those from inside to it or to the place behind it, and none ends the whole. */
function isEnteredAndLeftAsFunction({ from, to }: InlinedCall, whole: Whole): boolean {
  const inside = new Set<string>();
  for (let at = from; at < to; at++) inside.add(placeName(at));
  return whole.every((instruction, at) => {
    const { reference, opcode } = instruction;
    const target = reference?.kind === 'label' ? reference.name : undefined;
    if (isOtherJump(instruction)) return false;
    if (at < from || at >= to) return target === undefined || !inside.has(target);
    if (isExit(opcode)) return false;
    return target === undefined || inside.has(target) || target === placeName(to);
  });
}

/** A jump whose place is not known by a label: where code makes room for a call, it would lead to another place. */
function isOtherJump(instruction: Instruction): boolean {
  const { opcode } = instruction;
  const isLong = (opcode & CLASS_MASK) === CLASS.JMP32 && (opcode & OPERATION_MASK) === JMP_OP.ja;
  return isLong || (isJump(instruction) && instruction.reference === undefined);
}

/** The code as if its frame began so many bytes higher; undefined where it is seen to reach above its part of the stack, or not seen where. */
function raisedBy(code: Whole, bytes: number): Whole | undefined {
  if (frameBytes(code) === undefined) return undefined;
  const out: Instruction[] = [];
  for (const [at, instruction] of code.entries()) {
    const before = at > 0 ? code[at - 1] : undefined;
    if (isFrameAccess(instruction)) {
      if (instruction.offset + accessBytes(instruction.opcode) > -bytes) return undefined;
      out.push(lowered(instruction, -bytes));
    } else if (before !== undefined && takesFrame(before)) {
      const isLoad = addedTo(instruction, before.dst) === undefined;
      const end = (distanceBehind(instruction, before.dst) ?? 0) + (isLoad ? accessBytes(instruction.opcode) : 0);
      if (end > -bytes) return undefined;
      out.push(lowered(instruction, -bytes));
    } else {
      out.push(instruction);
    }
  }
  return out;
}
