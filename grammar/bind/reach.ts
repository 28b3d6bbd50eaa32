import type { Diagnostic } from '../model/diagnostic.js';
import { BUILTIN_CHAINS, type BuiltinChain, type TableName } from '../model/family.js';
import type { Rule } from '../model/ruleset.js';
import { problem } from '../syntax/index.js';
import type { HookNeed } from './bind-module.js';

interface ChainRules {
  readonly name: string;
  readonly policy?: string;
  readonly rules: readonly Rule[];
}

/**
 * Faults that the kernel finds by walking the chains from each hook: loops, and modules below a hook that does not
 * allow them (`mark_source_chains`, `xt_check_match`, `xt_check_target`). As there, what stands behind an
 * unconditional verdict is not walked, and a loop that no hook reaches is none.
 */
export function reachFaults(
  table: TableName,
  chains: ReadonlyMap<string, ChainRules>,
  hookNeeds: ReadonlyMap<Rule, readonly HookNeed[]>,
): readonly Diagnostic[] {
  const faults: Diagnostic[] = [];
  const told = new Set<Rule>();
  for (const hook of BUILTIN_CHAINS[table]) {
    const start = chains.get(hook);
    if (start === undefined) continue;
    walk(start, chains, (rule, path) => {
      const fault = path === undefined ? misplaced(hookNeeds.get(rule), hook) : pathFault(rule, path);
      if (fault === undefined || told.has(rule)) return;
      told.add(rule);
      faults.push(fault);
    });
  }
  return faults;
}

/** Chains below each other: what walks over them later is recursive. `iptables-nft` itself takes 16. */
const MOST_NESTED = 1000;

/** What is wrong with the way to a rule. */
type Path = { readonly circle: readonly string[] } | 'too deep';

/** Calls `visit` for each rule that the walk meets, with the chains of the circle for one that closes a circle. */
function walk(
  start: ChainRules,
  chains: ReadonlyMap<string, ChainRules>,
  visit: (rule: Rule, path?: Path) => void,
): void {
  const walked = new Set([start]);
  const path = [{ chain: start, next: 0 }];
  while (path.length > 0) {
    const top = path[path.length - 1];
    const rule = top.chain.rules[top.next++];
    if (rule === undefined) {
      path.pop();
      continue;
    }
    visit(rule);
    if (isFinal(rule)) top.next = top.chain.rules.length;
    const callee = rule.target.effect.kind === 'jump' ? chains.get(rule.target.effect.chain) : undefined;
    if (callee === undefined) continue;
    const from = path.findIndex(({ chain }) => chain === callee);
    if (from >= 0) visit(rule, { circle: [...path.slice(from), path[from]].map(({ chain }) => chain.name) });
    if (walked.has(callee)) continue;
    walked.add(callee);
    if (path.length > MOST_NESTED) {
      visit(rule, 'too deep');
      continue;
    }
    path.push({ chain: callee, next: 0 });
  }
}

/** A verdict of the chain engine in a rule without any test. */
function isFinal({ head, matches, target }: Rule): boolean {
  if (matches.length > 0 || head.kind !== 'all' || head.of.length > 0) return false;
  const { effect } = target;
  return (
    effect.kind === 'accept' ||
    effect.kind === 'drop' ||
    effect.kind === 'return' ||
    (effect.kind === 'opaque' && effect.target === 'QUEUE')
  );
}

/** The first module that the hook does not allow. */
export function misplaced(needs: readonly HookNeed[] | undefined, hook: BuiltinChain): Diagnostic | undefined {
  const need = needs?.find(({ hooks }) => !hooks.includes(hook));
  if (need === undefined) return undefined;
  const hint = `it can stand in ${need.hooks.join(', ')} and in chains reached from these alone`;
  return problem('wrong-hook', need.at, `${need.name} cannot stand where ${hook} reaches it`, hint);
}

function pathFault(rule: Rule, path: Path): Diagnostic {
  if (path !== 'too deep') {
    return problem('chain-loop', rule.range, `chains call each other in a circle: ${path.circle.join(' → ')}`);
  }
  return problem('chain-too-deep', rule.range, `chains call each other more than ${MOST_NESTED} deep`);
}
