import { BUILTIN_CHAINS, type BuiltinChain, isLeaving, type TableName } from '../../../grammar/model/family.js';
import { findChain, findTable, type Ruleset, type Table } from '../../../grammar/model/ruleset.js';
import type { CompileOptions } from '../manifest.js';
import { chainsAt, isSocketHook, isWireHook } from '../place.js';
import { marksTraced } from '../surroundings.js';
import { failure, type Failure } from './failure.js';

export type ChainOptions = CompileOptions & {
  readonly chain: BuiltinChain;
  /** The chains that the object will judge; at netfilter all of table filter if left out. */
  readonly together?: readonly BuiltinChain[];
};

/** What is asked for, found in the dump. */
export interface JudgedChain {
  readonly ok: true;
  readonly table: Table;
  readonly policy: 'ACCEPT' | 'DROP';
}

/** The chain that is asked for; fails where no hook of this kind could ever judge it, or the dump does not have it. */
export function findJudged(ruleset: Ruleset, options: ChainOptions): JudgedChain | Failure {
  const { hook, chain } = options;
  if (!isWireHook(hook) && options.mode === 'early') {
    const hint = hook === 'netfilter' ? 'at netfilter the state is known: use exact' : 'use exact mode';
    return failure('no-mode', 'early objects are for hooks on the wire', hint);
  }
  if (isSocketHook(hook) && (options.table ?? 'filter') !== 'filter') {
    return failure('no-hook', `table ${options.table} stays with the kernel at hook ${hook}`);
  }
  if (isSocketHook(hook) && !chainsAt(hook).includes(chain)) {
    const seen = hook === 'cgroup' ? 'what sockets get and send' : 'what a socket gets';
    return failure('no-hook', `chain ${chain} cannot be compiled for ${hook}: programs there see ${seen}`);
  }
  if (hook === 'xdp' && isLeaving(chain)) {
    return failure('no-hook', `XDP sees arriving packets alone; chain ${chain} is about leaving ones`, 'use --hook tc');
  }
  const tableName = chooseTable(ruleset, options);
  if (typeof tableName !== 'string') return tableName;
  if (tableName === 'nat') return failure('no-hook', 'table nat stays with the kernel');
  const table = findTable(ruleset, tableName);
  const entry = table && findChain(table, chain);
  if (table === undefined || entry?.policy === undefined) {
    return failure('no-table', `the dump has no table ${tableName}`, 'see --table');
  }
  if (hook === 'netfilter' && tableName !== 'filter') {
    if (options.shadow === true) return failure('no-shadow', 'with iptables table filter alone is compared');
    if (marksTraced(ruleset)) {
      return failure(
        'no-hook',
        `packets are traced: what they meet in table ${tableName} is told by iptables alone (keep that table with iptables, or take the rules with TRACE out)`,
      );
    }
  }
  return { ok: true, table, policy: entry.policy };
}

/** The table meant: the one asked for, `filter`, or for PREROUTING the only one of raw and mangle with rules. */
function chooseTable(ruleset: Ruleset, options: ChainOptions): TableName | Failure {
  const { chain, table } = options;
  if (table !== undefined) {
    if (!BUILTIN_CHAINS[table].includes(chain)) return failure('no-chain', `table ${table} has no chain ${chain}`);
    return table;
  }
  if (chain === 'POSTROUTING') return 'mangle';
  if (chain !== 'PREROUTING') return 'filter';
  const candidates = (['raw', 'mangle'] as const).filter((name) => {
    const found = findTable(ruleset, name);
    return found !== undefined && (findChain(found, chain)?.rules.length ?? 0) > 0;
  });
  if (candidates.length > 1) {
    return failure('ambiguous-table', 'tables raw and mangle both have rules in PREROUTING', 'say which with --table');
  }
  return candidates[0] ?? (findTable(ruleset, 'raw') !== undefined ? 'raw' : 'mangle');
}
