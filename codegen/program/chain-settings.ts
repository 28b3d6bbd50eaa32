import type { Opaque } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { SourceLine } from '../bytecode/instruction.js';
import { FEW_LOOKING_UP, MAX_SINGLE_PARTS, mostCalls, TooLargeError, type BelowChains } from './chain-limits.js';
import { Code } from './code.js';
import { EngineTables, type StretchPlan } from './engine/index.js';
import type { FlowLayout } from './flow.js';
import type { Mode, RejectPolicy } from './manifest.js';
import type { TraceSettings } from './trace.js';
import type { ReachableRule, RuleMeaning } from './reachable.js';
import type { VisitPlan } from './visits/plan.js';

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
  /** How many counters the object has. */
  readonly counters: number;
  meaning(rule: ReachableRule): RuleMeaning;
  line(rule: ReachableRule): SourceLine;
  /** Emits an opaque test that the view can decide. */
  opaque(code: Code, test: Opaque, at: OpaquePlace, ifTrue: string, ifFalse: string): void;
  /** Emits the event of a LOG rule; r1 = context, r6 = flow. */
  log(code: Code, rule: ReachableRule): void;
  /** Nothing is counted: the chain is gone through to find out where a packet comes to. */
  readonly silent?: boolean;
  /** Whether chain functions get the context where no payload test needs it. */
  readonly context?: boolean;
  /** Whether targets change packets where their rules stand. */
  readonly changes?: boolean;
  /** Where packets may be traced. */
  readonly trace?: TraceSettings;
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
  /** What the optimizer has found (exact mode); without it rules are judged one by one, and chains are functions. */
  readonly optimized?: {
    readonly inlined: ReadonlySet<string>;
    /** Whether lists are looked up by halves. */
    readonly lists: boolean;
  };
  /** Chains that are judged once for all jumps to them (exact mode), and the entry function's bytes of stack. */
  readonly visits?: { readonly plan: VisitPlan; readonly entryStack: number };
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

export interface PayloadSettings extends BelowChains {
  /** Name of the function `(ctx, flow) → answer` of a test. */
  nameOf(test: PayloadTest): string;
}

/** What all functions below the chain functions take. */
export function below({ payload, tests }: ChainSettings): BelowChains | undefined {
  if (payload === undefined || tests === undefined) return payload ?? tests;
  return {
    depth: Math.max(payload.depth, tests.depth),
    stack: Math.max(payload.stack, tests.stack),
    functions: payload.functions + tests.functions,
  };
}

/** How deep chain functions may call one another, below the first. */
export function callsBelow(settings: ChainSettings): number {
  const { visits } = settings;
  const calls = below(settings);
  if (visits === undefined) return mostCalls(calls);
  // Between the entry function and the first chain is what runs chains that are judged once.
  const { depth, stack, functions } = calls ?? { depth: 0, stack: 0, functions: 0 };
  const most = mostCalls({ depth, stack: Math.max(stack, visits.entryStack), functions }) - 1;
  if (most < 0) throw new TooLargeError();
  return most;
}

/** Parts of chains that may be functions of their own, beside all other functions. */
export function singleParts(settings: ChainSettings): number {
  const { diagrams, visits } = settings;
  const lookingUp = Math.max(0, (diagrams?.tables.functionCount ?? 0) - FEW_LOOKING_UP);
  return MAX_SINGLE_PARTS - (below(settings)?.functions ?? 0) - lookingUp - (visits === undefined ? 0 : 1);
}
