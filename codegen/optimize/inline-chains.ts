import { targetOf, type Program, type ProgramRule } from './model.js';

/**
 * Chains that one rule alone jumps to, with fewer rules than `longest`, themselves and what they jump to: their rules can stand
 * where that rule stands, without a call.
 */
export function inlinedChains<R extends ProgramRule>(program: Program<R>, longest: number): ReadonlySet<string> {
  const jumps = new Map<string, number>();
  for (const { rules } of program.chains.values()) {
    for (const rule of rules) {
      const target = targetOf(rule);
      if (target !== undefined) jumps.set(target, (jumps.get(target) ?? 0) + 1);
    }
  }
  /** Rules that would stand in the place of the jump; undefined where the chain stays a function. */
  const sizes = new Map<string, number>();
  const chains = [...program.chains.values()].sort((a, b) => a.height - b.height);
  for (const { name, rules } of chains) {
    if (name === program.entry.name || jumps.get(name) !== 1) continue;
    let size = rules.length;
    for (const rule of rules) {
      const target = targetOf(rule);
      if (target !== undefined) size += sizes.get(target) ?? Infinity;
    }
    if (size < longest) sizes.set(name, size);
  }
  return new Set(sizes.keys());
}
