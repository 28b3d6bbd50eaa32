import { JMP_OP } from '../../../codegen/bytecode/instruction.js';
import { FLOW_RULE } from '../../../codegen/program/flow.js';
import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import { TRUE } from '../bdd.js';
import { unsupported } from '../unprovable.js';
import { numberOf, pointer, unknown, type Region } from '../value.js';
import { asChosen, moved, told, type Chosen } from './chosen.js';
import { Local } from './condition.js';
import { isTaken } from './decided.js';
import type { Decoded } from './decoded.js';
import { loopsOf } from './jumps.js';
import { ruleOf } from './least.js';
import { tell } from './looks.js';
import { DATA, fork, type Machine } from './machine.js';
import type { HitTaker } from './keeping.js';
import { advanceAt, isSameAdvance, type Advance } from './advance.js';
import { asSlotPlace, slotName, slotPlace, type SlotPlace } from './slot-place.js';
import type { Step, Taken } from './step.js';
import { asLeast, leastOf, lowerHalf, mergedHits, type LeastHit } from './taken-hits.js';
import { Walk } from './walk.js';
import type { WalkSettings } from './walk-settings.js';
import type { Event } from './events.js';
import { constantOf, exactly, type WalkValue } from './walk-value.js';

/** What the function is given: the memory around the places. */
const PLACES_BYTES = 64;
const PLACES: Region = { kind: 'stack', name: 'places', bytes: PLACES_BYTES };

/** Instructions from one hit to the next. */
const MOST_STEPS = 2000;
/** Bytes of the stack in which steps may be counted. */
const MOST_STACK = 512;

/**
 * A function that takes hits of several lists, the least one first, whatever the lists are: what it does from one hit to the next is run once for each
 * hit that there is. The places in the lists are numbers that are not known; what it asks of them is asked of each
 * number that is kept in a place.
 */
export class Taker extends Walk implements HitTaker {
  private readonly slots = new Map<string, number>();
  private readonly leasts = new Map<string, LeastHit>();
  /** What must hold for each place, and for each number of hits that were taken before. */
  private readonly demands: ((place: bigint) => boolean)[] = [];
  private readonly stepDemands: ((steps: number) => boolean)[] = [];
  private readonly hits = new Map<bigint, bigint>();
  private readonly rules = new Set<WalkValue>();
  private readonly taken = new Map<bigint, Taken>();
  private readonly frame: Region;
  private readonly head: Machine;
  private readonly counts: readonly number[];
  private readonly begun: Machine;
  private readonly least: LeastHit;
  private asking: { readonly machine: Machine; readonly hit: LeastHit } | undefined;
  /** The hit that is taken. */
  private hit: bigint | undefined;
  private advances: Advance | undefined;

  /** `slots`: byte offsets of the places. */
  constructor(settings: WalkSettings, placed: PlacedFunction, slots: readonly number[]) {
    super(settings);
    const frames = [{ placed, back: -1, kept: [] }];
    this.frame = this.stacks.of(frames, 0);
    const registers = new Array<WalkValue | undefined>(11).fill(undefined);
    registers[1] = pointer(settings.flow);
    registers[2] = pointer(PLACES, -PLACES_BYTES);
    registers[10] = pointer(this.frame);
    const memory = settings.memory.fork();
    const machine = { at: placed.start, registers, memory, frames };
    for (const slot of slots) {
      this.slots.set(slotName(slot), slot);
      this.stand(machine, slot, 'before');
    }
    const loops = loopsOf(settings.code);
    const live = settings.code.liveOf(placed)[0];
    if ((live & 0b111000) !== 0) throw unsupported('a function for the next hit with other arguments');
    if (this.go(machine, () => loops.has(machine.at)) !== undefined)
      throw unsupported('a function for the next hit without a loop');
    this.counts = this.forgetAll(machine);
    this.head = machine;
    const first = fork(machine);
    this.go(first, () => false);
    const { asking } = this;
    if (asking === undefined) throw unsupported('a function for the next hit that asks for none');
    this.begun = asking.machine;
    this.least = asking.hit;
  }

  /** Offsets of the places whose hits are taken. */
  get taking(): readonly number[] {
    return this.least.hits.map(({ of }) => this.slotNamed(of));
  }

  /** The hit of a place. */
  hitAt(place: bigint): bigint {
    let hit = this.hits.get(place);
    if (hit === undefined) {
      const numbers = new Set(this.least.hits.map((one) => constantOf(told(one, place))));
      const [only] = numbers;
      // Below 2^63 the lesser one of two is told by the sign of their difference.
      if (numbers.size !== 1 || only === undefined || only >= 1n << 63n) throw unsupported('the hit of a place');
      this.hits.set(place, (hit = only));
      if (!this.demands.every((demand) => demand(place))) throw unsupported('a place that is asked for something else');
    }
    return hit;
  }

  takenAt(hit: bigint): Taken {
    let taken = this.taken.get(hit);
    if (taken === undefined) this.taken.set(hit, (taken = this.take(hit)));
    return taken;
  }

  /** All lists are then at places whose hits are none: what is done must be the same for all of these. */
  noneFrom(end: bigint): void {
    for (const hit of new Set(this.hits.values())) {
      if (hit < end) continue;
      const taken = this.takenAt(hit);
      const { none } = this;
      if (taken.events.length > 0 || (none !== undefined && none.code !== taken.code))
        throw unsupported('what follows where no hit is left');
      this.none = taken;
    }
  }

  none: Taken | undefined;

  /** What may be returned, so far. */
  codes(): readonly bigint[] {
    const codes = new Set<number>();
    for (const { code } of this.taken.values()) if (code !== undefined) codes.add(code);
    return [...codes].map(BigInt);
  }

  /** Refuses what gives up before so many hits are taken. */
  requireSteps(most: number): void {
    for (let steps = 0; steps < most; steps++) {
      if (!this.stepDemands.every((demand) => demand(steps))) throw unsupported('a packet with too many hits');
    }
  }

  /** The function for the next hit of a list, and its arguments where a place stands at a hit. */
  nextOf(place: bigint): { readonly placed: PlacedFunction; readonly registers: readonly (WalkValue | undefined)[] } {
    const { advances } = this;
    if (advances === undefined) throw unsupported('a place that is not moved on');
    const registers = new Array<WalkValue | undefined>(11).fill(undefined);
    registers[advances.flow] = pointer(this.settings.flow);
    registers[advances.place] = exactly(place);
    registers[advances.least] = exactly(ruleOf(this.hitAt(place)) + 1n);
    return { placed: advances.placed, registers };
  }

  private take(hit: bigint): Taken {
    const machine = fork(this.begun);
    tell(machine, this.least.of, hit);
    this.hit = hit;
    const happened: Event[] = [];
    const code = this.go(machine, () => machine.at === this.head.at, happened);
    if (happened.some(({ when }) => when !== TRUE)) throw unsupported('what happens to some packets of a hit');
    const events = happened.map(({ name }) => name);
    this.hit = undefined;
    const moved = this.taking.every((slot) => this.stageOf(machine, slot) === 'behind');
    if (code === undefined) {
      if (!moved) throw unsupported('a hit that is taken again');
      this.requireHead(machine);
    }
    return { events, code, moved };
  }

  /** That the loop begins again as it began. */
  private requireHead(machine: Machine): void {
    for (const offset of this.counts) {
      const steps = machine.memory.load(this.frame, offset, 8, this.settings.words);
      const chosen = asChosen(steps);
      if (chosen?.of !== STEPS) throw unsupported('hits that are not counted');
      this.stepDemands.push((number) => constantOf(told(chosen, BigInt(number))) === BigInt(number + 1));
    }
    this.forgetDead(machine);
    const { memory } = this.head;
    const same = this.names.of({ ...machine, memory }) === this.names.of(this.head);
    if (!same) throw unsupported('a loop over hits that does not begin again as it began');
  }

  /** Forgets all that is not the same each time the loop begins; the offsets of numbers that begin with 0, which may be those of steps. */
  private forgetAll(machine: Machine): readonly number[] {
    const { memory } = machine;
    const counts: number[] = [];
    for (let offset = -8; offset >= -MOST_STACK; offset -= 8) {
      if (numberOf(memory.load(this.frame, offset, 8, this.settings.words)) === 0n) counts.push(offset);
    }
    memory.drop(this.frame);
    for (const offset of counts) memory.store(this.frame, offset, 8, STEPS_SO_FAR);
    memory.forget(this.settings.flow, FLOW_RULE, 4);
    this.forgetDead(machine);
    return counts;
  }

  /** Runs until `stop`, behind one instruction at least: undefined; or to the end: what is returned. Nothing may happen but where `events` are asked for. */
  private go(machine: Machine, stop: () => boolean, events?: Event[]): number | undefined {
    const local = Local.nothing(this.settings.words.bdd);
    const happened = events ?? [];
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      if (events === undefined && happened.length > 0) throw unsupported(`${happened[0].name}, where hits are taken`);
      if (steps > 0 && stop()) return undefined;
      const step = this.step(machine, local, happened);
      if (step === undefined) continue;
      if (step === TOLD) return undefined;
      if (step.kind !== 'exit' || step.code < 0) throw unsupported('a hit that is taken in several ways');
      return step.code;
    }
    throw unsupported('a hit that takes too many steps');
  }

  private slotNamed(name: string): number {
    const slot = this.slots.get(name);
    if (slot === undefined) throw unsupported(`a decision by ${name}`);
    return slot;
  }

  private stand({ memory }: Machine, slot: number, stage: SlotPlace['stage']): void {
    memory.store(PLACES, slot - PLACES_BYTES, 4, slotPlace(slot, stage));
  }

  private stageOf({ memory }: Machine, slot: number): SlotPlace['stage'] | undefined {
    return asSlotPlace(memory.load(PLACES, slot - PLACES_BYTES, 4, this.settings.words))?.stage;
  }

  private demand(demand: (place: bigint) => boolean): void {
    this.demands.push(demand);
    for (const place of this.hits.keys()) {
      if (!demand(place)) throw unsupported('a place that is asked for something else');
    }
  }

  protected override asked(
    one: Decoded,
    chosen: Chosen,
    machine: Machine,
    local: Local,
    a: WalkValue,
    b: WalkValue,
  ): Step | undefined {
    void local;
    if (asChosen(a) !== undefined && asChosen(b) !== undefined) throw unsupported('a decision by two places');
    const least = this.leasts.get(chosen.of);
    if (least !== undefined) {
      if (this.hit !== undefined || this.asking !== undefined) throw unsupported('a decision by another hit');
      machine.at--;
      this.asking = { machine, hit: least };
      return TOLD;
    }
    const decides = (number: bigint): boolean => isTaken(this.arithmetic, one, a, b, chosen, number);
    const taken = (): undefined => void (machine.at = decides(0n) ? one.target : one.next);
    if (chosen.of === STEPS) {
      const first = decides(0n);
      this.stepDemands.push((steps) => decides(BigInt(steps)) === first);
      return taken();
    }
    const slot = this.slotNamed(chosen.of);
    if (this.hit !== undefined) return this.ruleAsked(one, chosen, slot, machine, a, b);
    // Place 0 is always one of them.
    const first = decides(0n);
    this.demand((place) => decides(place) === first);
    return taken();
  }

  /** Whether the place's hit is of a later rule than the one that is taken: if not, the place is moved on, and both ways are one. */
  private ruleAsked(
    { operation, wide, target }: Decoded,
    chosen: Chosen,
    slot: number,
    machine: Machine,
    a: WalkValue,
    b: WalkValue,
  ): undefined {
    const isLater = wide && operation === JMP_OP.jgt && a === chosen;
    if (!isLater || this.hit === undefined || constantOf(b) !== ruleOf(this.hit) || target < machine.at)
      throw unsupported('a decision by the place of another list');
    if (this.stageOf(machine, slot) !== 'before' || !this.taking.includes(slot))
      throw unsupported('a place that is moved on twice');
    if (!this.rules.has(chosen)) {
      this.rules.add(chosen);
      this.demand((place) => constantOf(told(chosen, place)) === ruleOf(this.hitAt(place)));
    }
    const other = fork(machine);
    other.at = target;
    this.stand(other, slot, 'behind');
    this.stand(machine, slot, 'at');
    const back = this.go(machine, () => machine.at === target);
    this.forgetDead(machine);
    this.forgetDead(other);
    const isSame = this.names.of(machine) === this.names.of(other);
    const isMoved = this.taking.every((one) => this.stageOf(machine, one) === this.stageOf(other, one));
    if (back !== undefined || machine.at !== other.at || !isSame || !isMoved)
      throw unsupported('a place that is not moved on');
    return undefined;
  }

  protected override call(
    linked: Decoded['linked'],
    machine: Machine,
    local: Local,
    events: Event[],
  ): Step | undefined {
    const { operands } = linked;
    if (operands.target < 0) return super.call(linked, machine, local, events);
    const { code, flow, readsTables } = this.settings;
    const placed = code.functionAt(operands.target);
    const { registers } = machine;
    if (!readsTables(placed)) throw unsupported('a function that is called where hits are taken');
    const isLeast = (value: WalkValue | undefined): boolean => this.isBehind(value);
    const { slot, advance } = advanceAt(placed, code.liveOf(placed)[0], registers, flow, isLeast);
    this.advances ??= advance;
    if (!isSameAdvance(this.advances, advance)) throw unsupported('several functions for the next hit');
    registers[0] = slotPlace(slot, 'behind');
    registers.fill(undefined, 1, 6);
    machine.at = operands.next;
    return undefined;
  }

  /** Whether it is the number of the rule behind the one that is taken. */
  private isBehind(value: WalkValue | undefined): boolean {
    return value !== undefined && this.hit !== undefined && constantOf(value) === ruleOf(this.hit) + 1n;
  }

  protected override execute(one: Decoded, machine: Machine, local: Local, events: Event[]): Step | undefined {
    const { registers } = machine;
    switch (one.kind) {
      case 'load': {
        const base = asChosen(registers[one.src]);
        if (base === undefined) break;
        registers[one.dst] = this.read(base, one.offset, one.size, machine, local);
        return undefined;
      }
      case 'store': {
        const base = registers[one.dst];
        if (base?.kind !== 'pointer') break;
        const offset = base.offset + one.offset;
        const value = one.own ?? registers[one.src];
        if (base.region === PLACES) return this.stored(machine, offset + PLACES_BYTES, one.size, value);
        if (base.region === this.settings.flow && (offset !== FLOW_RULE || one.size !== 4))
          throw unsupported('a change of the flow where hits are taken');
        const chosen = asChosen(value);
        if (base.region !== this.frame || chosen === undefined || base.index !== undefined) break;
        // Of 4 bytes, the lower half.
        machine.memory.store(this.frame, offset, one.size, one.size === 8 ? chosen : lowerHalf(chosen, one.size));
        return undefined;
      }
      case 'alu': {
        const b = one.own ?? registers[one.src];
        if (!one.wide || b === undefined) break;
        const merged = mergedHits(one.operation, registers[one.dst], b, constantOf(b));
        if (merged === undefined) break;
        registers[one.dst] = this.known(merged);
        return undefined;
      }
      case 'order':
      case 'wide':
      case 'goto':
      case 'jump':
      case 'exit':
      case 'call':
      case 'refused':
        break;
    }
    return super.execute(one, machine, local, events);
  }

  private known(value: WalkValue): WalkValue {
    const least = asLeast(value);
    if (least !== undefined) this.leasts.set(least.of, least);
    return value;
  }

  /** What lies in the table where a place says. */
  private read(base: Chosen, offset: number, size: number, machine: Machine, local: Local): WalkValue {
    this.slotNamed(base.of);
    const value = moved(base, `at ${offset}, ${size} bytes`, (address) => {
      if (address.kind !== 'pointer' || address.region !== DATA) throw unsupported('a place in no table');
      return this.memory.load(machine, address, offset, size, local, []) ?? refuse();
    });
    return size === 8 ? this.known(leastOf([value])) : value;
  }

  private stored(machine: Machine, slot: number, size: number, value: WalkValue | undefined): undefined {
    const place = asSlotPlace(value);
    if (size !== 4 || place?.slot !== slot || place.stage !== 'behind' || this.stageOf(machine, slot) !== 'at')
      throw unsupported('a place that is set to something else');
    this.stand(machine, slot, 'behind');
    return undefined;
  }
}

const STEPS = 'hits that were taken';
const STEPS_SO_FAR: Chosen = { ...unknown(STEPS), of: STEPS, map: (value) => value, shift: 0 };
/** Where the least hit is asked for. */
const TOLD: Step = { kind: 'place', number: -1 };

function refuse(): never {
  throw unsupported('a place that leads beyond the table');
}
