import { compile, type ChainPlan } from '../../codegen/program/index.js';
import type { Hook } from '../../codegen/program/manifest.js';
import type { BuiltinChain } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import type { ChainStatus } from './translation.js';

/** What the object of a chain is like. */
export interface ObjectFigures {
  readonly hook: Hook;
  readonly table: string;
  readonly chain: BuiltinChain;
  /** Of the ELF file. */
  readonly bytes: number;
  /** How the chain, and those that it reaches, are judged. */
  readonly plans: readonly ChainPlan[];
}

/** Figures of each built-in chain at the first hook that takes it exactly; chains that none takes have none. */
export function objectFigures(ruleset: Ruleset, status: readonly ChainStatus[]): readonly ObjectFigures[] {
  const first = new Map<string, ChainStatus>();
  for (const one of status) {
    const key = `${one.table} ${one.chain}`;
    if (one.exact && !first.has(key)) first.set(key, one);
  }
  return [...first.values()].flatMap(({ hook, chain, table }) => {
    const result = compile(ruleset, { hook, chain });
    return result.ok ? [{ hook, table, chain, bytes: result.object.length, plans: result.plans }] : [];
  });
}
