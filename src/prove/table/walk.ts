import { FLOW_RULE } from '../../../codegen/program/flow.js';
import { LIMITS } from '../../../codegen/program/limit.js';
import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Memory, State } from '../state.js';
import { besideDiagrams, unsupported, type Unprovable } from '../unprovable.js';
import { constant, numberOf, pointer, type Value } from '../value.js';
import { asChosen, bitOf, testOf, type Chosen } from './chosen.js';
import { Local } from './condition.js';
import { ALWAYS, NEVER, type Decision } from './decision.js';
import { decoded, type Decoded } from './decoded.js';
import { Marks } from './jumps.js';
import { PLACE, PLACE_BYTES } from './keeping.js';
import type { Finder } from './finder.js';
import { Looks, tell, type Taking } from './looks.js';
import { fork, returnTo, type Machine } from './machine.js';
import { PlaceNames } from './place-names.js';
import { Returns } from './returns.js';
import { Stacks } from './stacks.js';
import { beyondTable, Entries, type Case, type Step } from './step.js';
import { Tellings } from './tellings.js';
import { WalkArithmetic } from './walk-arithmetic.js';
import { WalkMemory } from './walk-memory.js';
import { mostPlaces, type WalkSettings } from './walk-settings.js';
import { behind, type Event } from './events.js';
import { concrete, constantOf, exactly, settled, type Place, type WalkValue } from './walk-value.js';

const MOST_STEPS = 30_000_000;

const remembering = (): Unprovable => besideDiagrams('a test with memory beside diagrams');

/**
 * Runs a function that reads tables, with the tables' words as they are and the packet as symbols. A place is an
 * instruction with all that the machine holds there; what the program does from there on is worked out once, whatever led
 * there. So the work grows with the table and not with the ways through it.
 */
export class Walk implements Finder {
  /** By number: what the program does there. */
  readonly places: Step[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly open: { readonly number: number; readonly machine: Machine }[] = [];
  private readonly marks: Marks;
  private readonly instructions: Decoded[] = [];
  private readonly returns: Returns;
  protected readonly names: PlaceNames;
  protected readonly arithmetic: WalkArithmetic;
  protected readonly stacks: Stacks;
  protected readonly memory: WalkMemory;
  /** Functions that are run as they are, whoever calls them. */
  private readonly followed = new Set<PlacedFunction>();
  private readonly mostPlaces: number;
  private steps = 0;
  private looks: Looks | undefined;
  /** Places where it is told what was found, or returned: it is known when all else is done, and what follows from each number so far. */
  private readonly waiting = new Tellings();
  /** Functions that return the place of a list's next hit. */
  private readonly advancing = new Set<PlacedFunction>();
  /** By number: places in lists that are kept. */
  readonly entries = new Entries();
  /** The flow as it is at the beginning. */
  private readonly beginning: Memory;

  constructor(protected readonly settings: WalkSettings) {
    const { code, words, flow } = settings;
    // What it says of a rule is changed wherever one is counted.
    const memory = settings.memory.fork();
    memory.forget(flow, FLOW_RULE, 4);
    this.beginning = memory;
    this.arithmetic = new WalkArithmetic(words);
    this.stacks = new Stacks(code);
    this.names = new PlaceNames(words, flow, memory, (frames, depth) => this.stacks.of(frames, depth));
    this.memory = new WalkMemory(settings);
    this.mostPlaces = mostPlaces(settings);
    this.marks = new Marks(code, settings.cuts);
    this.returns = new Returns(Local.withheld(words.bdd));
  }

  /** All places that the function comes to; the first one is where it begins. */
  run(placed: PlacedFunction, part: bigint): readonly Step[] {
    const { flow, context } = this.settings;
    const registers = new Array<WalkValue | undefined>(11).fill(undefined);
    registers[1] = pointer(flow);
    registers[2] = concrete(0);
    registers[3] = settled(constant(part));
    registers[4] = pointer(context);
    const { code, readsTables, words, taker, alone } = this.settings;
    const makers = {
      finder: () => this.finder(),
      taker: (target: PlacedFunction, slots: readonly number[]) => taker(this.settings, target, slots),
    };
    this.looks = new Looks(code, placed, flow, words, readsTables, makers, alone);
    this.begin(placed, registers);
    this.looks.finish();
    return this.places;
  }

  /** All places that it comes to from here on; the number of the first one. */
  begin(placed: PlacedFunction, registers: readonly (WalkValue | undefined)[]): number {
    const own = [...registers];
    const frames = [{ placed, back: -1, kept: [] }];
    own[10] = pointer(this.stacks.of(frames, 0));
    const memory = this.beginning.fork();
    // Whoever keeps a place begins with that of no list.
    memory.store(PLACE, -PLACE_BYTES, PLACE_BYTES, constant(0));
    const number = this.numberOf({ at: placed.start, registers: own, memory, frames });
    for (;;) {
      const next = this.open.pop();
      if (next !== undefined) this.places[next.number] = this.follow(next.machine, this.nothing(), true);
      else if (!this.waiting.more((machine) => this.follow(machine, this.nothing(), true))) return number;
    }
  }

  /** The place where a function begins that looks for the next hit of a list. */
  advance(placed: PlacedFunction, registers: readonly (WalkValue | undefined)[]): number {
    this.advancing.add(placed);
    return this.begin(placed, registers);
  }

  private finder(): Finder {
    return new Walk({ ...this.settings, finds: true });
  }

  private nothing(): Local {
    return Local.nothing(this.settings.words.bdd);
  }

  private placeOf(machine: Machine): Step {
    return { kind: 'place', number: this.numberOf(machine) };
  }

  /** `waits`: what is told there, by name, and what the place is then. */
  private numberOf(machine: Machine, waits?: { readonly name: string; readonly place: () => Step }): number {
    this.forgetDead(machine);
    const key = `${waits === undefined ? '' : `${waits.name}: `}${this.names.of(machine)}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.numbers.size;
      if (number >= this.mostPlaces)
        throw besideDiagrams('diagrams that are looked into one behind the other', 'too-complex');
      this.numbers.set(key, number);
      if (waits === undefined) this.open.push({ number, machine });
      else this.places[number] = waits.place();
    }
    return number;
  }

  /** A place where it is told what this look-up has found. */
  private toldAt(machine: Machine, of: string): Step {
    const place = (): Step => {
      const cases = new Map<bigint, Step>();
      const numbers = (): readonly bigint[] => this.looks?.findsOf(of) ?? [];
      this.waiting.add({ machine, find: (one, hit) => tell(one, of, hit), numbers, cases });
      return { kind: 'split', of, cases };
    };
    return { kind: 'place', number: this.numberOf(machine, { name: of, place }) };
  }

  /** A place where hits are taken; the machine is at the call. */
  private takingAt(machine: Machine, { of, sequence, codes }: Taking): Step {
    const place = (): Step => {
      const after = new Map<bigint, Step>();
      const find = (one: Machine, code: bigint): void => {
        one.at++;
        one.memory.forget(this.settings.flow, FLOW_RULE, 4);
        returnTo(one, exactly(code));
      };
      this.waiting.add({ machine, find, numbers: codes, cases: after });
      return { kind: 'next', of, sequence, after };
    };
    return { kind: 'place', number: this.numberOf(machine, { name: 'next', place }) };
  }

  protected forgetDead({ at, registers, frames }: Machine): void {
    const { placed } = frames[frames.length - 1];
    const live = this.settings.code.liveOf(placed)[at - placed.start];
    for (let i = 0; i < 10; i++) if ((live & (1 << i)) === 0) registers[i] = undefined;
  }

  /** What the machine does until it comes to a place. `begun`: it may be at one. */
  private follow(machine: Machine, local: Local, begun = false): Step {
    const events: Event[] = [];
    for (let first = begun; ; first = false) {
      if (!first && this.isPlace(machine)) return behind(events, this.placeOf(machine));
      if (++this.steps > MOST_STEPS) throw besideDiagrams(`more than ${MOST_STEPS} steps`, 'too-complex');
      const step = this.step(machine, local, events);
      if (step !== undefined) return behind(events, step);
    }
  }

  private isPlace({ at, frames }: Machine): boolean {
    return this.marks.isPlace(at, frames.length === 1 && this.settings.finds === undefined);
  }

  private decoded(at: number): Decoded {
    return (this.instructions[at] ??= decoded(this.settings.code.instructions[at]));
  }

  /** One instruction; a step where that ends the machine's way, or divides it. */
  protected step(machine: Machine, local: Local, events: Event[]): Step | undefined {
    const { at, frames } = machine;
    const { placed } = frames[frames.length - 1];
    if (at < placed.start || at >= placed.end) throw unsupported('a jump out of a function');
    const one = this.decoded(at);
    machine.at = one.next;
    return this.execute(one, machine, local, events);
  }

  protected execute(one: Decoded, machine: Machine, local: Local, events: Event[]): Step | undefined {
    const { registers } = machine;
    switch (one.kind) {
      case 'alu':
        registers[one.dst] = this.arithmetic.run(one, registers);
        return undefined;
      case 'load':
        return this.load(machine, one, local, events);
      case 'jump':
        return this.jump(one, machine, local);
      case 'goto':
        machine.at = one.target;
        return undefined;
      case 'order':
        registers[one.dst] = this.arithmetic.byteOrder(one, registers[one.dst]);
        return undefined;
      case 'wide':
        registers[one.dst] = one.own;
        return undefined;
      case 'store':
        this.memory.store(machine, one, local, events);
        return undefined;
      case 'exit':
        return this.leave(machine);
      case 'call':
        return this.call(one.linked, machine, local, events);
      case 'refused':
        throw unsupported(one.why);
    }
  }

  private jump(one: Decoded, machine: Machine, local: Local): Step | undefined {
    const a = machine.registers[one.dst];
    const b = one.own ?? machine.registers[one.src];
    if (a === undefined || b === undefined) throw unsupported('a decision by a register that was not written');
    const chosen = asChosen(a) ?? asChosen(b);
    if (chosen !== undefined) return this.asked(one, chosen, machine, local, a, b);
    const decision = this.arithmetic.decide(one.operation, one.wide, a, b);
    const mayFail = this.mayBe(decision.turned, local);
    if (!mayFail || !this.mayBe(decision, local)) {
      if (mayFail) return undefined;
      machine.at = one.target;
      return undefined;
    }
    const { taken, failed, yes, no, whole } = decision;
    const other = fork(machine);
    other.at = one.target;
    const cases: Case[] = [
      { when: taken, known: yes, refuted: whole.no ? no : [], then: this.follow(other, local.and(taken, yes)) },
      { when: failed, known: no, refuted: whole.yes ? yes : [], then: this.follow(machine, local.and(failed, no)) },
    ];
    return { kind: 'fork', jump: true, cases };
  }

  /** Whether a decision may be taken here; ways that no packet goes may be taken for such as some do. */
  private mayBe(decision: Decision, local: Local): boolean {
    if (decision === ALWAYS) return true;
    if (decision === NEVER) return false;
    const { yes, no, whole, taken } = decision;
    if (!this.settings.thorough) {
      if (whole.yes) return local.mayHold(yes);
      if (whole.no) return !local.holds(no);
    }
    return this.settings.words.bdd.meets(local.ref, taken.ref);
  }

  /** A jump by what was found: it is told apart here, or it is looked for something that is less. */
  protected asked(
    { operation, wide, target }: Decoded,
    { of }: Chosen,
    machine: Machine,
    local: Local,
    a: WalkValue,
    b: WalkValue,
  ): Step | undefined {
    const { finds } = this.settings;
    const test = testOf(operation, wide, a, b);
    const flag = wide ? bitOf(operation, a, b) : undefined;
    const at = machine.at - 1;
    const looksOn = finds !== undefined || this.looks?.looksOn(at) === true;
    if ((test === undefined && flag === undefined) || !looksOn) {
      if (finds !== undefined) throw unsupported('a decision by what a look-up was given');
      machine.at = at;
      return this.toldAt(machine, of);
    }
    const other = fork(machine);
    other.at = target;
    const [taken, not] = [this.follow(other, local), this.follow(machine, local)];
    if (flag !== undefined)
      return { kind: 'flag', of, bit: flag.bit, set: flag.set ? taken : not, clear: flag.set ? not : taken };
    if (test === undefined) throw unsupported('a decision by what a look-up was given');
    const { lo, hi, inverted } = test;
    return { kind: 'test', of, lo, hi, inside: inverted ? not : taken, outside: inverted ? taken : not };
  }

  private leave(machine: Machine): Step | undefined {
    const { frames, registers } = machine;
    const depth = frames.length - 1;
    const result = registers[0];
    if (depth === 0 && this.settings.finds !== undefined) {
      const value = result === undefined ? undefined : constantOf(result);
      if (this.advancing.has(frames[0].placed)) return { kind: 'stands', entry: this.entries.at(value) };
      if (value === undefined && asChosen(result)?.shift !== 0) throw unsupported('a look-up that returns no hit');
      const kept = numberOf(machine.memory.load(PLACE, -PLACE_BYTES, PLACE_BYTES, this.settings.words));
      return { kind: 'found', value, entry: kept === undefined ? undefined : this.entries.at(kept) };
    }
    if (depth === 0) {
      const code = result === undefined ? undefined : constantOf(result);
      if (code === undefined) throw unsupported('a verdict that is no number');
      return { kind: 'exit', code: Number(code) };
    }
    const frame = frames[depth];
    this.stacks.leave(machine);
    return this.returns.behind(frame, machine, (copy, local) => this.follow(copy, local));
  }

  protected call(
    { instruction, operands }: Decoded['linked'],
    machine: Machine,
    local: Local,
    events: Event[],
  ): Step | undefined {
    const { code, world } = this.settings;
    const { reference, src, imm } = instruction;
    if (operands.target < 0) {
      const [, map] = machine.registers;
      if (map?.kind === 'pointer' && map.region.kind === 'map' && map.region.name === LIMITS) throw remembering();
      const state = this.memory.outside(machine, local);
      if (reference?.kind !== 'kfunc' && src !== 0) throw unsupported('a kernel function without its name');
      const result =
        reference?.kind === 'kfunc' ? world.kfunc(reference.name, state) : world.helper(Number(imm), state);
      return this.returned(machine, state, result, events);
    }
    const placed = code.functionAt(operands.target);
    const look = this.looks?.call(placed, machine);
    if (look !== undefined) return { kind: 'look', ...look, then: this.placeOf(machine) };
    const taking = this.looks?.taking(placed, machine);
    if (taking !== undefined) {
      machine.at--;
      return this.takingAt(machine, taking);
    }
    const part = this.settings.chainPart(placed, this.memory.argumentsOf(machine));
    if (part !== undefined) {
      const after = new Map<number, Step>();
      for (const one of this.settings.codes) {
        const then = fork(machine);
        returnTo(then, concrete(one));
        after.set(one, this.follow(then, local));
      }
      return { kind: 'call', placed, part, after };
    }
    if (this.settings.remembers(placed)) throw remembering();
    if (!this.followed.has(placed)) {
      const state = this.memory.outside(machine, local);
      const result = world.call(placed, state);
      if (result !== undefined) return this.returned(machine, state, result, events);
      this.followed.add(placed);
    }
    this.stacks.enter(placed, machine);
    return undefined;
  }

  private returned(machine: Machine, state: State, result: Value, events: Event[]): undefined {
    for (const [name, when] of state.log) events.push({ name, when });
    returnTo(machine, settled(result));
  }

  private load(machine: Machine, one: Decoded, local: Local, events: Event[]): Step | undefined {
    const { registers } = machine;
    const base = registers[one.src];
    if (base?.kind === 'place') return this.lookUp(machine, one, base, local);
    const value = this.memory.load(machine, base, one.offset, one.size, local, events);
    if (value === undefined) return beyondTable;
    registers[one.dst] = value;
    return undefined;
  }

  /** A look-up by a number of the packet: a way for each word that may be found. */
  private lookUp(machine: Machine, { dst, offset, size }: Decoded, place: Place, local: Local): Step | undefined {
    const ways = this.memory.lookUp(place, offset, size, local);
    if (ways.length === 1 && ways[0].value >= 0) {
      machine.registers[dst] = concrete(ways[0].value);
      return undefined;
    }
    const cases = ways.map(({ value, when, known }): Case => {
      if (value < 0) return { when, known, refuted: [], then: beyondTable };
      const then = fork(machine);
      then.registers[dst] = concrete(value);
      return { when, known, refuted: [], then: this.follow(then, local.and(when, known)) };
    });
    return { kind: 'fork', jump: false, cases };
  }
}
