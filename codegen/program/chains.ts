import {
  type Instruction,
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
  alu64,
  callFunction,
  exit,
  goto,
  jump32,
  jump64,
  load,
  mov64,
  reg,
  store,
  storeImm,
} from '../bytecode/instruction.js';
import { MAX_FUNCTION_BRANCHES, MAX_FUNCTION_SLOTS, MAX_PROGRAM_SLOTS, TooLargeError } from './chain-limits.js';
import { packed, type Part } from './chain-parts.js';
import { CONTEXT_SLOT, RuleEmitter, type Inlined } from './chain-rule.js';
import { type ChainSettings, below, callsBelow, singleParts } from './chain-settings.js';
import { foldLists, type Step } from '../optimize/index.js';
import { Code } from './code.js';
import {
  type Eligible,
  type Stretch,
  type StretchPlan,
  diagramPlan,
  eligibleChains,
  emitStretch,
  linearPlan,
  linearWork,
  listWork,
  planChain,
  sumOfWork,
  type Work,
} from './engine/index.js';
import { changingFields } from './changes/changing.js';
import { EXITS } from './exits.js';
import { FLOW_RULE, NO_RULE } from './flow.js';
import { emitList } from './list-code.js';
import type { Reachable, ReachableChain, ReachableRule } from './reachable.js';
import { VERDICT } from './verdict.js';
import { emitVisit, VISITS, visitsFunction } from './visits/code.js';

/** Rules whose code is made to know about how long a chain's is. */
const SAMPLED_RULES = 16;

/** A function of the program that holds one or more parts of chains: `(flow, maybe, part) → verdict code`. */
export interface ChainFunction {
  readonly name: string;
  readonly code: Code;
  /** Whether it holds the chain that the entry function calls, and no other one. */
  readonly isFirst: boolean;
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
  /** Chains that may be looked up in diagrams. */
  private readonly eligible: Eligible;
  private total = 0;
  /** Chains that are being inlined into one another (early mode). */
  private levels = 0;
  private readonly rules: RuleEmitter;

  constructor(
    private readonly reachable: Reachable,
    private readonly settings: ChainSettings,
  ) {
    this.rules = new RuleEmitter(settings, (code, chain, maybe) => this.emitJump(code, chain, maybe));
    const { plan } = settings.visits ?? {};
    const height = plan?.height ?? Math.max(reachable.entry.height, reachable.alternative?.height ?? 0);
    this.inlineBelow = Math.max(0, height - callsBelow(settings));
    const { diagrams } = settings;
    if (diagrams === undefined) {
      this.eligible = { chains: new Set(), numbers: 0 };
    } else {
      const { entryStack } = diagrams;
      const leafStack = (below(settings)?.stack ?? 0) - entryStack;
      this.eligible = eligibleChains(reachable, {
        isFunction: (chain) => this.isFunction(chain),
        isCalled: (chain) => plan?.chains.has(chain) !== true,
        framesAbove: plan === undefined ? 0 : 1,
        entryStack,
        leafStack,
      });
    }
  }

  /** All functions; {@link emitCall} for the entry chain is valid afterwards. */
  compile(): readonly ChainFunction[] {
    // From the leaves up: a caller must know into how many parts a callee was split.
    const chains = [...this.reachable.chains.values()].sort((a, b) => a.height - b.height);
    for (const chain of chains) {
      if (this.isFunction(chain)) this.compileChain(chain);
    }
    return [...this.packFunctions(), ...this.visitsFunction()];
  }

  /** Whether a chain has code of its own; the others stand where they are jumped to. */
  private isFunction(chain: ReachableChain): boolean {
    if (chain === this.reachable.entry || chain === this.reachable.alternative) return true;
    const { visits, optimized } = this.settings;
    if (visits?.plan.chains.has(chain.name) === true) return true;
    const height = visits?.plan.heights.get(chain.name) ?? chain.height;
    return height >= this.inlineBelow && optimized?.inlined.has(chain.name) !== true;
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
      if (stretch.kind === 'diagrams' && looked !== undefined) {
        add(looked);
        const bytes = (this.settings.diagrams?.tables.bytes ?? 0) - tableBytes;
        plans.push(diagramPlan(stretch, looked.slots, bytes));
        continue;
      }
      let slots = 0;
      const works: Work[] = [];
      const steps = this.stepsOf(stretch.rules);
      for (const step of steps) {
        const block = new Code(this.labels);
        this.emitStep(block, step, undefined);
        slots += block.slots;
        works.push(this.workOf(step, block));
        add(block);
      }
      if (stretch.rules.length > 0)
        plans.push({
          ...linearPlan(stretch.rules, slots, sumOfWork(works)),
          lists: steps.filter(({ kind }) => kind === 'list').length,
        });
    }
    this.settings.planned(chain.name, plans);
    if (chain !== this.reachable.entry) this.traceEnd(current, chain);
    close();
    this.partsOf.set(chain.name, ids);
  }

  /** A traced packet that comes to the end of a user-defined chain. */
  private traceEnd(code: Code, { name }: ReachableChain): void {
    const { trace } = this.settings;
    if (trace !== undefined) this.rules.trace(code, trace.endOf(name));
  }

  /** Work of the rules one after the other, from some of them. */
  private inTurn(rules: readonly ReachableRule[]): Work {
    const steps = this.stepsOf(rules);
    const every = Math.max(1, Math.floor(steps.length / SAMPLED_RULES));
    const works: Work[] = [];
    for (let i = 0; i < steps.length; i += every) {
      const code = new Code(this.labels);
      this.emitStep(code, steps[i], undefined);
      works.push(this.workOf(steps[i], code));
    }
    return sumOfWork(works, works.length === 0 ? 0 : steps.length / works.length);
  }

  /** Rules that are judged in turn, and lists of them that are looked up by halves. */
  private stepsOf(rules: readonly ReachableRule[]): readonly Step<ReachableRule>[] {
    if (this.settings.optimized?.lists !== true) return rules.map((rule) => ({ kind: 'rule', rule }));
    return foldLists(rules, (rule) => this.settings.meaning(rule).condition, this.settings.family);
  }

  private emitStep(code: Code, step: Step<ReachableRule>, inlined: Inlined | undefined): void {
    const { settings } = this;
    if (step.kind === 'rule') return this.rules.emit(code, step.rule, inlined);
    const leaveChain = (end: string): void => {
      this.rules.count(code, reg(R8));
      code.emit(goto(end));
    };
    emitList({ code, settings, ...(inlined === undefined ? {} : { leaveChain: () => leaveChain(inlined.end) }) }, step);
  }

  private workOf(step: Step<ReachableRule>, { slots }: Code): Work {
    return step.kind === 'rule' ? linearWork(slots) : listWork(step.segments.length, slots);
  }

  private stretchesOf(chain: ReachableChain): readonly Stretch[] {
    const { diagrams } = this.settings;
    if (diagrams === undefined || !this.eligible.chains.has(chain.name))
      return [{ kind: 'linear', rules: chain.rules }];
    const changing = changingFields(this.reachable.rules, this.settings.changes === true);
    const inTurn = (rules: readonly ReachableRule[]): Work => this.inTurn(rules);
    const { numbers } = this.eligible;
    return planChain(chain.rules, { ...this.settings, choose: diagrams.choose, numbers, inTurn, changing });
  }

  /** Undefined where the blocks are too large for one function. */
  private stretchCode(stretch: Extract<Stretch, { kind: 'diagrams' }>): Code | undefined {
    const { diagrams } = this.settings;
    if (diagrams?.tables.hasRoomFor(stretch) !== true) return undefined;
    const code = new Code(this.labels);
    const { blocks } = stretch;
    const looks = diagrams.tables.add(stretch);
    const emitBlock = ({ rule, matched }: (typeof blocks)[number]): void => {
      if (!matched) return this.rules.emit(code, rule, undefined);
      code.at(this.settings.line(rule));
      this.rules.emitAftermath(code, rule, undefined);
      code.at(undefined);
    };
    const { counters, layout } = this.settings;
    emitStretch({ code, looks, blocks, counters, times: layout.visits?.times, emitBlock });
    return code.slots > MAX_FUNCTION_SLOTS || code.branches > MAX_FUNCTION_BRANCHES ? undefined : code;
  }

  /** Functions of one part each, or of several parts of the same height, which never call one another. */
  private packFunctions(): readonly ChainFunction[] {
    const { plan } = this.settings.visits ?? {};
    // Chains that are judged once never call one another.
    const levelOf = ({ name, height }: ReachableChain): number =>
      plan === undefined ? height : (plan.heights.get(name) ?? -1);
    const groups = packed(this.parts, singleParts(this.settings), levelOf);
    groups.forEach((group, index) => group.forEach((part) => this.functionOf.set(part.id, index)));
    return groups.map((group, index) => ({
      name: this.nameOf(index),
      code: this.assembleFunction(group),
      isFirst: group.every(({ chain }) => chain === this.reachable.entry),
    }));
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
    else this.rules.count(code, reg(R8));
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
    if (this.settings.visits === undefined) return this.emitParts(code, chain, flow, maybe, mov64(R4, reg(R6)));
    code.emit(mov64(R1, reg(flow)), mov64(R2, maybe), mov64(R3, 0));
    if (this.keepsContext) code.emit(mov64(R4, reg(R6)));
    code.emit(callFunction(this.visitsName));
  }

  private get visitsName(): string {
    return `${this.settings.prefix}${VISITS}`;
  }

  /** What runs chains that are judged once for all jumps to them, and the first one. */
  private visitsFunction(): readonly ChainFunction[] {
    const { keepsContext, visitsName: name } = this;
    const { visits } = this.settings;
    const offsets = this.settings.layout.visits;
    if (visits === undefined || offsets === undefined) return [];
    const emitCall = (code: Code, chain: string): void =>
      this.emitParts(code, chain, R6, 0, load(8, R4, R10, CONTEXT_SLOT));
    const entry = this.reachable.entry.name;
    // Of chains that the optimizer has found nobody to come to there is no code.
    const order = visits.plan.order.filter((chain) => this.partsOf.has(chain.name));
    const code = visitsFunction({ order, offsets, entry, keepsContext, emitCall });
    return [{ name, code, isFirst: false }];
  }

  private get keepsContext(): boolean {
    return this.settings.payload !== undefined || this.settings.context === true;
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

  /**
   * Runs another chain and falls through where it came to its end; a verdict leaves the function. `maybe` (early
   * mode): the lowest bit of r7 inside, restored afterwards.
   */
  private emitJump(code: Code, chainName: string, maybe: number | { readonly reg: number } | undefined): void {
    const chain = this.reachable.chains.get(chainName);
    if (chain === undefined) throw new Error(`jump to unknown chain ${chainName}`);
    const { visits, layout } = this.settings;
    const visited = visits?.plan.chains.get(chainName);
    if (visited !== undefined && layout.visits !== undefined) return emitVisit(code, visited, layout.visits);
    if (this.isFunction(chain)) {
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
    for (const step of this.stepsOf(chain.rules)) {
      const block = new Code(this.labels);
      this.emitStep(block, step, { end });
      code.append(block);
      if (code.slots > MAX_FUNCTION_SLOTS) throw new TooLargeError();
    }
    this.traceEnd(code, chain);
    code.place(end);
    if (maybe === undefined) return;
    this.levels--;
    code.emit(alu64('rsh', R7, 1));
  }
}

/** Bits of r7. */
const MAX_LEVELS = 60;

const PART_PREFIX = 'part_';
const partLabel = (id: number): string => `begin_${id}`;
