import { JMP_OP, CLASS, CLASS_MASK, OPERATION_MASK } from '../../../codegen/bytecode/instruction.js';
import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Code } from '../object-code.js';
import { unsupported } from '../unprovable.js';
import { pointer, unknown, type Pointer, type Region } from '../value.js';
import type { Words } from '../words.js';
import { asChosen, found, told } from './chosen.js';
import type { Finder } from './finder.js';
import { Keeping, keptFrom, PLACE, PLACE_BYTES, type HitTaker } from './keeping.js';
import type { Machine } from './machine.js';
import type { Look, Site, Step } from './step.js';
import { constantOf, type WalkValue } from './walk-value.js';

/** What a finder is given, whatever it is: the least hit so far. */
export const GIVEN = 'the caller';

/** What walks functions by themselves. */
export interface Makers {
  finder(): Finder;
  taker(placed: PlacedFunction, slots: readonly number[]): HitTaker;
}

/** A call of a function that takes hits. */
export interface Taking {
  readonly of: string;
  readonly sequence: HitTaker;
  /** What it may return, so far. */
  readonly codes: () => readonly bigint[];
}

class OwnSite implements Site {
  readonly starts = new Set<number>();

  constructor(
    readonly at: number,
    readonly of: string,
    readonly places: readonly Step[],
    readonly keeping: Keeping | undefined,
  ) {}

  get sequence(): HitTaker | undefined {
    return this.keeping?.taker;
  }
}

/** Numbers from here on are taken for hits. It is only a hint: which argument is abstracted does not matter for what is proved. */
const LEAST_HIT = 1n << 32n;

/**
 * Calls of functions that look into diagrams, in a function that calls one from several places: each is walked by itself, for whatever
 * it is given, so that the work is the sum over the diagrams and not their product.
 */
export class Looks {
  private readonly sites = new Map<number, OwnSite>();
  private readonly finders = new Map<string, Finder>();
  private readonly keeping = new Map<string, Keeping>();
  private readonly callees: ReadonlySet<number>;
  private readonly closed = new Set<string>();
  /** Numbers that first look-ups are given. */
  private readonly given = new Map<string, Set<bigint>>();

  constructor(
    private readonly code: Code,
    private readonly placed: PlacedFunction,
    private readonly flow: Region,
    private readonly words: Words,
    private readonly readsTables: (placed: PlacedFunction) => boolean,
    private readonly make: Makers,
    /** Whether a function that keeps a place is walked by itself, too, if it is called from one place alone. */
    alone: boolean,
  ) {
    const callees = [...lookingUp(code, placed, readsTables)].filter(
      ([target, count]) => count > 1 || (alone && takes(code, target, 4)),
    );
    this.callees = new Set(callees.map(([{ start }]) => start));
  }

  /** What a call looks up; undefined where it is none that is walked by itself. The machine is then behind the call. */
  call(placed: PlacedFunction, machine: Machine): Look | undefined {
    const { frames, registers } = machine;
    if (frames.length !== 1 || !this.callees.has(placed.start)) return undefined;
    const live = this.code.liveOf(placed)[0];
    const own = new Array<WalkValue | undefined>(11).fill(undefined);
    const [, flow] = registers;
    if (flow?.kind !== 'pointer' || flow.region !== this.flow || flow.offset !== 0 || flow.index !== undefined)
      return undefined;
    own[1] = flow;
    let hit: WalkValue | undefined;
    let kept: Pointer | undefined;
    for (let register = 2; register <= 5; register++) {
      if ((live & (1 << register)) === 0) continue;
      const value = registers[register];
      if (value?.kind === 'pointer' && value.region.kind === 'stack' && value.index === undefined) {
        if (kept !== undefined) return undefined;
        kept = value;
        own[register] = pointer(PLACE, -PLACE_BYTES);
        continue;
      }
      const number = value === undefined ? undefined : constantOf(value);
      const isHit = number === undefined ? asChosen(value)?.shift === 0 : number >= LEAST_HIT;
      if (number === undefined && !isHit) return undefined;
      if (isHit && hit !== undefined) return undefined;
      if (isHit) hit = value;
      own[register] = isHit ? found(GIVEN) : value;
    }
    if (hit === undefined) return undefined;
    const at = machine.at - 1;
    const of = asChosen(hit)?.of ?? `the look-up ${kept === undefined ? `at ${at}` : `before ${this.behind(at)}`}`;
    if (this.closed.has(of)) return undefined;
    const finder = this.finderOf(kept === undefined ? `${placed.start}` : `${placed.start} ${of}`);
    const keeping = kept === undefined ? undefined : this.keepingOf(of);
    const site = this.sites.get(at) ?? new OwnSite(at, of, finder.places, keeping);
    // Who finds nothing leaves the place as it is.
    if (kept !== undefined && keeping?.isNothing(kept, machine) !== true) return undefined;
    if (site.of !== of || site.places !== finder.places || site.keeping !== keeping) return undefined;
    this.sites.set(at, site);
    if (kept !== undefined) keeping?.keep(kept, site, finder, machine);
    // What was found before is known no more: what the call returns has its name.
    for (let register = 6; register < 10; register++) {
      if (asChosen(registers[register])?.of === of) registers[register] = unknown('what a look-up was given');
    }
    registers[0] = found(of);
    registers.fill(undefined, 1, 6);
    const given = constantOf(hit);
    if (given !== undefined) this.given.set(of, (this.given.get(of) ?? new Set()).add(given));
    const start = finder.begin(placed, own);
    site.starts.add(start);
    return { site, start, given };
  }

  /** Hits that a call takes; undefined where it takes none. The machine is then behind the call. */
  taking(placed: PlacedFunction, machine: Machine): Taking | undefined {
    const { frames, registers } = machine;
    const [, flow, memory] = registers;
    if (frames.length !== 1 || !this.readsTables(placed)) return undefined;
    if (memory?.kind !== 'pointer' || memory.region.kind !== 'stack' || memory.index !== undefined) return undefined;
    const kept = keptFrom(machine, memory, this.words);
    if (kept === undefined) return undefined;
    const isFlow =
      flow?.kind === 'pointer' && flow.region === this.flow && flow.offset === 0 && flow.index === undefined;
    if (!isFlow) throw unsupported('hits that are taken for another flow');
    const { of, slots } = kept;
    const keeping = this.keepingOf(of);
    const sequence = keeping.takenBy(placed, memory.offset, slots, () => this.make.taker(placed, slots));
    const codes = (): readonly bigint[] => {
      this.completed(of);
      return sequence.codes();
    };
    return { of, sequence, codes };
  }

  private keepingOf(of: string): Keeping {
    let keeping = this.keeping.get(of);
    if (keeping === undefined) this.keeping.set(of, (keeping = new Keeping(of, this.words)));
    return keeping;
  }

  /** All hits of look-ups that keep places. */
  private completed(of: string): ReadonlySet<bigint> {
    return this.keeping.get(of)?.complete(this.endOf(of)) ?? new Set();
  }

  /** Hits from this number on are none. */
  private endOf(of: string): bigint {
    const [end, ...others] = this.given.get(of) ?? [];
    if (end === undefined || others.length > 0) throw unsupported('look-ups that begin with several hits');
    return end;
  }

  /** To be asked when all is walked. */
  finish(): void {
    for (const [of, keeping] of this.keeping) keeping.finish(this.endOf(of));
  }

  private finderOf(name: string): Finder {
    let finder = this.finders.get(name);
    if (finder === undefined) this.finders.set(name, (finder = this.make.finder()));
    return finder;
  }

  /** The next call behind an instruction that looks up nothing. */
  private behind(at: number): number {
    return this.callBehind(at, (target) => !this.callees.has(target)) ?? this.placed.end;
  }

  private callBehind(from: number, wanted: (target: number) => boolean): number | undefined {
    for (let at = from + 1; at < this.placed.end; at++) {
      const { instruction, operands } = this.code.instructions[at];
      const { opcode } = instruction;
      if ((opcode & CLASS_MASK) !== CLASS.JMP || (opcode & OPERATION_MASK) !== JMP_OP.call) continue;
      if (wanted(operands.target)) return at;
    }
    return undefined;
  }

  /** Whether the next call behind an instruction is one that looks on: then what was found is not yet told apart. */
  looksOn(at: number): boolean {
    const next = this.callBehind(at, () => true);
    return next !== undefined && this.callees.has(this.code.instructions[next].operands.target);
  }

  /** All that may have been found; nothing may be looked up for it from here on. */
  findsOf(of: string): readonly bigint[] {
    this.closed.add(of);
    const finds = new Set(this.given.get(of));
    for (const hit of this.completed(of)) finds.add(hit);
    for (const site of this.sites.values()) {
      if (site.of !== of) continue;
      for (const step of site.places) addFinds(step, finds);
    }
    return [...finds].sort((a, b) => (a < b ? -1 : 1));
  }
}

function addFinds(step: Step, finds: Set<bigint>): void {
  switch (step.kind) {
    case 'found':
      if (step.value !== undefined) finds.add(step.value);
      return;
    case 'fork':
      for (const { then } of step.cases) addFinds(then, finds);
      return;
    case 'test':
      addFinds(step.inside, finds);
      return addFinds(step.outside, finds);
    case 'flag':
      addFinds(step.set, finds);
      return addFinds(step.clear, finds);
    case 'event':
      return addFinds(step.then, finds);
    case 'next':
    case 'stands':
    case 'place':
    case 'exit':
    case 'call':
    case 'look':
    case 'split':
      return;
  }
}

/** With what was found told: everything that is worked out of it is a number. */
export function tell({ registers }: Machine, of: string, value: bigint): void {
  registers.forEach((own, register) => {
    const chosen = asChosen(own);
    if (chosen?.of === of) registers[register] = told(chosen, value);
  });
}

/** Functions that read tables and are given a hit, and from how many places a function calls each. */
function lookingUp(
  code: Code,
  { start, end }: PlacedFunction,
  readsTables: (placed: PlacedFunction) => boolean,
): ReadonlyMap<PlacedFunction, number> {
  const calls = new Map<PlacedFunction, number>();
  for (let at = start; at < end; at++) {
    const { instruction, operands } = code.instructions[at];
    const { opcode } = instruction;
    if ((opcode & CLASS_MASK) !== CLASS.JMP || (opcode & OPERATION_MASK) !== JMP_OP.call) continue;
    if (operands.target < 0) continue;
    const target = code.functionAt(operands.target);
    if (takes(code, target, 3) && readsTables(target)) calls.set(target, (calls.get(target) ?? 0) + 1);
  }
  return calls;
}

/** Whether a function reads its argument of this number. */
const takes = (code: Code, placed: PlacedFunction, argument: number): boolean =>
  (code.liveOf(placed)[0] & (1 << argument)) !== 0;

/** Whether a function looks once into some diagram by a function that keeps a place in a list: that can be walked as it is, too. */
export function keepsOnce(
  code: Code,
  placed: PlacedFunction,
  readsTables: (placed: PlacedFunction) => boolean,
): boolean {
  return [...lookingUp(code, placed, readsTables)].some(([target, count]) => count === 1 && takes(code, target, 4));
}
