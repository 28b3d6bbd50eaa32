import type { Opaque } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';
import type { Rule } from '../../grammar/model/ruleset.js';
import { VERDICT } from '../../codegen/program/verdict.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { Bdd, FALSE, not, TRUE, type Ref } from './bdd.js';
import { Executor, type Ran } from './executor.js';
import type { Code } from './object-code.js';
import type { Difference } from './difference.js';
import { AskedTests, type AskingRule } from './asked-tests.js';
import {
  knownBits,
  pieces,
  transportNeed,
  slotPart,
  whereReadable,
  type Known,
  type Layout,
  type Slot,
} from './flow.js';
import { answerOf, type Inputs } from './inputs.js';
import { FlatChain, isChainFunction, type FlatRule } from './flat-chain.js';
import { LogFunctions } from './log-function.js';
import { ObjectWorld } from './object-world.js';
import { reaching } from './reach.js';
import { RuleRun, type Expected } from './rule-run.js';
import { CODE_BITS, refusePayload, type RuleMeaning, type RuleReading, type Specification } from './specification.js';
import { bitsOf, Memory, State, type Log } from './state.js';
import { Unprovable, unsupported } from './unprovable.js';
import { constant, pointer, unknown, word, type Region, type Value } from './value.js';
import { TableProof } from './table/table-proof.js';
import { Walk } from './table/walk.js';
import { Variables } from './variables.js';
import { constantBits, sameBits, type Bits, Words } from './words.js';

export interface ChainSettings {
  readonly family: Family;
  readonly code: Code;
  readonly specification: Specification;
  readonly layout: Layout;
  /** Whether diagrams are proved without the quick ways. */
  readonly thorough: boolean;
}

/** Order of the variables: what most rules test first comes first. */
const ORDER: readonly Field[] = [
  'proto',
  'fragoff',
  'l4len',
  'tcp.flags',
  'icmp.type',
  'dport',
  'sport',
  'daddr',
  'saddr',
];

/**
 * The functions of the chains against the rules, for all values of the fields. Rule by rule: wherever the fields of a
 * packet lead at a rule's code, the code behind it does what the rule says, and goes on where the next rule's begins.
 * So each rule is looked at once, whatever stands before it, and the proof grows with the rules and not with the ways
 * through them (a simulation relation between program places and rules, R. Milner 1971).
 */
export class ChainProof {
  readonly bdd = new Bdd();
  readonly words = new Words(this.bdd);
  readonly variables = new Variables(this.bdd);
  readonly differences: Difference[] = [];
  private readonly flow: Region;
  private readonly context: Region = { kind: 'context', name: 'ctx' };
  private readonly memory = Memory.empty();
  private readonly executor: Executor;
  private readonly world: ObjectWorld;
  private readonly reading: RuleReading;
  private readonly asked: AskedTests;
  private readonly logs: LogFunctions;
  private answers = 0;
  private readonly ends = new Map<string, number | undefined>();
  /** Rules looked at. */
  rules = 0;

  constructor(readonly settings: ChainSettings) {
    const { code } = settings;
    this.flow = { kind: 'flow', name: 'flow', bytes: settings.layout.bytes };
    for (const field of ORDER) this.field(field);
    this.reading = {
      words: this.words,
      field: (field) => this.field(field),
      opaque: (test: Opaque) => answerOf(test, this.inputs),
      answer: () => this.variables.word(`answer ${this.answers++}`, 1)[0],
      payload: refusePayload,
    };
    this.asked = new AskedTests(code, this.words);
    this.logs = new LogFunctions(code, this.words);
    this.world = new ObjectWorld(this.words, {
      length: this.variables.word('counted length', 32),
      lengthAt: this.slotOf('counted length')?.offset,
      flow: this.flow,
      entries: settings.specification.manifest.counters.length,
      call: (placed, state) => this.called(placed, state),
      detour: (at, state) => this.asked.detour(code.functionAround(at), at, state, this.block.asking),
    });
    this.executor = new Executor(code, this.words, this.world);
    this.fillFlow();
  }

  private get inputs(): Inputs {
    const { family, specification } = this.settings;
    const { questions } = specification;
    return { words: this.words, family, questions, known: (name) => this.field(name) };
  }

  /** The reference's value of a field. */
  field(field: Known): Bits {
    const { layout, family } = this.settings;
    const fixed = layout.constants.get(field);
    if (fixed !== undefined) return constantBits(fixed);
    const bits = this.variables.word(field, knownBits(field, family));
    const need = transportNeed(field);
    return need === undefined ? bits : whereReadable(this.words, bits, this.field('l4len'), need);
  }

  /** The packet's mark in front of a rule. */
  mark(): Bits {
    return this.field('mark');
  }

  /** When a rule matches, over the variables of the fields. */
  meaning(rule: Rule): RuleMeaning {
    return this.settings.specification.meaning(rule, this.reading);
  }

  private slotOf(field: Slot['field']): Slot | undefined {
    return this.settings.layout.slots.find((slot) => slot.field === field);
  }

  /** What the entry leaves in a slot. */
  private slotBits(slot: Slot): Bits {
    const { field, wanted, value = 0n } = slot;
    if (field === 'constant') return constantBits(value);
    if (field === 'counted length') return this.variables.word(field, 32);
    const bits = this.field(field);
    return transportNeed(field) === undefined
      ? slotPart(slot, bits)
      : whereReadable(this.words, bits, this.field('l4len'), wanted);
  }

  private fillFlow(): void {
    for (const slot of this.settings.layout.slots) {
      for (const piece of pieces(this.slotBits(slot), slot.size)) {
        this.memory.store(this.flow, slot.offset + piece.at, piece.size, word(piece.bits));
      }
    }
  }

  /**
   * Proves the function that a call comes to, from rule `from` of `chain` on, and says at which rule the next part
   * begins; undefined where no packet gets there.
   */
  segment(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined {
    if (this.settings.code.flowBytesOf(placed) !== this.settings.layout.bytes)
      throw unsupported('flows of several sizes');
    const name = `${placed.start} ${part} ${from} ${chain}`;
    if (!this.ends.has(name)) {
      this.ends.set(name, undefined);
      const looksUp = readsTables(this.settings.code, placed);
      this.ends.set(name, looksUp ? this.lookedUp(placed, part, chain, from) : this.walk(placed, part, chain, from));
    }
    return this.ends.get(name);
  }

  /** A function that looks rules up in tables, which must be all that are left of its chain. */
  private lookedUp(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined {
    const { length } = this.settings.specification.rules(chain);
    this.rules += length - from;
    const quick = this.settings.thorough
      ? undefined
      : this.quickly(() => this.proveTables(placed, part, chain, from, false));
    const proof = quick?.differences.length === 0 ? quick : this.proveTables(placed, part, chain, from, true);
    this.differences.push(...proof.differences);
    return proof.falls ? length : undefined;
  }

  /** What is found in a quick way; undefined where a longer one may tell more. */
  private quickly<T>(prove: () => T): T | undefined {
    try {
      return prove();
    } catch (error) {
      if (error instanceof Unprovable) return undefined;
      throw error;
    }
  }

  private proveTables(
    placed: PlacedFunction,
    part: bigint,
    chain: string,
    from: number,
    thorough: boolean,
  ): { readonly differences: readonly Difference[]; readonly falls: boolean } {
    const { code, layout } = this.settings;
    const places = new Walk({
      code,
      words: this.words,
      world: this.world,
      flow: this.flow,
      context: this.context,
      memory: this.memory,
      isRead: (offset, size) =>
        layout.slots.some((slot) => slot.offset < offset + size && offset < slot.offset + slot.size),
      chainPart: (target, registers) => (isChainFunction(target.name) ? this.argumentsOf(registers).part : undefined),
      codes: Array.from({ length: 1 << CODE_BITS }, (_, one) => one),
      cuts: cutsOf(code, placed),
      readsTables: (target) => !isChainFunction(target.name) && readsTables(code, target),
      thorough,
    }).run(placed, part);
    const proof = new TableProof(this, thorough);
    const falls = proof.prove(places, chain, from);
    return { differences: proof.differences, falls };
  }

  /**
   * Block by block, in the order of the code. A block begins where the line info says that a rule's code begins, and ends at the
   * next such places; between them program and rules must do the same and go on at the same rules.
   */
  private walk(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined {
    const { specification, code } = this.settings;
    const flat = new FlatChain(specification, code, placed, chain, from);
    const starts = new Map<number, State>();
    const first = this.executor.start(TRUE, [pointer(this.flow), constant(0), constant(part), pointer(this.context)]);
    first.memory.reset(this.flow, this.memory);
    starts.set(placed.start, first);
    const blocks: RanBlock[] = [];
    for (;;) {
      const at = Math.min(...starts.keys());
      const state = starts.get(at);
      if (state === undefined) break;
      starts.delete(at);
      this.block = this.blockOf(flat, at, placed);
      const ran = this.runBlock(placed, at, state, flat);
      blocks.push({ block: this.block, ran });
      const live = code.liveOf(placed);
      for (const [stop, there] of ran.stopped) {
        if (stop <= at) throw unsupported(`a rule's code that goes on before it (chain ${chain})`);
        const known = starts.get(stop);
        // Both hold nothing but pointers: those that are not the same ones are not known any more.
        if (known === undefined) starts.set(stop, this.renew(there));
        else known.join(this.renew(there), live[stop - placed.start], this.words);
      }
    }
    return this.compareBlocks(blocks, flat, chain, from);
  }

  /**
   * What the blocks do against what the rules say; where the next function of the chain begins, or undefined if no packet gets
   * there.
   */
  private compareBlocks(blocks: readonly RanBlock[], flat: FlatChain, chain: string, from: number): number | undefined {
    const { bdd } = this;
    const tops = blocks.flatMap(({ block: { place, isRule, matched } }) =>
      [...(isRule ? [place] : []), ...matched].map((one) => flat.rules[one].top),
    );
    const end = tops.length === 0 ? 0 : flat.rules[Math.max(...tops)].next;
    let falls: Ref = FALSE;
    for (const { block, ran } of blocks) {
      const places = new Map(
        [...ran.stopped].map(([at, { condition }]) => [flat.cuts.rules.get(at) ?? end, condition]),
      );
      const stretch = { flat, chain, from: block.place, stops: new Set(places.keys()), end, isRule: block.isRule };
      let jumps = false;
      const jump = (target: string, yes: Ref): Outcomes => {
        jumps = true;
        return this.outcomesOf(block, target, yes);
      };
      const want = new RuleRun(this, { ...stretch, jump }).run();
      if (!jumps) this.refuseCalls(block);
      const done = this.summarise(ran);
      falls = bdd.or(falls, done.falls);
      places.set(end, bdd.or(places.get(end) ?? FALSE, done.falls));
      this.compare(block, want, { ...done, reached: places }, ran);
      if (block.isRule) this.rules++;
    }
    if (falls === FALSE) return undefined;
    const { length } = this.settings.specification.rules(chain);
    return this.skipUnreached(chain, end < flat.rules.length ? flat.rules[end].at : Math.max(from, length));
  }

  /** To the places where rules begin, and on from those where one has matched, way by way: what it counts is a number then. */
  private runBlock(placed: PlacedFunction, at: number, state: State, { cuts }: FlatChain): Ran {
    const exits: State[] = [];
    const stopped = new Map<number, State>();
    const live = this.settings.code.liveOf(placed);
    const open: (readonly [number, State])[] = [[at, state]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [from, there] = next;
      const ran = this.executor.run(placed, from, there, cuts.all);
      exits.push(...ran.exits);
      for (const [stop, arrived] of ran.stopped) {
        const place = cuts.matched.get(stop);
        const known = stopped.get(stop);
        if (place !== undefined) {
          this.block.matched.push(place);
          open.push([stop, arrived]);
        } else if (known === undefined) {
          stopped.set(stop, arrived);
        } else {
          known.join(arrived, live[stop - placed.start], this.words);
        }
      }
    }
    return { exits, stopped };
  }

  private blockOf(flat: FlatChain, at: number, placed: PlacedFunction): Block {
    const cut = flat.cuts.rules.get(at);
    if (cut === undefined && at !== placed.start) throw new Error(`no rule's code begins at ${at}`);
    const place = cut ?? 0;
    const rule = flat.rules.at(place);
    const tests = cut === undefined || rule === undefined ? [] : this.meaning(rule.rule).asked;
    return {
      place,
      isRule: cut !== undefined,
      rule,
      matched: [],
      calls: [],
      asking: { name: `${rule?.chain} ${rule?.at}`, tests, asked: 0 },
    };
  }

  /** Rules that no packet matches, and that ask nothing, need no code. */
  private skip(rules: readonly Rule[], position: number): number {
    while (position < rules.length) {
      const { yes, hot, asked } = this.meaning(rules[position]);
      if (yes !== FALSE || hot !== FALSE || asked.some(({ here }) => here !== FALSE)) return position;
      position++;
    }
    return position;
  }

  /** Rules that no packet comes to need no code, either. */
  isUnreached(chain: string, at: number): boolean {
    const { yes, hot, asked } = this.meaning(this.settings.specification.rules(chain)[at]);
    const where = asked.reduce((all, { here }) => this.bdd.or(all, here), this.bdd.or(yes, hot));
    if (reaching(this, { chain, at, where }) !== FALSE) return false;
    this.rules++;
    return true;
  }

  /** The first of the rules from one on that a packet may come to. */
  private skipUnreached(chain: string, position: number): number {
    const { length } = this.settings.specification.rules(chain);
    let here = position;
    while (here < length && this.isUnreached(chain, here)) here++;
    return here;
  }

  /** Behind a rule nothing is known but where the pointers are and what the fields hold. */
  private renew(state: State): State {
    const fresh = new State(TRUE, state.registers.map(pointerOnly), state.memory.fork(), new Map());
    fresh.memory.keepPointers((region) => region === this.flow, this.words);
    fresh.memory.reset(this.flow, this.memory);
    return fresh;
  }

  /** What a block of code does, over the fields. */
  private summarise({ exits, stopped }: Ran): Done {
    const { bdd } = this;
    const codes = new Map<number, Ref>();
    const events = new Map<string, Ref>();
    let falls: Ref = FALSE;
    const take = (log: Log): void => {
      for (const [event, condition] of log) events.set(event, bdd.or(events.get(event) ?? FALSE, condition));
    };
    for (const state of exits) {
      take(state.log);
      const r0 = state.registers[0];
      const bits = r0 === undefined ? undefined : bitsOf(r0, this.words);
      if (bits === undefined) throw unsupported('a verdict that is no number');
      if (bits.length > CODE_BITS) events.set('fault: no verdict code', state.condition);
      for (let code = 0; code < 1 << CODE_BITS; code++) {
        const here = bdd.and(state.condition, this.words.equal(bits, constantBits(BigInt(code))));
        if (here === FALSE) continue;
        if (code === VERDICT.NEXT) falls = bdd.or(falls, here);
        else codes.set(code, bdd.or(codes.get(code) ?? FALSE, here));
      }
    }
    for (const [, state] of stopped) take(state.log);
    return { codes, events, falls };
  }

  private block: Block = {
    place: 0,
    isRule: false,
    rule: undefined,
    matched: [],
    calls: [],
    asking: { name: '', tests: [], asked: 0 },
  };

  private compare({ rule }: Block, want: Expected, done: Omit<Expected, 'mark'>, ran: Ran): void {
    const { bdd } = this;
    const { chain, at } = rule ?? { chain: this.settings.specification.hookChain, at: 0 };
    const report = (what: string, where: Ref): void => {
      if (where !== FALSE) this.differences.push({ chain, at, what, where });
    };
    for (const code of new Set([...want.codes.keys(), ...done.codes.keys()])) {
      const where = bdd.xor(want.codes.get(code) ?? FALSE, done.codes.get(code) ?? FALSE);
      if (where !== FALSE) report(`verdict ${verdictName(code)}`, where);
    }
    for (const place of new Set([...want.reached.keys(), ...done.reached.keys()])) {
      const where = bdd.xor(want.reached.get(place) ?? FALSE, done.reached.get(place) ?? FALSE);
      report('whether the next rule follows', where);
    }
    for (const event of new Set([...want.events.keys(), ...done.events.keys()])) {
      report(event, bdd.xor(want.events.get(event) ?? FALSE, done.events.get(event) ?? FALSE));
    }
    for (const state of [...ran.exits, ...ran.stopped.values()]) report('struct flow', this.changed(state, want.mark));
  }

  /** Where a way leaves other values in the flow than the rule does. */
  private changed(state: State, mark: Bits | undefined): Ref {
    if (mark === undefined && state.memory.sameAs(this.flow, this.memory)) return FALSE;
    let differs: Ref = FALSE;
    for (const slot of this.settings.layout.slots) {
      const want = slot.field === 'mark' && mark !== undefined ? mark : this.slotBits(slot);
      for (const piece of pieces(want, slot.size)) {
        const have = state.memory.load(this.flow, slot.offset + piece.at, piece.size, this.words);
        const bits = bitsOf(have, this.words);
        if (bits === undefined) return state.condition;
        if (!sameBits(bits, piece.bits)) differs = this.bdd.or(differs, not(this.words.equal(bits, piece.bits)));
      }
    }
    return this.bdd.and(state.condition, differs);
  }

  /** Where no packet jumps, no chain may be called: what it counts would be compared with nothing. */
  private refuseCalls({ rule, calls }: Block): void {
    if (rule === undefined) return;
    for (const { condition } of calls) {
      this.differences.push({ chain: rule.chain, at: rule.at, what: 'a call of a chain', where: condition });
    }
  }

  /** What comes of a jump: the verdicts of the parts of the chain in turn, as variables that the program shares. */
  private outcomesOf(block: Block, chain: string, yes: Ref): Outcomes {
    const { bdd, words } = this;
    const outcomes = new Map<number, Ref>();
    let here = yes;
    let falls: Ref = FALSE;
    for (const call of block.calls) {
      // The call must be made by just those packets.
      if (call.condition !== here) {
        this.differences.push({
          chain: block.rule?.chain ?? chain,
          at: block.rule?.at ?? 0,
          what: `the jump to ${chain}`,
          where: bdd.xor(call.condition, here),
        });
      }
      for (let code = VERDICT.RETURN + 1; code < 1 << CODE_BITS; code++) {
        const condition = bdd.and(here, words.equal(call.result, constantBits(BigInt(code))));
        if (condition !== FALSE) outcomes.set(code, bdd.or(outcomes.get(code) ?? FALSE, condition));
      }
      falls = bdd.or(falls, bdd.and(here, words.equal(call.result, constantBits(BigInt(VERDICT.RETURN)))));
      here = bdd.and(here, words.equal(call.result, constantBits(BigInt(VERDICT.NEXT))));
      if (call.end === undefined) here = FALSE;
    }
    const last = block.calls[block.calls.length - 1];
    const reached = last === undefined ? 0 : last.end;
    const whole = reached === undefined || reached >= this.settings.specification.rules(chain).length;
    if (!whole) {
      this.differences.push({ chain, at: reached, what: 'the rest of the chain is not run', where: here });
    }
    return { outcomes, falls: bdd.or(falls, here) };
  }

  /** A call of a chain's function, in the code of a rule that jumps there. */
  private called(placed: PlacedFunction, state: State): Value | undefined {
    if (!isChainFunction(placed.name)) {
      return (
        this.asked.call(placed, state, this.block.asking) ?? this.logs.call(placed, state, this.flow, this.context)
      );
    }
    const { block } = this;
    const effect = block.isRule ? block.rule?.rule.target.effect : undefined;
    if (effect?.kind !== 'jump') throw new Unprovable('unsupported', 'a call of a chain where no rule jumps');
    const before = block.calls[block.calls.length - 1];
    const from = before === undefined ? 0 : before.end;
    if (from === undefined) throw unsupported('a call behind the end of a chain');
    const { part } = this.argumentsOf(state.registers);
    const kept = this.block;
    const end = this.segment(
      placed,
      part,
      effect.chain,
      this.skip(this.settings.specification.rules(effect.chain), from),
    );
    this.block = kept;
    const result = this.variables.word(`outcome of ${effect.chain} from ${from}`, CODE_BITS);
    const known = end === undefined ? this.withoutNext(result) : result;
    block.calls.push({ condition: state.condition, result: known, end });
    if (!state.memory.sameAs(this.flow, this.memory)) throw unsupported('a jump with a flow that was changed');
    return word(known);
  }

  /** A part behind whose last rule no packet comes never says that it came to its end. */
  private withoutNext(result: Bits): Bits {
    const zero = this.words.equal(result, []);
    return this.words.choose(zero, constantBits(BigInt(VERDICT.DROP)), result);
  }

  private argumentsOf(registers: readonly (Value | undefined)[]): { readonly part: bigint } {
    const [, flow, , part] = registers;
    const isFlow =
      flow?.kind === 'pointer' && flow.region === this.flow && flow.offset === 0 && flow.index === undefined;
    const bits = part === undefined ? undefined : bitsOf(part, this.words);
    const number = bits === undefined || bits.some((bit) => bit > 1) ? undefined : numberFrom(bits);
    if (!isFlow || number === undefined) throw unsupported('a call of a chain with other arguments');
    return { part: number };
  }
}

interface Done {
  /** Verdict codes that the function returns, and when. */
  readonly codes: ReadonlyMap<number, Ref>;
  readonly events: ReadonlyMap<string, Ref>;
  /** When it returns because its rules have come to an end. */
  readonly falls: Ref;
}

/** Verdicts of a chain that was jumped to, and when it came to its end. */
interface Outcomes {
  readonly outcomes: ReadonlyMap<number, Ref>;
  readonly falls: Ref;
}

/** What has happened in the code from one place of rules to the next ones. */
interface Block {
  /** Place of the rule, and whether its own code begins here. */
  readonly place: number;
  readonly isRule: boolean;
  readonly rule: FlatRule | undefined;
  /** Places of rules that have matched on the way. */
  readonly matched: number[];
  readonly calls: { readonly condition: Ref; readonly result: Bits; readonly end: number | undefined }[];
  readonly asking: AskingRule;
}

interface RanBlock {
  readonly block: Block;
  readonly ran: Ran;
}

function numberFrom(bits: Bits): bigint {
  return bits.reduce((sum, bit, i) => (bit === TRUE ? sum | (1n << BigInt(i)) : sum), 0n);
}

function pointerOnly(value: Value | undefined): Value | undefined {
  return value?.kind === 'pointer' ? value : value === undefined ? undefined : unknown('what an earlier rule left');
}

/** Whether a function reads constant data, itself or by functions that are no chains. */
function readsTables(code: Code, placed: PlacedFunction): boolean {
  const seen = new Set([placed]);
  for (const one of seen) {
    for (let at = one.start; at < one.end; at++) {
      const { instruction, operands } = code.instructions[at];
      if (instruction.reference?.kind === 'data') return true;
      if (instruction.reference?.kind !== 'function' || operands.target < 0) continue;
      const called = code.functionAt(operands.target);
      if (!isChainFunction(called.name)) seen.add(called);
    }
  }
  return false;
}

/** Places at which the line info names another rule: hints where one rule's code ends. */
function cutsOf({ instructions }: Code, placed: PlacedFunction): ReadonlySet<number> {
  const cuts = new Set<number>();
  let before: string | undefined;
  for (let at = placed.start; at < placed.end; at++) {
    const { line } = instructions[at].instruction;
    const here = line === undefined ? undefined : `${line.line}:${line.column}`;
    if (here !== undefined && here !== before) cuts.add(at);
    before = here;
  }
  return cuts;
}

export function verdictName(code: number): string {
  const found = Object.entries(VERDICT).find(([, value]) => value === code);
  return found === undefined || code >= VERDICT.REJECT ? 'REJECT' : found[0];
}
