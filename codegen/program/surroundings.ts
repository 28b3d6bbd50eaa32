import type { Diagnostic } from '../../grammar/model/diagnostic.js';
import { type BuiltinChain, isLeaving, type TableName } from '../../grammar/model/family.js';
import { findChain, findTable, type Rule, type Ruleset, type Table } from '../../grammar/model/ruleset.js';
import type { Field } from '../../grammar/model/fields.js';
import { unquote } from '../../grammar/syntax/index.js';
import { RETOLD, RETOLD_BY_SEGMENT_SIZE, retoldFields } from './changes/kinds.js';
import type { Hook } from './manifest.js';
import { isSocketHook, type Asking, type View } from './place.js';

/** A chain of a table. */
export type Place = readonly [TableName, BuiltinChain];

/** Chains that run between the hook and the compiled chain (ingress), or between the chain and the hook (egress). */
export const BETWEEN: Readonly<Record<BuiltinChain, readonly Place[]>> = {
  PREROUTING: [['raw', 'PREROUTING']],
  INPUT: [
    ['raw', 'PREROUTING'],
    ['mangle', 'PREROUTING'],
    ['nat', 'PREROUTING'],
    ['mangle', 'INPUT'],
  ],
  FORWARD: [
    ['raw', 'PREROUTING'],
    ['mangle', 'PREROUTING'],
    ['nat', 'PREROUTING'],
    ['mangle', 'FORWARD'],
  ],
  OUTPUT: [
    ['mangle', 'POSTROUTING'],
    ['nat', 'POSTROUTING'],
  ],
  POSTROUTING: [
    ['security', 'POSTROUTING'],
    ['nat', 'POSTROUTING'],
  ],
};

/**
 * The same for programs at sockets, which run behind all chains: packets have passed all of INPUT, or POSTROUTING (ip_finish_output).
 */
const BEFORE_SOCKETS: Readonly<Partial<Record<BuiltinChain, readonly Place[]>>> = {
  INPUT: [
    ['security', 'INPUT'],
    ['nat', 'INPUT'],
  ],
  OUTPUT: [['security', 'OUTPUT'], ...BETWEEN.OUTPUT, ['security', 'POSTROUTING']],
};

/** The order in which tables come at a hook (include/uapi/linux/netfilter_ipv4.h nf_ip_hook_priorities). */
const ORDER: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];

/** Chains between the hook and the chain of a table. In INPUT table nat maps sources behind all others (NF_IP_PRI_NAT_SRC). */
function placesBetween({ hook, table, chain }: Judged): readonly Place[] {
  if (hook === 'netfilter') return [];
  if (isSocketHook(hook)) return BEFORE_SOCKETS[chain] ?? [];
  const own = ORDER.indexOf(table);
  const others = BETWEEN[chain].filter(([, at]) => at !== chain);
  if (chain === 'POSTROUTING') return BETWEEN.POSTROUTING;
  if (isLeaving(chain)) return [...ORDER.slice(own + 1).map((name): Place => [name, chain]), ...others];
  const before = ORDER.slice(0, own).filter((name) => name !== 'nat' || chain !== 'INPUT');
  return [...others, ...before.map((name): Place => [name, chain])];
}

const MARKING = new Set(['MARK', 'CONNMARK', 'HMARK', 'TPROXY', 'CONNSECMARK']);
const REWRITING = new Set(['DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT', 'NETMAP', 'DNPT', 'SNPT', 'BALANCE', 'SAME']);

/** A chain as a hook judges it. */
export interface Judged {
  readonly hook: Hook;
  readonly table: TableName;
  readonly chain: BuiltinChain;
}

interface Found {
  readonly place: Place;
  readonly rule: Rule;
}

/** Rules of the chains between hook and chain (and of chains they jump to) that satisfy `wanted`. */
function findBetween(ruleset: Ruleset, judged: Judged, wanted: (rule: Rule) => boolean): Found | undefined {
  for (const place of placesBetween(judged)) {
    if (place[0] === judged.table && place[1] === judged.chain) continue;
    const other = findTable(ruleset, place[0]);
    if (other === undefined) continue;
    const rule = findRule(other, place[1], wanted, new Set());
    if (rule !== undefined) return { place, rule };
  }
  return undefined;
}

/** The first rule of a chain, or of those that it jumps to, that satisfies `wanted`. */
export function findRule(
  table: Table,
  name: string,
  wanted: (rule: Rule) => boolean,
  seen: Set<string>,
): Rule | undefined {
  if (seen.has(name)) return undefined;
  seen.add(name);
  for (const rule of findChain(table, name)?.rules ?? []) {
    if (wanted(rule)) return rule;
    const effect = rule.target.effect;
    if (effect.kind !== 'jump') continue;
    const below = findRule(table, effect.chain, wanted, seen);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** Where a rule stands, for people. */
export function describe(found: Found): string {
  return `table ${found.place[0]}, chain ${found.place[1]}, line ${found.rule.range.line}`;
}

/** Where the dump changes the mark between the hook and the chain, so that the hook does not know it. */
export function markChange(ruleset: Ruleset, judged: Judged): string | undefined {
  const found = findBetween(
    ruleset,
    judged,
    (rule) => rule.target.effect.kind === 'mark' || MARKING.has(rule.target.name ?? ''),
  );
  return found === undefined ? undefined : describe(found);
}

function retoldBy({ target: { name, effect } }: Rule): readonly Field[] {
  if (name === 'TCPMSS') return RETOLD_BY_SEGMENT_SIZE;
  return effect.kind === 'opaque' && effect.change !== undefined ? retoldFields(effect.change) : [];
}

/** Fields that the dump changes between the hook and the chain, and where: the hook does not know them. */
export function headerChanges(ruleset: Ruleset, judged: Judged): ReadonlyMap<Field, string> {
  const changed = new Map<Field, string>();
  for (const field of RETOLD) {
    const found = findBetween(ruleset, judged, (rule) => retoldBy(rule).includes(field));
    if (found !== undefined) changed.set(field, describe(found));
  }
  return changed;
}

/**
 * Whether an answer about addresses and devices at the beginning of table mangle may be another one in table filter:
 * rules of mangle may choose another route or change a set, and table nat another destination.
 */
function changesBehindMangle(ruleset: Ruleset, chain: BuiltinChain): boolean {
  if (chain === 'OUTPUT' && addressRewriting(ruleset) !== undefined) return true;
  const mangle = findTable(ruleset, 'mangle');
  const changes = ({ target }: Rule): boolean =>
    target.effect.kind === 'mark' || MARKING.has(target.name ?? '') || target.name === 'SET';
  return mangle !== undefined && findRule(mangle, chain, changes, new Set()) !== undefined;
}

/** Which answers at the beginning of table mangle are the same in table filter. */
export function askingAt(ruleset: Ruleset, chain: BuiltinChain): Asking {
  // A mapping that table nat makes changes the reply's half of the entry.
  const connection = chain !== 'OUTPUT' || addressRewriting(ruleset) === undefined;
  const marking = (['mangle', 'nat', 'filter'] as const).some((name) => {
    const table = findTable(ruleset, name);
    return table !== undefined && findRule(table, chain, ({ target }) => target.name === 'CONNMARK', new Set());
  });
  const everything = connection && passesMangle(ruleset, chain);
  return {
    addresses: !changesBehindMangle(ruleset, chain),
    connection,
    connectionMark: !marking,
    everything,
    estimators: estimatorsOf(ruleset),
  };
}

function estimatorsOf({ tables }: Ruleset): ReadonlyMap<string, readonly string[]> {
  const rules = tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  return new Map(
    rules.flatMap(({ target: { name, words: saved } }): [string, readonly string[]][] => {
      if (name !== 'RATEEST') return [];
      const words = saved.map(unquote);
      return [[words[words.indexOf('--rateest-name') + 1], words]];
    }),
  );
}

/** Effects of rules that neither change a packet nor end its way. */
const HARMLESS: ReadonlySet<Rule['target']['effect']['kind']> = new Set([
  ...(['accept', 'return', 'continue', 'jump', 'log'] as const),
]);

/** Whether table mangle lets every packet through to the chain, as it is. */
function passesMangle(ruleset: Ruleset, chain: BuiltinChain): boolean {
  const mangle = findTable(ruleset, 'mangle');
  if (mangle === undefined) return true;
  if (findChain(mangle, chain)?.policy === 'DROP') return false;
  return findRule(mangle, chain, ({ target }) => !HARMLESS.has(target.effect.kind), new Set()) === undefined;
}

/** What the rest of the dump does to packets on the way between hook and chain: an assumption and its warning. */
export function otherTables(
  ruleset: Ruleset,
  judged: Judged,
  used: ReadonlySet<Field>,
): readonly { readonly assumption: string; readonly warning: Diagnostic }[] {
  const notes: { assumption: string; warning: Diagnostic }[] = [];
  const note = (found: Found, assumption: string): void => {
    const warning = { ...found.rule.range, code: 'other-table', severity: 'warning', message: assumption } as const;
    notes.push({ assumption, warning });
  };
  const { hook, chain } = judged;
  const behind = isSocketHook(hook);
  const seen = behind ? 'that it gave them' : 'on the wire';
  const addressed = (['saddr', 'daddr', 'sport', 'dport'] as const).some((field) => used.has(field));
  const rewriting = findBetween(ruleset, judged, (rule) => REWRITING.has(rule.target.name ?? ''));
  if (addressed && rewriting !== undefined) {
    note(
      rewriting,
      `packets whose addresses ${rewriting.rule.target.name} rewrites (${describe(rewriting)}) are judged by the addresses ${seen}, not by those chain ${chain} sees`,
    );
  }
  if (behind) return notes;
  const dropping = findBetween(ruleset, judged, (rule) => rule.target.effect.kind === 'drop');
  if (dropping !== undefined) {
    note(dropping, `packets that another table drops (${describe(dropping)}) are judged and counted here too`);
  }
  return notes;
}

const TRACKING = new Set(['connmark', 'connbytes', 'connlimit', 'connlabel', 'helper', 'cluster', 'CONNMARK', 'CT']);

/** Whether the dump switches connection tracking on, which reassembles datagrams before all tables, raw too (NF_IP_PRI_CONNTRACK_DEFRAG). */
export function tracksConnections(ruleset: Ruleset): boolean {
  return ruleset.tables.some((table) =>
    table.chains.some((chain) =>
      chain.rules.some(
        (rule) =>
          table.name === 'nat' ||
          TRACKING.has(rule.target.name ?? '') ||
          rule.matches.some(
            (match) => TRACKING.has(match.name) || match.name === 'state' || match.name === 'conntrack',
          ),
      ),
    ),
  );
}

/** Whether iptables sees datagrams in this chain whose pieces the hook sees (ip_local_deliver, nf_defrag_ipv4/6). */
export function seesWholeDatagrams(ruleset: Ruleset, chain: BuiltinChain): boolean {
  if (ruleset.family === 'v4' && chain === 'INPUT') return true;
  return isLeaving(chain) || tracksConnections(ruleset);
}

/** Whether packets that sockets get whole come to this chain in pieces. */
export function seesPieces(ruleset: Ruleset, { family, chain }: Pick<View, 'family' | 'chain'>): boolean {
  return family === 'v6' && chain === 'INPUT' && !tracksConnections(ruleset);
}

/** Where the dump rewrites addresses, so that connections may carry a mapping; undefined where it does not. */
export function addressRewriting(ruleset: Ruleset): string | undefined {
  for (const table of ruleset.tables) {
    if (table.name !== 'nat') continue;
    for (const chain of table.chains) {
      const rule = chain.rules.find(({ target }) => REWRITING.has(target.name ?? ''));
      if (rule !== undefined) return `table nat, chain ${chain.name}, line ${rule.range.line}`;
    }
  }
  return undefined;
}

/** Whether rules of the dump mark packets to be traced. */
export function marksTraced(ruleset: Ruleset): boolean {
  const raw = findTable(ruleset, 'raw');
  return raw?.chains.some(({ rules }) => rules.some(({ target }) => target.name === 'TRACE')) ?? false;
}

/** Chains of other tables that a packet has come through when it comes to a chain of table filter. */
const BEFORE_FILTER: Readonly<Partial<Record<BuiltinChain, readonly Place[]>>> = {
  INPUT: BETWEEN.INPUT,
  FORWARD: BETWEEN.FORWARD,
  OUTPUT: [
    ['raw', 'OUTPUT'],
    ['mangle', 'OUTPUT'],
    ['nat', 'OUTPUT'],
  ],
};

/** Whether a chain may see another mark or other bytes than came in, beside the addresses that table nat maps. */
export function isChangedBefore(ruleset: Ruleset, judged: TableName, chain: BuiltinChain): boolean {
  const changes = ({ target: { name, effect } }: Rule): boolean =>
    effect.kind === 'mark' || MARKING.has(name ?? '') || (effect.kind === 'opaque' && effect.change !== undefined);
  if (judged !== 'filter') {
    return ruleset.tables.some(
      ({ name, chains }) => name !== judged && chains.some(({ rules }) => rules.some((rule) => changes(rule))),
    );
  }
  return (BEFORE_FILTER[chain] ?? []).some(([name, at]) => {
    const table = findTable(ruleset, name);
    return table !== undefined && findRule(table, at, changes, new Set()) !== undefined;
  });
}
