import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import { findTable, isBuiltin, type Chain, type Ruleset, type Table } from '../../grammar/model/ruleset.js';
import { RulesetFaultError } from './errors.js';

/** The chains of a table by name, checked once as the kernel checks a table when it is loaded. */
export type ChainIndex = ReadonlyMap<string, Chain>;

const indexes = new WeakMap<Table, ChainIndex>();

/** Throws {@link RulesetFaultError} for a table that the kernel would not load. */
export function indexChains(table: Table): ChainIndex {
  const known = indexes.get(table);
  if (known !== undefined) return known;
  const index = new Map(table.chains.map((chain) => [chain.name, chain]));
  checkJumps(index);
  indexes.set(table, index);
  return index;
}

/** A chain without rules and with policy ACCEPT, as the kernel has it in a table that was never loaded. */
const empty = (name: BuiltinChain): Chain => ({ name, policy: 'ACCEPT', rules: [] });

/** The table and the built-in chain at which evaluation starts. */
export function entryChain(
  ruleset: Ruleset,
  tableName: TableName,
  name: BuiltinChain,
): { readonly chain: Chain; readonly index: ChainIndex } {
  const table = findTable(ruleset, tableName);
  if (table === undefined) throw new RulesetFaultError('no-such-table', `there is no table ${tableName}`);
  const index = indexChains(table);
  return { chain: index.get(name) ?? empty(name), index };
}

/** The chain that a jump leads to. */
export function jumpTarget(index: ChainIndex, name: string, from: Chain, number: number): Chain {
  const chain = index.get(name);
  const rule = { chain: from.name, number };
  if (chain === undefined) throw new RulesetFaultError('no-such-chain', `there is no chain ${name}`, rule);
  if (isBuiltin(chain)) throw new RulesetFaultError('jump-to-builtin', `${name} is a built-in chain`, rule);
  return chain;
}

/** mark_source_chains (net/ipv4/netfilter/ip_tables.c) refuses a table in which a chain leads back to itself. */
function checkJumps(index: ChainIndex): void {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (chain: Chain): void => {
    state.set(chain.name, 'open');
    chain.rules.forEach((rule, at) => {
      const effect = rule.target.effect;
      if (effect.kind !== 'jump') return;
      const next = jumpTarget(index, effect.chain, chain, at + 1);
      if (state.get(next.name) === 'open') {
        throw new RulesetFaultError('chain-loop', `${next.name} leads back to itself`, {
          chain: chain.name,
          number: at + 1,
        });
      }
      if (state.get(next.name) === undefined) visit(next);
    });
    state.set(chain.name, 'done');
  };
  for (const chain of index.values()) {
    // A loop that no hook reaches is no fault: the kernel only walks from the built-in chains.
    if (isBuiltin(chain) && state.get(chain.name) === undefined) visit(chain);
  }
}
