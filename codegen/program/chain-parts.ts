import { MAX_FUNCTION_BRANCHES, MAX_FUNCTION_SLOTS } from './chain-limits.js';
import type { Code } from './code.js';
import type { ReachableChain } from './reachable.js';

/** Code of a chain, or of as much of it as one function holds. */
export interface Part {
  readonly id: number;
  readonly chain: ReachableChain;
  readonly code: Code;
}

/**
 * Which parts are a function together: each is one by itself where there are at most so many, else those of chains of the same
 * level share functions, as they never call one another.
 */
export function packed(
  parts: readonly Part[],
  singles: number,
  levelOf: (chain: ReachableChain) => number,
): readonly (readonly Part[])[] {
  if (parts.length <= singles) return parts.map((part) => [part]);
  const groups: Part[][] = [];
  let slots = 0;
  let branches = 0;
  for (const part of [...parts].sort((a, b) => levelOf(a.chain) - levelOf(b.chain))) {
    const last = groups.at(-1);
    slots += part.code.slots;
    branches += part.code.branches;
    const fits = slots <= MAX_FUNCTION_SLOTS && branches <= MAX_FUNCTION_BRANCHES;
    if (last !== undefined && fits && levelOf(last[0].chain) === levelOf(part.chain)) {
      last.push(part);
    } else {
      groups.push([part]);
      slots = part.code.slots;
      branches = part.code.branches;
    }
  }
  return groups;
}
