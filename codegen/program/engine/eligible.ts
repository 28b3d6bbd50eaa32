import { MAX_DIMENSIONS } from '../../classify/index.js';
import type { Reachable, ReachableChain } from '../reachable.js';
import { LEAST_RULES } from './segment.js';
import { DIAGRAM_STACK } from './stretch-code.js';

/** Stack of all frames together (MAX_BPF_STACK), of which a frame takes multiples of 32 bytes. */
const MAX_STACK = 512;
const CHAIN_STACK = 32;
/** Frames of a call stack (MAX_CALL_FRAMES): one is the entry function's, two are for the look-up. */
const MOST_FRAMES = 8;
const OTHER_FRAMES = 3;
/** Bytes of stack of the functions that look up, with so many numbers; each one more takes 4. */
const LOOK_STACK = 64;
const FEW_NUMBERS = 12;

export interface StackLimits {
  /** Others are part of those that jump to them. */
  isFunction(chain: ReachableChain): boolean;
  /** Whether those that jump to it call it. */
  isCalled(chain: string): boolean;
  /** Frames between the entry function and the chain that packets come to first, of 32 bytes each. */
  readonly framesAbove: number;
  /** Bytes of the entry function. */
  readonly entryStack: number;
  /** Bytes of what is called by chains and is no chain. */
  readonly leafStack: number;
}

export interface Eligible {
  readonly chains: ReadonlySet<string>;
  /** Numbers that the diagrams of one chain may ask for: those lie on the stack. */
  readonly numbers: number;
}

/**
 * Long chains that can be looked up in diagrams, the longest first as far as the kernel's limits go: they take more stack
 * than others, and frames for the look-up.
 */
export function eligibleChains(reachable: Reachable, limits: StackLimits): Eligible {
  const calls = new CallGraph(reachable, limits);
  const mostFrames = MOST_FRAMES - OTHER_FRAMES - limits.framesAbove;
  const entryStack = limits.entryStack + CHAIN_STACK * limits.framesAbove;
  const chosen = new Set<string>();
  const leaf = entryStack + Math.max(LOOK_STACK, limits.leafStack);
  const candidates = calls.chains
    .filter(({ name, rules }) => rules.length >= LEAST_RULES && calls.framesTo(name) <= mostFrames)
    .sort((a, b) => b.rules.length - a.rules.length);
  for (const { name } of candidates) {
    chosen.add(name);
    if (leaf + calls.deepestStack(chosen) > MAX_STACK) chosen.delete(name);
  }
  const room = MAX_STACK - entryStack - LOOK_STACK - calls.deepestStack(chosen);
  const more = (CHAIN_STACK / 4) * Math.max(0, Math.floor(room / CHAIN_STACK));
  return { chains: chosen, numbers: Math.min(MAX_DIMENSIONS, FEW_NUMBERS + more) };
}

/** Which chain's function calls which. */
class CallGraph {
  /** Each behind all that it calls. */
  readonly chains: readonly ReachableChain[];
  private readonly callees = new Map<string, ReadonlySet<string>>();
  private readonly frames = new Map<string, number>();

  constructor(
    private readonly reachable: Reachable,
    private readonly limits: Pick<StackLimits, 'isFunction' | 'isCalled'>,
  ) {
    this.chains = [...reachable.chains.values()]
      .filter((chain) => limits.isFunction(chain))
      .sort((a, b) => a.height - b.height);
    const names = new Set(this.chains.map(({ name }) => name));
    for (const { name, rules } of this.chains) {
      const targets = rules.flatMap(({ rule: { target } }) =>
        target.effect.kind === 'jump' ? [target.effect.chain] : [],
      );
      this.callees.set(name, new Set(targets.filter((target) => names.has(target) && limits.isCalled(target))));
    }
    for (const { name } of [...this.chains].reverse()) {
      const own = this.frames.get(name) ?? 1;
      this.frames.set(name, own);
      for (const callee of this.callees.get(name) ?? []) {
        this.frames.set(callee, Math.max(this.frames.get(callee) ?? 0, own + 1));
      }
    }
  }

  /** Most frames of chains on the way to this one, its own with them. */
  framesTo(name: string): number {
    return this.frames.get(name) ?? 1;
  }

  /** Most bytes of stack of chains that call one another, if those `chosen` are looked up in diagrams. */
  deepestStack(chosen: ReadonlySet<string>): number {
    const bytes = new Map<string, number>();
    for (const { name } of this.chains) {
      const below = Math.max(0, ...[...(this.callees.get(name) ?? [])].map((callee) => bytes.get(callee) ?? 0));
      bytes.set(name, below + (chosen.has(name) ? DIAGRAM_STACK : CHAIN_STACK));
    }
    const { entry, alternative } = this.reachable;
    const isTop = ({ name }: ReachableChain): boolean =>
      name === entry.name || name === alternative?.name || !this.limits.isCalled(name);
    return this.chains.filter(isTop).reduce((most, { name }) => Math.max(most, bytes.get(name) ?? 0), 0);
  }
}
