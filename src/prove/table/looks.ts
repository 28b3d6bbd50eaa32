import { JMP_OP, CLASS, CLASS_MASK, OPERATION_MASK } from '../../../codegen/bytecode/instruction.js';
import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import type { Code } from '../object-code.js';
import { unknown, type Region } from '../value.js';
import { asChosen, found, told } from './chosen.js';
import type { Machine } from './machine.js';
import type { Look, Site, Step } from './step.js';
import { constantOf, type WalkValue } from './walk-value.js';

/** What a finder is given, whatever it is: the least hit so far. */
export const GIVEN = 'the caller';

/** A function that looks into one diagram, walked by itself. */
export interface Finder {
  readonly places: readonly Step[];
  /** Walks it with these arguments, and says at which place that begins. */
  begin(placed: PlacedFunction, registers: readonly (WalkValue | undefined)[]): number;
}

/** Numbers from here on are taken for hits. It is only a hint: which argument is abstracted does not matter for what is proved. */
const LEAST_HIT = 1n << 32n;

/**
 * Calls of functions that look into diagrams, in a function that calls one from several places: each is walked by itself, for whatever
 * it is given, so that the work is the sum over the diagrams and not their product.
 */
export class Looks {
  private readonly sites = new Map<number, Site & { readonly starts: Set<number> }>();
  private readonly finders = new Map<number, Finder>();
  private readonly callees: ReadonlySet<number>;
  private readonly closed = new Set<string>();
  /** Numbers that first look-ups are given. */
  private readonly given = new Map<string, Set<bigint>>();

  constructor(
    private readonly code: Code,
    private readonly placed: PlacedFunction,
    private readonly flow: Region,
    readsTables: (placed: PlacedFunction) => boolean,
    private readonly finder: () => Finder,
  ) {
    this.callees = calleesOf(code, placed, readsTables);
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
    for (let register = 2; register <= 5; register++) {
      if ((live & (1 << register)) === 0) continue;
      const value = registers[register];
      const number = value === undefined ? undefined : constantOf(value);
      const isHit = number === undefined ? asChosen(value)?.shift === 0 : number >= LEAST_HIT;
      if (number === undefined && !isHit) return undefined;
      if (isHit && hit !== undefined) return undefined;
      if (isHit) hit = value;
      own[register] = isHit ? found(GIVEN) : value;
    }
    if (hit === undefined) return undefined;
    const at = machine.at - 1;
    const of = asChosen(hit)?.of ?? `the look-up at ${at}`;
    if (this.closed.has(of)) return undefined;
    const finder = this.finderOf(placed);
    const site = this.sites.get(at) ?? { at, of, places: finder.places, starts: new Set() };
    if (site.of !== of || site.places !== finder.places) return undefined;
    this.sites.set(at, site);
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

  private finderOf({ start }: PlacedFunction): Finder {
    let finder = this.finders.get(start);
    if (finder === undefined) this.finders.set(start, (finder = this.finder()));
    return finder;
  }

  /** Whether the next call behind an instruction is one that looks on: then what was found is not yet told apart. */
  looksOn(at: number): boolean {
    for (let next = at + 1; next < this.placed.end; next++) {
      const { instruction, operands } = this.code.instructions[next];
      const { opcode } = instruction;
      if ((opcode & CLASS_MASK) !== CLASS.JMP || (opcode & OPERATION_MASK) !== JMP_OP.call) continue;
      return this.callees.has(operands.target);
    }
    return false;
  }

  /** All that may have been found; nothing may be looked up for it from here on. */
  findsOf(of: string): readonly bigint[] {
    this.closed.add(of);
    const finds = new Set(this.given.get(of));
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
    case 'event':
      return addFinds(step.then, finds);
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

/** Functions that read tables and are called from several places of a function. */
function calleesOf(
  code: Code,
  { start, end }: PlacedFunction,
  readsTables: (placed: PlacedFunction) => boolean,
): ReadonlySet<number> {
  const calls = new Map<number, number>();
  for (let at = start; at < end; at++) {
    const { instruction, operands } = code.instructions[at];
    const { opcode } = instruction;
    if ((opcode & CLASS_MASK) !== CLASS.JMP || (opcode & OPERATION_MASK) !== JMP_OP.call) continue;
    if (operands.target >= 0) calls.set(operands.target, (calls.get(operands.target) ?? 0) + 1);
  }
  const several = [...calls].filter(([, count]) => count > 1).map(([target]) => target);
  return new Set(several.filter((target) => readsTables(code.functionAt(target))));
}
