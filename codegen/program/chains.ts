import type { Condition, Opaque } from '../../grammar/model/condition.js';
import { mayDrop, mayDropMatching, type PayloadTest } from '../../grammar/model/payload.js';
import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Instruction, SourceLine } from '../bytecode/instruction.js';
import {
  alu32,
  alu64,
  callFunction,
  exit,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import { changedField, emitChange } from './changes.js';
import { Code } from './code.js';
import { emitCondition } from './conditions.js';
import { emitCount } from './counters.js';
import { emitEarlyRule } from './early-rule.js';
import {
  costOf,
  diagramWork,
  eligibleChains,
  emitStretch,
  linearWork,
  planChain,
  type EngineTables,
  type Stretch,
  type StretchPlan,
} from './engine/index.js';
import { EXITS } from './exits.js';
import { FLOW_RULE, NO_RULE, type FlowLayout } from './flow.js';
import type { Mode, RejectPolicy } from './manifest.js';
import { PAYLOAD } from './payload/answer.js';
import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Reachable, ReachableChain, ReachableRule, RuleMeaning } from './reachable.js';
import { rejectCode, VERDICT } from './verdict.js';

/** Frames of a call stack are 8 (include/linux/bpf_verifier.h MAX_CALL_FRAMES): entry, the hook's chain, and six below. */
const MAX_HEIGHT = 6;
/** Slots of one function, well inside the reach of 16-bit jumps. */
const MAX_FUNCTION_SLOTS = 24_000;
/** Pending jumps that the verifier keeps are 8192 (kernel/bpf/verifier.c BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const MAX_FUNCTION_BRANCHES = 6_000;
/** Functions of one program are 256 (BPF_MAX_SUBPROGS); beyond this many parts several share a function. */
const MAX_SINGLE_PARTS = 200;
/** Rules whose code is made to know about how long a chain's is. */
const SAMPLED_RULES = 16;
/** Instructions of one program are 1,000,000 (BPF_COMPLEXITY_LIMIT_INSNS). */
const MAX_PROGRAM_SLOTS = 900_000;

/** A ruleset that would be more than the kernel takes. */
export class TooLargeError extends Error {}

export interface ChainSettings {
  readonly family: Family;
  readonly mode: Mode;
  /** Early mode: the flow holds the states that the packet may have. */
  readonly possibleStates?: boolean;
  readonly reject: RejectPolicy;
  readonly layout: FlowLayout;
  /** Start of the names of the functions, unique in the object. */
  readonly prefix: string;
  /** The rule's key in the map `counters`. */
  key(rule: ReachableRule): number;
  meaning(rule: ReachableRule): RuleMeaning;
  line(rule: ReachableRule): SourceLine;
  /** Emits an opaque test that the view can decide. */
  opaque(code: Code, test: Opaque, at: OpaquePlace, ifTrue: string, ifFalse: string): void;
  /** Emits the event of a LOG rule; r1 = context, r6 = flow. */
  log(code: Code, rule: ReachableRule): void;
  /** Whether chain functions get the context where no payload test needs it. */
  readonly context?: boolean;
  /** Emits a target that iptables performs behind the program; the verdict code where it ends (netfilter). */
  readonly left?: (code: Code, rule: ReachableRule) => number | undefined;
  /** Where rules have tests that walk over the packet. */
  readonly payload?: PayloadSettings;
  /** Where long chains are looked up in diagrams (exact mode): their table, and the entry function's bytes of stack. */
  readonly diagrams?: {
    readonly tables: EngineTables;
    readonly entryStack: number;
    /** Whether only where they are expected to be faster. */
    readonly choose: boolean;
  };
  /** Is told how each chain is judged. */
  planned(chain: string, stretches: readonly StretchPlan[]): void;
  /** Where rules have tests that are functions of their own: what these take, below the chain functions. */
  readonly tests?: BelowChains;
}

export interface OpaquePlace {
  readonly rule: ReachableRule;
  /** Which opaque test of the rule it is, from 0. */
  readonly ordinal: number;
  /** Where a packet goes that is dropped at once. */
  readonly hotdrop: string;
}

export interface BelowChains {
  /** Calls below the chain function. */
  readonly depth: number;
  /** Bytes of stack, with those of the entry function. */
  readonly stack: number;
  readonly functions: number;
}

export interface PayloadSettings extends BelowChains {
  /** Name of the function `(ctx, flow) → answer` of a test. */
  nameOf(test: PayloadTest): string;
}

/** A function of the program that holds one or more parts of chains: `(flow, maybe, part) → verdict code`. */
export interface ChainFunction {
  readonly name: string;
  readonly code: Code;
}

interface Part {
  readonly id: number;
  readonly chain: ReachableChain;
  readonly code: Code;
}

/**
 * Compiles chains to functions. r6 points to struct flow in each of them; in early mode r7 is 1 where control is here
 * only if some undecided test says so. Chains whose jumps would nest deeper than the kernel's call stack are inlined.
 */
export class ChainCompiler {
  private readonly labels = { next: 0 };
  private readonly parts: Part[] = [];
  private readonly partsOf = new Map<string, readonly number[]>();
  private readonly inlineBelow: number;
  /** Names of the chains that may be looked up in diagrams. */
  private readonly eligible: ReadonlySet<string>;
  private total = 0;
  /** Chains that are being inlined into one another (early mode). */
  private levels = 0;

  constructor(
    private readonly reachable: Reachable,
    private readonly settings: ChainSettings,
  ) {
    const height = Math.max(reachable.entry.height, reachable.alternative?.height ?? 0);
    this.inlineBelow = Math.max(0, height - mostCalls(below(settings)));
    const { diagrams } = settings;
    if (diagrams === undefined) {
      this.eligible = new Set();
    } else {
      const { entryStack } = diagrams;
      const leafStack = (below(settings)?.stack ?? 0) - entryStack;
      this.eligible = eligibleChains(reachable, { inlineBelow: this.inlineBelow, entryStack, leafStack });
    }
  }

  /** All functions; {@link emitCall} for the entry chain is valid afterwards. */
  compile(): readonly ChainFunction[] {
    // From the leaves up: a caller must know into how many parts a callee was split.
    const chains = [...this.reachable.chains.values()].sort((a, b) => a.height - b.height);
    for (const chain of chains) {
      const root = chain === this.reachable.entry || chain === this.reachable.alternative;
      if (chain.height >= this.inlineBelow || root) this.compileChain(chain);
    }
    return this.packFunctions();
  }

  private compileChain(chain: ReachableChain): void {
    const ids: number[] = [];
    let current = new Code(this.labels);
    const close = (): void => {
      const id = this.parts.length;
      this.parts.push({ id, chain, code: current });
      ids.push(id);
    };
    const add = (block: Code): void => {
      this.total += block.slots;
      if (this.total > MAX_PROGRAM_SLOTS) throw new TooLargeError();
      const full =
        current.slots + block.slots > MAX_FUNCTION_SLOTS || current.branches + block.branches > MAX_FUNCTION_BRANCHES;
      if (full && current.slots > 0) {
        close();
        current = new Code(this.labels);
      }
      current.append(block);
    };
    const plans: StretchPlan[] = [];
    for (const stretch of this.stretchesOf(chain)) {
      const tableBytes = this.settings.diagrams?.tables.bytes ?? 0;
      const looked = stretch.kind === 'diagrams' ? this.stretchCode(stretch) : undefined;
      if (looked !== undefined) {
        add(looked);
        plans.push(this.planOf(stretch, looked.slots, tableBytes));
        continue;
      }
      let slots = 0;
      for (const rule of stretch.rules) {
        const block = new Code(this.labels);
        this.emitRule(block, rule, undefined);
        slots += block.slots;
        add(block);
      }
      if (stretch.rules.length > 0)
        plans.push(this.planOf({ kind: 'linear', rules: stretch.rules }, slots, tableBytes));
    }
    this.settings.planned(chain.name, plans);
    close();
    this.partsOf.set(chain.name, ids);
  }

  /** `before`: bytes of the table before the stretch. */
  private planOf(stretch: Stretch, slots: number, before: number): StretchPlan {
    const base = { rules: stretch.rules.length, codeBytes: 8 * slots };
    if (stretch.kind === 'linear') {
      const none = { tableBytes: 0, diagrams: 0, depth: 0, hits: 0 };
      const work = linearWork(slots);
      return { engine: 'linear', ...base, ...none, nanoseconds: costOf(work), work };
    }
    const { groups, depth, longest } = stretch.classifier;
    const tableBytes = (this.settings.diagrams?.tables.bytes ?? 0) - before;
    const work = diagramWork(stretch.classifier);
    const nanoseconds = costOf(work);
    return { engine: 'dag', ...base, tableBytes, diagrams: groups.length, depth, hits: longest, nanoseconds, work };
  }

  /** Slots of the rules one after the other, from some of them. */
  private slotsOf(rules: readonly ReachableRule[]): number {
    const step = Math.max(1, Math.floor(rules.length / SAMPLED_RULES));
    let slots = 0;
    let sampled = 0;
    for (let i = 0; i < rules.length; i += step, sampled++) {
      const code = new Code(this.labels);
      this.emitRule(code, rules[i], undefined);
      slots += code.slots;
    }
    return sampled === 0 ? 0 : (slots / sampled) * rules.length;
  }

  private stretchesOf(chain: ReachableChain): readonly Stretch[] {
    const { diagrams } = this.settings;
    if (diagrams === undefined || !this.eligible.has(chain.name)) return [{ kind: 'linear', rules: chain.rules }];
    const changing = new Set<Field>();
    for (const { rule } of this.reachable.rules) {
      const { effect } = rule.target;
      if (effect.kind === 'mark') changing.add('mark');
      if (effect.kind === 'opaque' && effect.change !== undefined) changing.add(changedField(effect.change));
    }
    const slotsOf = (rules: readonly ReachableRule[]): number => this.slotsOf(rules);
    return planChain(chain.rules, { ...this.settings, choose: diagrams.choose, slotsOf, changing });
  }

  /** Undefined where the blocks are too large for one function. */
  private stretchCode(stretch: Extract<Stretch, { kind: 'diagrams' }>): Code | undefined {
    const { diagrams } = this.settings;
    if (diagrams === undefined) return undefined;
    const code = new Code(this.labels);
    const { blocks } = stretch;
    const looks = diagrams.tables.add(stretch);
    const emitBlock = ({ rule, matched }: (typeof blocks)[number]): void => {
      if (!matched) return this.emitRule(code, rule, undefined);
      code.at(this.settings.line(rule));
      this.emitAftermath(code, rule, undefined);
      code.at(undefined);
    };
    emitStretch({ code, looks, blocks, emitBlock });
    return code.slots > MAX_FUNCTION_SLOTS || code.branches > MAX_FUNCTION_BRANCHES ? undefined : code;
  }

  /** Functions of one part each, or of several parts of the same height, which never call one another. */
  private packFunctions(): readonly ChainFunction[] {
    const groups: Part[][] = [];
    if (this.parts.length <= MAX_SINGLE_PARTS - (below(this.settings)?.functions ?? 0)) {
      groups.push(...this.parts.map((part) => [part]));
    } else {
      const sorted = [...this.parts].sort((a, b) => a.chain.height - b.chain.height);
      let slots = 0;
      let branches = 0;
      for (const part of sorted) {
        const last = groups[groups.length - 1];
        slots += part.code.slots;
        branches += part.code.branches;
        const fits = slots <= MAX_FUNCTION_SLOTS && branches <= MAX_FUNCTION_BRANCHES;
        if (last !== undefined && fits && last[0].chain.height === part.chain.height) {
          last.push(part);
        } else {
          groups.push([part]);
          slots = part.code.slots;
          branches = part.code.branches;
        }
      }
    }
    groups.forEach((group, index) => group.forEach((part) => this.functionOf.set(part.id, index)));
    return groups.map((group, index) => ({ name: this.nameOf(index), code: this.assembleFunction(group) }));
  }

  /** Filled by {@link packFunctions}; calls name the part until then. */
  private readonly functionOf = new Map<number, number>();

  /** Name of the function that holds the part a call was emitted for. */
  functionFor(reference: string): string {
    if (!reference.startsWith(PART_PREFIX)) return reference;
    const index = this.functionOf.get(Number(reference.slice(PART_PREFIX.length)));
    if (index === undefined) throw new Error(`no function holds ${reference}`);
    return this.nameOf(index);
  }

  private nameOf(index: number): string {
    return `${this.settings.prefix}chain_${index}`;
  }

  private assembleFunction(group: readonly Part[]): Code {
    const code = new Code(this.labels);
    const fell = code.label('fell');
    code.emit(mov64(R0, VERDICT.NEXT), jump64('jne', R1, 0, fell), exit());
    code.place(fell);
    code.emit(mov64(R6, reg(R1)));
    if (this.settings.mode === 'early') code.emit(mov64(R7, reg(R2)), alu64('and', R7, 1));
    if (this.keepsContext) code.emit(store(8, R10, CONTEXT_SLOT, R4));
    if (group.length > 1) {
      for (const part of group.slice(1)) code.emit(jump32('jeq', R3, part.id, partLabel(part.id)));
    }
    group.forEach((part, index) => {
      if (index > 0) code.place(partLabel(part.id));
      code.append(part.code);
      code.emit(mov64(R0, VERDICT.NEXT), exit());
    });
    const early = this.settings.mode === 'early';
    code.place(EXITS.countAndLeave);
    // An early drop is counted when it is certain, which only the entry function knows.
    if (early) code.emit(store(4, R6, FLOW_RULE, R8));
    else emitCount(code, reg(R8), R6);
    code.emit(mov64(R0, reg(R9)));
    code.place(EXITS.leave);
    code.emit(exit());
    code.place(EXITS.pass);
    code.emit(mov64(R0, VERDICT.ACCEPT), exit());
    code.place(EXITS.hotdrop);
    if (early) code.emit(storeImm(4, R6, FLOW_RULE, NO_RULE));
    code.emit(mov64(R0, VERDICT.DROP), exit());
    return code;
  }

  /**
   * Calls all parts of a chain in turn from the entry function (r6 = context); r0 is the verdict code, RETURN or NEXT
   * where the chain came to its end.
   */
  emitCall(code: Code, chain: string, flow: number, maybe: number | { readonly reg: number }): void {
    this.emitParts(code, chain, flow, maybe, mov64(R4, reg(R6)));
  }

  private get keepsContext(): boolean {
    return this.settings.payload !== undefined || this.settings.context === true;
  }

  private emitLog(code: Code, rule: ReachableRule): void {
    code.emit(load(8, R1, R10, CONTEXT_SLOT));
    this.settings.log(code, rule);
  }

  private emitParts(
    code: Code,
    chain: string,
    flow: number,
    maybe: number | { readonly reg: number },
    context: Instruction,
  ): void {
    const ids = this.partsOf.get(chain);
    if (ids === undefined) throw new Error(`chain ${chain} was not compiled`);
    const done = code.label('called');
    ids.forEach((id, index) => {
      code.emit(mov64(R1, reg(flow)), mov64(R2, maybe), mov64(R3, id));
      if (this.keepsContext) code.emit(context);
      code.emit(callFunction(PART_PREFIX + id));
      if (index < ids.length - 1) code.emit(jump64('jne', R0, VERDICT.NEXT, done));
    });
    code.place(done);
  }

  private emitRule(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    code.at(this.settings.line(rule));
    if (this.settings.mode === 'early') this.emitEarlyRule(code, rule, inlined);
    else this.emitExactRule(code, rule, inlined);
    code.at(undefined);
  }

  private emitTest(code: Code, condition: Condition, rule: ReachableRule, yes: string, no: string, hot: string): void {
    const { family, layout } = this.settings;
    let ordinal = 0;
    const opaque = (test: Opaque, ifTrue: string, ifFalse: string): void =>
      this.settings.opaque(code, test, { rule, ordinal: ordinal++, hotdrop: hot }, ifTrue, ifFalse);
    const payload = (test: PayloadTest, ifTrue: string, ifFalse: string): void =>
      this.emitPayload(code, test, ifTrue, ifFalse, hot);
    emitCondition({ code, family, layout, flow: R6, hotdrop: hot, opaque, payload }, condition, yes, no, 'true');
    code.place(yes);
  }

  private emitPayload(code: Code, test: PayloadTest, ifTrue: string, ifFalse: string, hot: string): void {
    const { payload, mode } = this.settings;
    if (payload === undefined) throw new Error(`payload test ${test.kind} came unannounced`);
    code.emit(load(8, R1, R10, CONTEXT_SLOT), mov64(R2, reg(R6)), callFunction(payload.nameOf(test)));
    code.emit(jump64('jeq', R0, PAYLOAD.YES, ifTrue), jump64('jeq', R0, PAYLOAD.NO, ifFalse));
    const unknown = mode === 'early' ? EXITS.pass : EXITS.hotdrop;
    if (!mayDrop(test)) {
      code.emit(goto(unknown));
      return;
    }
    code.emit(jump64('jeq', R0, PAYLOAD.UNKNOWN, unknown));
    if (mode === 'exact' && mayDropMatching(test)) {
      code.emit(jump64('jne', R0, PAYLOAD.DROPPING, hot), storeImm(8, R10, DROPPING_SLOT, 1), goto(ifTrue));
      return;
    }
    code.emit(goto(hot));
  }

  private emitEarlyRule(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    emitEarlyRule({
      code,
      rule,
      possibleStates: this.settings.possibleStates ?? false,
      ...this.settings.meaning(rule),
      reject: this.settings.reject,
      end: inlined?.end,
      test: (condition, yes, no, hotdrop) => this.emitTest(code, condition, rule, yes, no, hotdrop),
      jump: (chain, maybe) => this.emitJump(code, chain, maybe),
    });
  }

  private emitExactRule(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    const yes = code.label('match');
    const no = code.label('next');
    const { condition } = this.settings.meaning(rule);
    const effect = rule.rule.target.effect;
    const late = mayDropBehind(condition);
    const failed = late ? code.label('failed') : no;
    if (late) code.emit(storeImm(8, R10, DROPPING_SLOT, 0));
    this.emitTest(code, condition, rule, yes, failed, EXITS.hotdrop);
    if (late) this.emitDroppedMatch(code, rule);
    const leave = (verdict: number): void =>
      code.emit(mov32(R8, this.settings.key(rule)), mov32(R9, verdict), goto(EXITS.countAndLeave));
    switch (effect.kind) {
      case 'accept':
        leave(VERDICT.ACCEPT);
        break;
      case 'drop':
        leave(VERDICT.DROP);
        break;
      case 'reject':
        leave(this.settings.reject === 'drop' ? VERDICT.DROP : rejectCode(effect.type));
        break;
      case 'return':
        if (inlined === undefined) {
          leave(VERDICT.RETURN);
        } else {
          emitCount(code, this.settings.key(rule), R6);
          code.emit(goto(inlined.end));
        }
        break;
      case 'continue':
      case 'log':
      case 'mark':
      case 'jump':
        emitCount(code, this.settings.key(rule), R6);
        this.emitAftermath(code, rule, inlined);
        break;
      case 'opaque':
        this.emitLeft(code, rule, leave);
        break;
    }
    if (late) {
      code.emit(goto(no));
      code.place(failed);
      code.emit(load(8, R1, R10, DROPPING_SLOT), jump64('jne', R1, 0, EXITS.hotdrop));
    }
    code.place(no);
  }

  /** What a rule does that matches, has been counted, and does not decide by itself. */
  private emitAftermath(code: Code, rule: ReachableRule, inlined: Inlined | undefined): void {
    const { effect } = rule.rule.target;
    if (effect.kind === 'log') this.emitLog(code, rule);
    if (effect.kind === 'mark') this.emitMark(code, effect.clear, effect.flip);
    if (effect.kind !== 'jump') return;
    this.emitJump(code, effect.chain, undefined);
    if (!effect.goto) return;
    if (inlined === undefined) code.emit(mov64(R0, VERDICT.RETURN), exit());
    else code.emit(goto(inlined.end));
  }

  /**
   * A rule that matches a packet which it drops (`mayDropMatching`): it is counted, its target runs, and the packet is
   * dropped behind it. Falls through for other packets; REJECT answers and drops of its own accord.
   */
  private emitDroppedMatch(code: Code, rule: ReachableRule): void {
    const effect = rule.rule.target.effect;
    if (effect.kind === 'reject') return;
    const whole = code.label('whole');
    code.emit(load(8, R1, R10, DROPPING_SLOT), jump64('jeq', R1, 0, whole));
    if (effect.kind === 'log') this.emitLog(code, rule);
    code.emit(mov32(R8, this.settings.key(rule)), mov32(R9, VERDICT.DROP), goto(EXITS.countAndLeave));
    code.place(whole);
  }

  private emitLeft(code: Code, rule: ReachableRule, leave: (verdict: number) => void): void {
    const { effect } = rule.rule.target;
    if (effect.kind === 'opaque' && effect.change !== undefined) {
      emitCount(code, this.settings.key(rule), R6);
      code.emit(load(8, R1, R10, CONTEXT_SLOT));
      emitChange(code, effect.change, this.settings.layout, EXITS.hotdrop);
      return;
    }
    const { left } = this.settings;
    if (left === undefined) throw new Error(`target ${rule.rule.target.name} came to the code generator`);
    const verdict = left(code, rule);
    if (verdict !== undefined) leave(verdict);
  }

  private emitMark(code: Code, clear: number, flip: number): void {
    const offset = this.settings.layout.offsets.get('mark');
    if (offset === undefined) throw new Error('mark is not in the flow');
    code.emit(load(4, R1, R6, offset));
    if (clear !== 0) code.emit(alu32('and', R1, ~clear | 0));
    if (flip !== 0) code.emit(alu32('xor', R1, flip | 0));
    code.emit(store(4, R6, offset, R1));
  }

  /**
   * Runs another chain and falls through where it came to its end; a verdict leaves the function. `maybe` (early
   * mode): the lowest bit of r7 inside, restored afterwards.
   */
  private emitJump(code: Code, chainName: string, maybe: number | { readonly reg: number } | undefined): void {
    const chain = this.reachable.chains.get(chainName);
    if (chain === undefined) throw new Error(`jump to unknown chain ${chainName}`);
    if (chain.height >= this.inlineBelow) {
      this.emitParts(code, chainName, R6, maybe ?? 0, load(8, R4, R10, CONTEXT_SLOT));
      code.emit(jump64('jgt', R0, VERDICT.RETURN, EXITS.leave));
      return;
    }
    // The levels of inlining are bits of r7: what is possible here is the lowest.
    if (maybe !== undefined) {
      if (++this.levels > MAX_LEVELS) throw new TooLargeError();
      if (typeof maybe === 'number') code.emit(alu64('lsh', R7, 1), alu64('or', R7, maybe));
      else code.emit(mov64(R1, reg(R7)), alu64('and', R1, 1), alu64('lsh', R7, 1), alu64('or', R7, reg(R1)));
    }
    const end = code.label('end');
    for (const rule of chain.rules) {
      const block = new Code(this.labels);
      this.emitRule(block, rule, { end });
      code.append(block);
      if (code.slots > MAX_FUNCTION_SLOTS) throw new TooLargeError();
    }
    code.place(end);
    if (maybe === undefined) return;
    this.levels--;
    code.emit(alu64('rsh', R7, 1));
  }
}

interface Inlined {
  /** Where the inlined chain ends. */
  readonly end: string;
}

/** Stack of a chain function below the counters' key: the context, and whether the packet is dropped behind its rule. */
const CONTEXT_SLOT = -16;
const DROPPING_SLOT = -24;
/** Bytes of stack of all frames together (MAX_BPF_STACK), and those of one chain function at most. */
const MAX_STACK = 512;
const CHAIN_STACK = 32;

/** Bits of r7. */
const MAX_LEVELS = 60;

/** How deep chain functions may call one another: the frames and the stack of the kernel's limits are shared. */
function mostCalls(calls: BelowChains | undefined): number {
  if (calls === undefined) return MAX_HEIGHT;
  const frames = MAX_HEIGHT - calls.depth;
  return Math.max(0, Math.min(frames, Math.floor((MAX_STACK - calls.stack) / CHAIN_STACK) - 1));
}

/** What all functions below the chain functions take. */
function below({ payload, tests }: ChainSettings): BelowChains | undefined {
  if (payload === undefined || tests === undefined) return payload ?? tests;
  return {
    depth: Math.max(payload.depth, tests.depth),
    stack: Math.max(payload.stack, tests.stack),
    functions: payload.functions + tests.functions,
  };
}

function mayDropBehind(condition: Condition): boolean {
  let found = false;
  visitCondition(condition, { payload: (test) => (found ||= mayDropMatching(test)) });
  return found;
}

const PART_PREFIX = 'part_';
const partLabel = (id: number): string => `begin_${id}`;
