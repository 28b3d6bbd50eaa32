import {
  ALU_OP,
  CLASS,
  CLASS_MASK,
  JMP_OP,
  MODE_ATOMIC,
  MODE_MEM,
  OPERATION_MASK,
  SOURCE_X,
} from '../../codegen/bytecode/instruction.js';
import { findMember } from '../../codegen/object/kernel-struct.js';
import type { LinkedInstruction, PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { FALSE, type Ref } from './bdd.js';
import { compute } from './arithmetic.js';
import { comparison } from './compare.js';
import { memberRegion } from './kernel-region.js';
import type { Code } from './object-code.js';
import { accessBytes, bitsOf, Memory, requireAligned, State, type Log, storedPart } from './state.js';
import { Unprovable, unsupported } from './unprovable.js';
import { constant, pointer, unknown, word, type Pointer, type Region, type Value } from './value.js';
import { slice, swapBytes, type Words } from './words.js';
import type { World } from './world.js';

export interface Ran {
  /** Ways that came to the function's end; r0 is the result. */
  readonly exits: readonly State[];
  /** Ways that came to one of the places at which to stop, joined. */
  readonly stopped: ReadonlyMap<number, State>;
}

const MAX_STEPS = 20_000_000;
const MAX_DEPTH = 9;

/**
 * Runs eBPF on symbols (RFC 9669): all ways at once, joined where they meet. Instructions are taken in the order of
 * their places, so that a place is left only when all ways to it have come, and loops run until no way is left in them.
 */
export class Executor {
  private steps = 0;

  constructor(
    readonly code: Code,
    readonly words: Words,
    private readonly world: World,
  ) {}

  /** A state at the start of a function. */
  start(placed: PlacedFunction, condition: Ref, args: readonly Value[], log: Log = new Map()): State {
    const registers: (Value | undefined)[] = new Array<Value | undefined>(11).fill(undefined);
    args.forEach((value, index) => (registers[index + 1] = value));
    registers[10] = pointer(this.newStack(placed));
    return new State(condition, registers, Memory.empty(), log);
  }

  private newStack(placed: PlacedFunction): Region {
    return { kind: 'stack', name: 'stack', bytes: this.code.frameBytesOf(placed) };
  }

  /**
   * Runs a function from instruction `from` on, and ends ways that come to one of `stops`, or to a place where all that
   * comes there is `over`.
   */
  run(
    placed: PlacedFunction,
    from: number,
    state: State,
    stops: ReadonlySet<number> = NOWHERE,
    depth = 0,
    over?: (state: State) => boolean,
  ): Ran {
    if (depth >= MAX_DEPTH) throw unsupported('calls deeper than the kernel allows');
    const live = this.code.liveOf(placed);
    const pending = new Pending();
    const exits: State[] = [];
    const stopped = new Map<number, State>();
    const arrive = (at: number, arriving: State): void => {
      if (arriving.condition === FALSE) return;
      if (at < placed.start || at >= placed.end) throw unsupported('a jump out of a function');
      const waiting = stops.has(at) ? stopped : pending.states;
      const known = waiting.get(at);
      if (known !== undefined) {
        known.join(arriving, live[at - placed.start], this.words);
        return;
      }
      waiting.set(at, arriving);
      if (waiting === pending.states) pending.add(at);
    };
    // The place where a run begins may be one to stop at.
    pending.states.set(from, state);
    pending.add(from);
    for (let at = pending.take(); at !== undefined; at = pending.take()) {
      const here = pending.states.get(at);
      pending.states.delete(at);
      if (here === undefined) continue;
      if (over?.(here) === true) {
        stopped.set(at, here);
        continue;
      }
      if (++this.steps > MAX_STEPS) throw new Unprovable('too-complex', `more than ${MAX_STEPS} steps`);
      this.step(placed, at, here, arrive, exits, depth);
    }
    return { exits, stopped };
  }

  private step(
    placed: PlacedFunction,
    at: number,
    state: State,
    arrive: (at: number, state: State) => void,
    exits: State[],
    depth: number,
  ): void {
    const linked = this.code.instructions[at];
    const { instruction, operands } = linked;
    const { opcode } = instruction;
    const kind = opcode & CLASS_MASK;
    if (kind !== CLASS.JMP && kind !== CLASS.JMP32) {
      this.execute(linked, state);
      arrive(operands.next, state);
      return;
    }
    const operation = opcode & OPERATION_MASK;
    if (operation === JMP_OP.ja) {
      arrive(operands.target, state);
    } else if (kind === CLASS.JMP && operation === JMP_OP.exit) {
      exits.push(state);
    } else if (kind === CLASS.JMP && operation === JMP_OP.call) {
      const endings = this.world.detour?.(at, state);
      if (endings !== undefined) {
        for (const { at: end, when, clobbers } of endings) {
          const there = state.fork(this.words.bdd.and(state.condition, when));
          for (let i = 0; i < 10; i++) if ((clobbers & (1 << i)) !== 0) there.registers[i] = undefined;
          arrive(end, there);
        }
        return;
      }
      const after = this.call(linked, state, depth);
      if (after !== undefined) arrive(operands.next, after);
    } else {
      const taken = this.decide(linked, state);
      const { bdd } = this.words;
      const yes = bdd.and(state.condition, taken);
      const no =
        yes === state.condition ? FALSE : yes === FALSE ? state.condition : bdd.without(state.condition, taken);
      if (no === FALSE) {
        arrive(operands.target, state);
      } else if (yes === FALSE) {
        arrive(operands.next, state);
      } else {
        arrive(operands.target, this.refine(state.fork(yes), instruction.dst));
        state.condition = no;
        arrive(operands.next, this.refine(state, instruction.dst));
      }
    }
    void placed;
  }

  /** Behind a decision a number, or where a pointer points to, may be one alone of the few that ways had brought along. */
  private refine(state: State, tested: number): State {
    const { registers } = state;
    for (let i = 0; i < 10; i++) {
      const value = registers[i];
      const bits =
        value?.kind === 'pointer' ? value.index : i === tested && value?.kind === 'word' ? value.bits : undefined;
      if (value === undefined || bits === undefined || !isChoiceOfFew(bits)) continue;
      const number = this.words.constantWhere(state.condition, bits);
      if (number === undefined) continue;
      if (value.kind !== 'pointer') registers[i] = constant(number);
      else registers[i] = pointer(value.region, value.offset + Number(number), value.absent);
    }
    return state;
  }

  private decide({ instruction }: LinkedInstruction, state: State): Ref {
    const { opcode, dst } = instruction;
    const a = state.registers[dst];
    const b = this.operand(instruction, state);
    const unclear = [a, b].find((value) => value === undefined || value.kind === 'unknown');
    if (a === undefined || b === undefined || unclear !== undefined) {
      const why = unclear?.kind === 'unknown' ? unclear.why : 'a register that was not written';
      const either = this.world.undecided?.(why);
      if (either === undefined) throw unsupported(`a decision by ${why}`);
      return either;
    }
    const operation = opcode & OPERATION_MASK;
    const recognised = this.world.recognise?.(operation, a, b);
    return recognised ?? comparison(this.words, operation, (opcode & CLASS_MASK) === CLASS.JMP, a, b);
  }

  private operand({ opcode, src, imm, reference }: LinkedInstruction['instruction'], state: State): Value | undefined {
    if ((opcode & SOURCE_X) !== 0) return state.registers[src];
    if (reference?.kind === 'type-id') return unknown('the number of a type of the kernel');
    return constant(Number(imm));
  }

  private execute({ instruction, operands }: LinkedInstruction, state: State): void {
    const { opcode, dst, src, imm, reference } = instruction;
    const { registers } = state;
    const size = accessBytes(opcode);
    switch (opcode & CLASS_MASK) {
      case CLASS.LD:
        registers[dst] = this.wide(instruction);
        return;
      case CLASS.LDX: {
        if ((opcode & 0xe0) !== MODE_MEM) throw unsupported('a load with sign');
        registers[dst] = this.load(this.address(registers[src], operands.offset), size, state);
        return;
      }
      case CLASS.ST:
        if ((opcode & 0xe0) !== MODE_MEM) throw unsupported('a store of an unknown mode');
        this.store(this.address(registers[dst], operands.offset), size, truncated(constant(Number(imm)), size), state);
        return;
      case CLASS.STX:
        if ((opcode & 0xe0) === MODE_ATOMIC && this.world.atomic !== undefined) {
          this.world.atomic(this.address(registers[dst], operands.offset), size, Number(imm), state);
          return;
        }
        if ((opcode & 0xe0) !== MODE_MEM) throw unsupported('an atomic operation');
        this.store(
          this.address(registers[dst], operands.offset),
          size,
          storedPart(registers[src], size, this.words),
          state,
        );
        return;
      default: {
        const operation = opcode & OPERATION_MASK;
        const isWide = (opcode & CLASS_MASK) === CLASS.ALU64;
        if (operation === ALU_OP.end) {
          registers[dst] = this.byteOrder(registers[dst], Number(imm), (opcode & SOURCE_X) !== 0 || isWide);
          return;
        }
        if (instruction.offset !== 0) throw unsupported('a signed move or division');
        if (reference?.kind === 'field-offset') {
          if (reference.shift === true) throw unsupported('a bit field of the kernel');
          registers[dst] = this.member(registers[dst], operation, isWide, reference);
          return;
        }
        const b = operation === ALU_OP.neg ? constant(0) : this.operand(instruction, state);
        registers[dst] =
          b === undefined
            ? unknown('a register that was not written')
            : compute(this.words, operation, isWide, registers[dst], b);
      }
    }
  }

  private wide({ imm, src, reference }: LinkedInstruction['instruction']): Value {
    if (reference?.kind === 'map') return pointer({ kind: 'map', name: reference.name });
    if (reference?.kind === 'data') return pointer(this.data);
    if (src !== 0) throw unsupported('an address of an unknown kind');
    return constant(BigInt(imm));
  }

  private readonly data: Region = { kind: 'map', name: '.rodata' };

  /** The offset of a member is the running kernel's: the place is kept by its name. */
  private member(
    base: Value | undefined,
    operation: number,
    wide: boolean,
    { struct, member }: { readonly struct: string; readonly member: string },
  ): Value {
    const none = unknown('the offset of a member of a kernel struct');
    if (base === undefined || !wide || operation !== ALU_OP.add) return none;
    findMember(new Map(this.code.spec.kernelStructs.map((one) => [one.name, one])), struct, member);
    if (base.kind !== 'pointer') return this.world.member?.(base, struct, member) ?? none;
    if (base.region.kind !== 'kernel') return none;
    if (base.offset !== 0 || base.region.name !== struct) return unknown('a member of another struct');
    return { ...base, region: memberRegion(base.region, member) };
  }

  private byteOrder(value: Value | undefined, width: number, swap: boolean): Value {
    if (width !== 16 && width !== 32 && width !== 64) throw unsupported(`the order of ${width} bits`);
    const bits = value === undefined ? undefined : bitsOf(value, this.words);
    if (bits === undefined) return value?.kind === 'unknown' ? value : unknown('the bytes of a pointer');
    const cut = slice(bits, 0, width);
    return word(swap ? swapBytes(cut, width / 8) : cut);
  }

  private address(base: Value | undefined, offset: number): Pointer {
    if (base === undefined) throw unsupported('an address in a register that was not written');
    if (base.kind === 'unknown') throw unsupported(`an address that is ${base.why}`);
    if (base.kind !== 'pointer') throw unsupported('an address that is a number');
    return { ...base, offset: base.offset + offset };
  }

  private load(from: Pointer, size: number, state: State): Value {
    const { kind } = from.region;
    if (from.absent !== FALSE && this.world.readsNull?.(from.region) === true) {
      const bits = bitsOf(this.world.load({ ...from, absent: FALSE }, size, state), this.words);
      if (bits === undefined) throw unsupported('a pointer read through NULL');
      return word(this.words.choose(from.absent, [], bits));
    }
    this.checkPresent(from, state);
    if (kind === 'stack' || kind === 'flow') {
      if (from.index !== undefined) throw unsupported('memory at a place that is not constant');
      requireAligned(from.offset, size);
      return state.memory.load(from.region, from.offset, size, this.words);
    }
    return this.world.load(from, size, state);
  }

  private store(to: Pointer, size: number, value: Value, state: State): void {
    this.checkPresent(to, state);
    const { kind } = to.region;
    if (kind === 'stack' || kind === 'flow') {
      if (to.index !== undefined) throw unsupported('memory at a place that is not constant');
      requireAligned(to.offset, size);
      if (kind === 'flow' && (to.offset < 0 || to.offset + size > (to.region.bytes ?? 0))) {
        state.note('fault: a write beyond struct flow', state.condition, this.words);
      }
      state.memory.store(to.region, to.offset, size, value);
      return;
    }
    this.world.store(to, size, value, state);
  }

  private checkPresent({ absent }: Pointer, state: State): void {
    const fault = this.words.bdd.and(state.condition, absent);
    if (fault !== FALSE) state.note('fault: access to NULL', fault, this.words);
  }

  /** The state behind a call; undefined where no way comes back. */
  private call({ instruction, operands }: LinkedInstruction, state: State, depth: number): State | undefined {
    const { reference, src, imm } = instruction;
    if (operands.target < 0) {
      const result =
        reference?.kind === 'kfunc' ? this.world.kfunc(reference.name, state) : this.helper(src, Number(imm), state);
      return returned(state, result);
    }
    const placed = this.code.functionAt(operands.target);
    const result = this.world.call(placed, state);
    if (result !== undefined) return returned(state, result);
    return this.follow(placed, state, depth);
  }

  private helper(src: number, number: number, state: State): Value {
    if (src !== 0) throw unsupported('a kernel function without its name');
    return this.world.helper(number, state);
  }

  private follow(placed: PlacedFunction, state: State, depth: number): State | undefined {
    const saved = state.registers.slice(6, 11);
    const stack = this.newStack(placed);
    const inside = state.fork(state.condition);
    inside.registers.fill(undefined, 6);
    inside.registers[0] = undefined;
    inside.registers[10] = pointer(stack);
    const { exits } = this.run(placed, placed.start, inside, NOWHERE, depth + 1);
    let back: State | undefined;
    for (const exit of exits) {
      if (back === undefined) back = exit;
      else back.join(exit, 1, this.words);
    }
    if (back === undefined) return undefined;
    back.memory.drop(stack);
    saved.forEach((value, index) => back.registers.splice(6 + index, 1, value));
    back.registers.fill(undefined, 1, 6);
    return back;
  }
}

/** Ways that meet bring few different numbers along; bytes of the packet have as many functions as bits. */
const MOST_CHOICES = 3;

function isChoiceOfFew(bits: readonly Ref[]): boolean {
  const choices = new Set<Ref>();
  for (const bit of bits) if (bit > 1 && choices.add(bit).size > MOST_CHOICES) return false;
  return choices.size > 0;
}

const NOWHERE: ReadonlySet<number> = new Set();

function returned(state: State, result: Value): State {
  state.registers[0] = result;
  state.registers.fill(undefined, 1, 6);
  return state;
}

function truncated(value: Value, size: number): Value {
  return value.kind === 'word' ? word(slice(value.bits, 0, size * 8)) : value;
}

/** Places that ways wait at, the first one first. */
class Pending {
  readonly states = new Map<number, State>();
  /** Descending. */
  private readonly places: number[] = [];

  add(place: number): void {
    let at = this.places.length;
    while (at > 0 && this.places[at - 1] < place) at--;
    this.places.splice(at, 0, place);
  }

  take(): number | undefined {
    return this.places.pop();
  }
}
