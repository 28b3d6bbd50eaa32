import { RESULT } from '../../codegen/program/results.js';
import { VERDICT } from '../../codegen/program/verdict.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { Bdd, FALSE, not, type Ref } from './bdd.js';
import { common, EntryLayout } from './entry-layout.js';
import { isChainFunction } from './flat-chain.js';
import { answerFault } from './answers.js';
import type { Arrivals, EntryModel, EntryWorld, ShapedEntry, Symbols } from './entry-model.js';
import { Executor, type Ran } from './executor.js';
import { MARK_AFTER, type Known, type Layout } from './flow.js';
import type { Shape } from './frame.js';
import { NOTE_EVENT } from './netfilter-world.js';
import type { Code } from './object-code.js';
import { CODE_BITS, type Specification } from './specification.js';
import { bitsOf, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { pointer, word, type Pointer, type Region, type Value } from './value.js';
import { Variables } from './variables.js';
import { constantBits, constantOf, sameBits, Words, type Bits } from './words.js';

/** Hooks whose programs are proved. */
export type ProvenHook = 'xdp' | 'tc' | 'netfilter';

/** Frames for which the entry function may do something else than it must. */
export interface EntryDifference {
  readonly shape: Shape;
  readonly what: string;
  readonly where: Ref;
}

export interface EntrySettings {
  readonly code: Code;
  readonly specification: Specification;
  readonly hook: ProvenHook;
  model(symbols: Symbols): EntryModel;
  readonly entry: PlacedFunction;
  /** Fields that rules read. */
  readonly fields: readonly Known[];
  /** Whether some rule sets the mark. */
  readonly marks: boolean;
  /** Whether rejected packets are answered, not only dropped. */
  readonly answers: boolean;
  /** Proves a part of the chain, with the slots found: at which rule the next part begins. */
  segment(layout: Layout, placed: PlacedFunction, part: bigint, from: number): number | undefined;
}

/** A call of a part of the chain. */
interface Call {
  readonly condition: Ref;
  readonly result: Bits;
  readonly end: number | undefined;
}

/**
 * The entry function against the way of a frame to the chain, for each shape of frames: which frames it hands to the
 * chain, what it has read of them, and what becomes of the chain's verdict.
 */
export class EntryProof {
  readonly bdd = new Bdd();
  readonly words = new Words(this.bdd);
  readonly variables = new Variables(this.bdd, true);
  readonly model: EntryModel;
  readonly differences: EntryDifference[] = [];
  layout: Layout | undefined;
  private readonly fields: EntryLayout;
  private readonly context: Region = { kind: 'context', name: 'ctx' };

  constructor(private readonly settings: EntrySettings) {
    this.model = settings.model(this);
    this.fields = new EntryLayout(this.words, settings.specification.ruleset.family, settings.fields);
  }

  prove(): void {
    const [first, other] = this.model.samples.map((shape) => this.discover(shape));
    this.layout = first === undefined || other === undefined ? first : common(first, other);
    for (const shape of this.model.shapes) this.proveShape(shape);
  }

  private proveShape(shape: Shape): void {
    const calls: Call[] = [];
    const entry = this.model.at(shape);
    const world = entry.world((placed, state) => this.called(placed, state, entry, calls, shape));
    const { exits, stopped } = this.run(entry, world, (state) => this.isRejected(state, calls));
    this.compare(shape, exits, entry, calls, world);
    if (this.stopsAtAnswers) this.compareAnswers(shape, stopped, entry.arrivals, calls);
  }

  /** Runs up to the chain, and looks at what lies in the flow there; undefined where no packet of the shape gets there. */
  private discover(shape: Shape): Layout | undefined {
    let layout: Layout | undefined;
    const entry = this.model.at(shape);
    const world = entry.world((placed, state) => {
      const [, flow] = state.registers;
      if (!isChainFunction(placed.name) || flow?.kind !== 'pointer' || flow.region.kind !== 'stack') return undefined;
      layout = this.fields.find(state, flow, entry, this.bytesOf(flow, placed));
      throw new Arrived();
    });
    try {
      this.run(entry, world);
    } catch (error) {
      if (!(error instanceof Arrived)) throw error;
    }
    return layout;
  }

  private run({ frames }: ShapedEntry, world: EntryWorld, over?: (state: State) => boolean): Ran {
    const { code, entry } = this.settings;
    const executor = new Executor(code, this.words, world);
    const start = executor.start(entry, frames, [pointer(this.context)]);
    return executor.run(entry, entry.start, start, undefined, 0, over);
  }

  private report(shape: Shape, what: string, where: Ref): void {
    if (where !== FALSE) this.differences.push({ shape, what, where });
  }

  private called(
    placed: PlacedFunction,
    state: State,
    reading: ShapedEntry,
    calls: Call[],
    shape: Shape,
  ): Value | undefined {
    if (!isChainFunction(placed.name)) return undefined;
    const [, flow, , part] = state.registers;
    if (flow?.kind !== 'pointer' || flow.region.kind !== 'stack' || flow.index !== undefined) {
      throw unsupported('a chain is called without struct flow');
    }
    const number = part === undefined ? undefined : constantOf(bitsOf(part, this.words) ?? [FALSE + 1]);
    if (number === undefined) throw unsupported('a part of a chain that is not constant');
    const before = calls[calls.length - 1];
    const from = before === undefined ? 0 : before.end;
    if (from === undefined) throw unsupported('a call behind the end of the chain');
    if (this.layout === undefined) throw unsupported('a chain that plain frames do not come to');
    this.checkLayout(state, flow, reading, shape, this.layout);
    const end = this.settings.segment(this.layout, placed, number, from);
    const due =
      before === undefined
        ? reading.arrivals.judged
        : this.bdd.and(before.condition, this.words.equal(before.result, constantBits(BigInt(VERDICT.NEXT))));
    this.report(shape, 'which frames the chain judges', this.bdd.xor(state.condition, due));
    const any = this.variables.word(`outcome from ${from}`, CODE_BITS);
    // Where no rule rejects, no part of the chain says so.
    const raw = this.settings.answers
      ? any
      : this.words.choose(this.words.atLeast(any, BigInt(VERDICT.REJECT)), constantBits(BigInt(VERDICT.DROP)), any);
    const never = this.words.choose(this.words.equal(raw, []), constantBits(BigInt(VERDICT.DROP)), raw);
    const result = end === undefined ? never : raw;
    calls.push({ condition: state.condition, result, end });
    this.leaveFlow(state, flow, this.bytesOf(flow, placed));
    return word(result);
  }

  /** Bytes from the flow on that the chain may reach: where its type does not say it, all of its caller's frame from there on. */
  private bytesOf(flow: Pointer, placed: PlacedFunction): number {
    return this.settings.code.flowBytesOf(placed) ?? -flow.offset;
  }

  /** Behind a part of the chain the flow has its fields, and the mark that the rules gave; the rest is unknown. */
  private leaveFlow(state: State, flow: Pointer, bytes: number): void {
    const kept = new Set<number>();
    for (const { field, offset, size } of this.layout?.slots ?? []) {
      for (let i = 0; i < size; i++) kept.add(offset + i);
      if (field === 'mark' && this.settings.marks) {
        state.memory.store(flow.region, flow.offset + offset, 4, word(this.variables.word(MARK_AFTER, 32)));
      }
    }
    for (let at = 0; at < bytes; at++) if (!kept.has(at)) state.memory.forget(flow.region, flow.offset + at, 1);
  }

  private checkLayout(state: State, flow: Pointer, reading: ShapedEntry, shape: Shape, layout: Layout): void {
    for (const slot of layout.slots) {
      this.report(
        shape,
        `the reading of ${slot.field}`,
        this.fields.slotDiffers(state, flow, slot, this.fields.slotBits(reading, slot)),
      );
    }
    for (const [field, value] of layout.constants) {
      const other = not(this.words.equal(reading.read(field), constantBits(value)));
      this.report(shape, `the reading of ${field}`, this.bdd.and(state.condition, other));
    }
  }

  /** An accepted packet takes along the mark that the rules gave it; its number among those that are written. */
  private expectMark(events: Map<string, Ref>, accepted: Ref, { marks }: EntryWorld): void {
    const number = marks.findIndex((bits) => sameBits(bits, this.variables.word(MARK_AFTER, 32)));
    events.set(`mark ${number}`, accepted);
  }

  /** On the wire programs answer by themselves. */
  private get stopsAtAnswers(): boolean {
    return this.settings.answers && this.model.notes === undefined;
  }

  /** The chain has rejected all packets of the state, with an answer. */
  private isRejected({ condition }: State, calls: readonly Call[]): boolean {
    if (!this.stopsAtAnswers || calls.length === 0) return false;
    return this.bdd.implies(condition, this.bdd.anyOf(calls.map((call) => this.rejects(call))));
  }

  /** When a part of the chain gives the code of an answer. */
  private rejects({ condition, result }: Call): Ref {
    if (!this.settings.answers) return FALSE;
    return this.bdd.and(condition, this.words.atLeast(result, BigInt(VERDICT.REJECT)));
  }

  /**
   * Packets that are to be answered come to the answering code with the code of their answer in r0, and no others do.
   * What that code sends is not looked at: see answers.ts.
   */
  private compareAnswers(shape: Shape, stopped: Ran['stopped'], arrivals: Arrivals, calls: readonly Call[]): void {
    const { bdd, words, settings } = this;
    const { hook } = settings;
    if (hook === 'netfilter') throw unsupported('answers at netfilter');
    const due = bdd.and(arrivals.judged, bdd.anyOf(calls.map((call) => this.rejects(call))));
    let answered: Ref = FALSE;
    for (const [at, state] of stopped) {
      const fault = answerFault(settings.code, settings.entry, at, hook);
      if (fault !== undefined) throw unsupported(fault);
      const [r0] = state.registers;
      const code = r0 === undefined ? undefined : bitsOf(r0, words);
      if (code === undefined) throw unsupported('an answer whose kind is no number');
      for (const call of calls) {
        const other = bdd.and(this.rejects(call), not(words.equal(code, call.result)));
        this.report(shape, 'the kind of an answer', bdd.and(state.condition, other));
      }
      answered = bdd.or(answered, state.condition);
      for (const [event, condition] of state.log) {
        if (event.startsWith('fault')) this.report(shape, event, condition);
        else throw unsupported(`an answer behind which is noted: ${event}`);
      }
    }
    this.report(shape, 'which frames are answered', bdd.xor(due, answered));
  }

  /** Packets for which iptables has something to do behind the program: an answer, or a mark to be changed. */
  private expectNotes(calls: readonly Call[], accepted: Ref, mark: Bits): Ref {
    const { bdd, words, settings } = this;
    const rejected = bdd.anyOf(calls.map((call) => this.rejects(call)));
    if (!settings.marks) return rejected;
    const changed = bdd.anyOf(words.xor(mark, this.variables.word(MARK_AFTER, 32)));
    return bdd.or(rejected, bdd.and(accepted, changed));
  }

  /** Just those packets are noted, with their verdict and the bits of their marks that change. */
  private compareNotes(
    shape: Shape,
    exits: readonly State[],
    due: Ref,
    calls: readonly Call[],
    { notes }: EntryWorld,
  ): void {
    const { bdd, words, settings } = this;
    const [mark] = [this.model.notes?.mark ?? []];
    const turned = settings.marks ? words.xor(mark, this.variables.word(MARK_AFTER, 32)) : [];
    let noted: Ref = FALSE;
    for (const { log } of exits) {
      for (const [event, condition] of log) {
        if (!isNote(event)) continue;
        const { code, mark: bits, targets } = notes[Number(event.slice(NOTE_EVENT.length))];
        noted = bdd.or(noted, condition);
        let other = bdd.or(not(words.equal(targets, [])), not(words.equal(bits, turned)));
        let kind: Ref = words.equal(code, constantBits(BigInt(VERDICT.ACCEPT)));
        for (const call of calls) kind = bdd.choose(this.rejects(call), words.equal(code, call.result), kind);
        other = bdd.or(other, not(kind));
        this.report(shape, 'what is noted for iptables', bdd.and(condition, other));
      }
    }
    this.report(shape, 'which packets are noted for iptables', bdd.xor(due, noted));
  }

  private compare(
    shape: Shape,
    exits: readonly State[],
    { arrivals }: ShapedEntry,
    calls: readonly Call[],
    world: EntryWorld,
  ): void {
    const { bdd, words } = this;
    const { specification, hook } = this.settings;
    const result = RESULT[hook];
    let accept: Ref = arrivals.passed;
    let drop: Ref = arrivals.dropped;
    const isCode = (call: Call, code: number): Ref => words.equal(call.result, constantBits(BigInt(code)));
    let here = arrivals.judged;
    let through: Ref = FALSE;
    for (const call of calls) {
      accept = bdd.or(accept, bdd.and(here, isCode(call, VERDICT.ACCEPT)));
      through = bdd.or(through, bdd.and(here, isCode(call, VERDICT.RETURN)));
      const next = bdd.and(here, isCode(call, VERDICT.NEXT));
      const named = bdd.anyOf([VERDICT.ACCEPT, VERDICT.RETURN, VERDICT.NEXT].map((code) => isCode(call, code)));
      drop = bdd.or(drop, bdd.without(here, bdd.or(named, this.rejects(call))));
      here = next;
    }
    const last = calls[calls.length - 1];
    const reached = last === undefined ? 0 : last.end;
    const whole = reached === undefined || reached >= specification.rules(specification.hookChain).length;
    if (!whole) this.report(shape, 'the rest of the chain is not run', here);
    through = bdd.or(through, here);
    if (specification.policy === 'DROP') drop = bdd.or(drop, through);
    else accept = bdd.or(accept, through);
    const events = new Map<string, Ref>();
    const { notes } = this.model;
    if (notes !== undefined) {
      const noted = this.expectNotes(calls, accept, notes.mark);
      this.compareNotes(shape, exits, noted, calls, world);
      accept = bdd.or(bdd.without(accept, noted), bdd.without(noted, notes.full));
      drop = bdd.or(drop, bdd.and(noted, notes.full));
    }
    if (through !== FALSE) {
      const key = specification.policyKey();
      events.set(`count ${key} packets`, through).set(`count ${key} bytes`, through);
    }
    if (this.settings.marks && notes === undefined)
      this.expectMark(events, bdd.without(accept, arrivals.passed), world);
    let accepted: Ref = FALSE;
    let refused: Ref = FALSE;
    const done = new Map<string, Ref>();
    for (const state of exits) {
      for (const [event, condition] of state.log) done.set(event, bdd.or(done.get(event) ?? FALSE, condition));
      const bits = state.registers[0] === undefined ? undefined : bitsOf(state.registers[0], words);
      if (bits === undefined) throw unsupported('a result that is no number');
      const is = (value: number): Ref =>
        bdd.and(state.condition, words.equal(bits.slice(0, 32), constantBits(BigInt(value >>> 0))));
      accepted = bdd.or(accepted, is(result.accept));
      refused = bdd.or(refused, is(result.drop));
    }
    this.report(shape, 'which frames are accepted', bdd.xor(accept, accepted));
    this.report(shape, 'which frames are dropped', bdd.xor(drop, refused));
    for (const event of new Set([...events.keys(), ...done.keys()])) {
      if (isNote(event)) continue;
      this.report(shape, event, bdd.xor(events.get(event) ?? FALSE, done.get(event) ?? FALSE));
    }
  }
}

const isNote = (event: string): boolean => event.startsWith(NOTE_EVENT);

/** Ends a run that has come to the chain. */
class Arrived extends Error {}
