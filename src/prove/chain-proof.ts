import type { Family } from '../../grammar/model/family.js';
import type { Rule } from '../../grammar/model/ruleset.js';
import { VERDICT } from '../../codegen/program/verdict.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { AskedTests } from './asked-tests.js';
import { FALSE, TRUE, type Ref } from './bdd.js';
import { runBlock, summarise, type Block, type RanBlock } from './block.js';
import { compareBlock, outcomesOf, refuseCalls, type Outcomes } from './block-comparison.js';
import { ChainSymbols } from './chain-symbols.js';
import type { Difference } from './difference.js';
import { Executor } from './executor.js';
import { FlatChain, isChainFunction } from './flat-chain.js';
import type { Layout } from './flow.js';
import { lineChanges } from './line-info.js';
import { LogFunctions } from './log-function.js';
import type { Code } from './object-code.js';
import { ObjectWorld } from './object-world.js';
import { reaching } from './reach.js';
import { readsTables } from './reads-tables.js';
import { RuleRun } from './rule-run.js';
import { CODE_BITS, type Specification } from './specification.js';
import { bitsOf, State } from './state.js';
import { keepsOnce } from './table/looks.js';
import { TableProof } from './table/table-proof.js';
import { Taker } from './table/taker.js';
import { Walk } from './table/walk.js';
import { Unprovable, unsupported } from './unprovable.js';
import { constant, pointer, unknown, word, type Value } from './value.js';
import { constantBits, constantOf, type Bits } from './words.js';

export interface ChainSettings {
  readonly family: Family;
  readonly code: Code;
  readonly specification: Specification;
  readonly layout: Layout;
  /** Whether diagrams are proved without the quick ways. */
  readonly thorough: boolean;
}

/** What was found of a function that looks rules up, and whether packets come to its end. */
interface TablesProved {
  readonly differences: readonly Difference[];
  readonly falls: boolean;
}

/**
 * The functions of the chains against the rules, for all values of the fields. Rule by rule: wherever the fields of a
 * packet lead at a rule's code, the code behind it does what the rule says, and goes on where the next rule's begins.
 * So each rule is looked at once, whatever stands before it, and the proof grows with the rules and not with the ways
 * through them (a simulation relation between program places and rules, R. Milner 1971).
 */
export class ChainProof extends ChainSymbols {
  readonly differences: Difference[] = [];
  private readonly executor: Executor;
  private readonly world: ObjectWorld;
  private readonly asked: AskedTests;
  private readonly logs: LogFunctions;
  private readonly ends = new Map<string, number | undefined>();
  /** Rules looked at. */
  rules = 0;

  constructor(readonly settings: ChainSettings) {
    const { code, family, specification, layout } = settings;
    super(family, specification, layout);
    this.asked = new AskedTests(code, this.words);
    this.logs = new LogFunctions(code, this.words);
    this.world = new ObjectWorld(this.words, {
      length: this.length,
      lengthAt: this.slotOf('counted length')?.offset,
      flow: this.flow,
      entries: specification.manifest.counters.length,
      call: (placed, state) => this.called(placed, state),
      detour: (at, state) => this.asked.detour(code.functionAround(at), at, state, this.block.asking),
    });
    this.executor = new Executor(code, this.words, this.world);
  }

  /**
   * Proves the function that a call comes to, from rule `from` of `chain` on, and says at which rule the next part
   * begins; undefined where no packet gets there.
   */
  segment(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined {
    const { bytes } = this.settings.layout;
    if ((this.settings.code.flowBytesOf(placed) ?? bytes) !== bytes) throw unsupported('flows of several sizes');
    const name = `${placed.start} ${part} ${from} ${chain}`;
    if (!this.ends.has(name)) {
      this.ends.set(name, undefined);
      const looksUp = readsTables(this.settings.code, placed);
      try {
        this.ends.set(name, looksUp ? this.lookedUp(placed, part, chain, from) : this.walk(placed, part, chain, from));
      } catch (error) {
        // Who then tries another way must not take it for proved.
        this.ends.delete(name);
        throw error;
      }
    }
    return this.ends.get(name);
  }

  /** A function that looks rules up in tables, which must be all that are left of its chain. */
  private lookedUp(placed: PlacedFunction, part: bigint, chain: string, from: number): number | undefined {
    const { length } = this.settings.specification.rules(chain);
    this.rules += length - from;
    const prove = (thorough: boolean, alone: boolean): TablesProved =>
      this.proveTables(placed, part, chain, from, { thorough, alone });
    const once = keepsOnce(this.settings.code, placed, (target) => this.looksUp(target));
    // One diagram from which several hits are taken may be too much for the walk as it is.
    const attempts = [
      ...(this.settings.thorough ? [] : [...(once ? [() => prove(false, true)] : []), () => prove(false, false)]),
      ...(once ? [() => prove(true, true)] : []),
    ];
    const proof = this.firstProved(attempts) ?? prove(true, false);
    this.differences.push(...proof.differences);
    return proof.falls ? length : undefined;
  }

  /** The first of these in which no difference is found; undefined where another one may tell more. */
  private firstProved(attempts: readonly (() => TablesProved)[]): TablesProved | undefined {
    for (const prove of attempts) {
      try {
        const proof = prove();
        if (proof.differences.length === 0) return proof;
      } catch (error) {
        if (!(error instanceof Unprovable)) throw error;
      }
    }
    return undefined;
  }

  private looksUp(target: PlacedFunction): boolean {
    return !isChainFunction(target.name) && readsTables(this.settings.code, target);
  }

  private proveTables(
    placed: PlacedFunction,
    part: bigint,
    chain: string,
    from: number,
    { thorough, alone }: { readonly thorough: boolean; readonly alone: boolean },
  ): TablesProved {
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
      remembers: (target) => AskedTests.answers(target),
      cuts: new Set(lineChanges(code, placed).keys()),
      readsTables: (target) => this.looksUp(target),
      alone,
      taker: (settings, target, slots) => new Taker(settings, target, slots),
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
    const first = this.executor.start(placed, TRUE, [
      pointer(this.flow),
      constant(0),
      constant(part),
      pointer(this.context),
    ]);
    first.memory.reset(this.flow, this.memory);
    starts.set(placed.start, first);
    const blocks: RanBlock[] = [];
    for (;;) {
      const at = Math.min(...starts.keys());
      const state = starts.get(at);
      if (state === undefined) break;
      starts.delete(at);
      this.block = this.blockOf(flat, at, placed);
      const ran = runBlock(this.executor, placed, at, state, this.block, flat);
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
        return outcomesOf(this, block, target, yes);
      };
      const want = new RuleRun(this, { ...stretch, jump }).run();
      if (!jumps) refuseCalls(this, block);
      const done = summarise(ran, this.words);
      falls = bdd.or(falls, done.falls);
      places.set(end, bdd.or(places.get(end) ?? FALSE, done.falls));
      compareBlock(this, block, want, { ...done, reached: places }, ran);
      if (block.isRule) this.rules++;
    }
    if (falls === FALSE) return undefined;
    const { length } = this.settings.specification.rules(chain);
    return this.skipUnreached(chain, end < flat.rules.length ? flat.rules[end].at : Math.max(from, length));
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

  private block: Block = {
    place: 0,
    isRule: false,
    rule: undefined,
    matched: [],
    calls: [],
    asking: { name: '', tests: [], asked: 0 },
  };

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
    const number = bits === undefined ? undefined : constantOf(bits);
    if (!isFlow || number === undefined) throw unsupported('a call of a chain with other arguments');
    return { part: number };
  }
}

function pointerOnly(value: Value | undefined): Value | undefined {
  return value?.kind === 'pointer' ? value : value === undefined ? undefined : unknown('what an earlier rule left');
}
