import type { CtState } from '../../grammar/model/condition.js';
import { BUILTIN_CHAINS, type BuiltinChain, type Family, type TableName } from '../../grammar/model/family.js';
import { PRIORITY } from './link.js';

/** What is judged: chains of a table. */
export interface WatchedChains {
  readonly table: Exclude<TableName, 'nat'>;
  readonly chains: readonly BuiltinChain[];
}

export const FILTER_CHAINS: WatchedChains = { table: 'filter', chains: BUILTIN_CHAINS.filter };

/** What a probe has seen of a packet. */
export type Sighting =
  /** It comes to the chain in a state of its connection, or its connection is rewritten. Each packet has one state. */
  | { readonly kind: 'arrives'; readonly chain: BuiltinChain; readonly state: CtState }
  | { readonly kind: 'passes'; readonly chain: BuiltinChain };

const STATES: readonly (readonly [CtState, string])[] = [
  ['INVALID', 'ct state invalid'],
  ['NEW', 'ct state new'],
  ['RELATED', 'ct state related'],
  ['ESTABLISHED', 'ct state established'],
  ['UNTRACKED', 'ct state untracked'],
  ['SNAT', 'ct status snat'],
  ['DNAT', 'ct status dnat'],
];
/** From the table's priority: nothing but what is judged runs between the probes. */
const DISTANCE = 10;
const HOOKS = BUILTIN_CHAINS.mangle;
/** Log prefixes of a chain begin at its place times this; the last of them says that the packet has passed. */
const PREFIXES = 10;
const PASSED = PREFIXES - 1;

export interface ProbeGroups {
  /** NFLOG group of the probes before the chains. */
  readonly sightings: number;
  /** NFLOG group of the probes behind them. */
  readonly passed: number;
  /** NFLOG group of what the kernel sends by itself. */
  readonly replies: number;
}

/** The first NFLOG groups from 4001 on that a ruleset does not name. */
export function freeProbeGroups(ruleset: string): ProbeGroups {
  const used = new Set([...ruleset.matchAll(/--nflog-group\s+(\d+)/g)].map((match) => Number(match[1])));
  const free: number[] = [];
  for (let group = 4001; free.length < 3; group++) if (!used.has(group)) free.push(group);
  return { sightings: free[0], replies: free[1], passed: free[2] };
}

/**
 * Text for `nft -f`: chains before and behind a table of iptables, which log each packet; the one before says in which state iptables' `conntrack` finds it (nft_ct_get_eval of net/netfilter/nft_ct.c
 * and xt_conntrack.c read the same). What the kernel sends by itself, an answer of REJECT say, is logged and dropped
 * before connection tracking sees it, so that it changes neither states nor counters. The rules switch connection
 * tracking on. Throws nothing; `uid` is that of the sender of packets at OUTPUT.
 */
export function probeRules(family: Family, groups: ProbeGroups, uid: number, watched = FILTER_CHAINS): string {
  const priority = PRIORITY[watched.table];
  const chains = watched.chains.flatMap((chain) => {
    const i = HOOKS.indexOf(chain);
    const log = (prefix: number, group = groups.sightings): string =>
      `log prefix "${i * PREFIXES + prefix}" group ${group}`;
    const hook = chain.toLowerCase();
    return [
      `chain before_${hook} { type filter hook ${hook} priority ${priority - DISTANCE}; policy accept;`,
      ...STATES.map(([, test], prefix) => `${test} ${log(prefix)}`),
      '}',
      `chain behind_${hook} { type filter hook ${hook} priority ${priority + DISTANCE}; policy accept;`,
      log(PASSED, groups.passed),
      '}',
    ];
  });
  return [
    `table ${family === 'v4' ? 'ip' : 'ip6'} ipt2bpf-probes {`,
    'chain own { type filter hook output priority -350; policy accept;',
    `meta skuid ${uid} accept`,
    `log prefix "0" group ${groups.replies}`,
    'drop',
    '}',
    ...chains,
    '}',
    '',
  ].join('\n');
}

/** What a log prefix of {@link probeRules} says; undefined where it is none of theirs. */
export function readSighting(prefix: number): Sighting | undefined {
  const chain = HOOKS.at(Math.floor(prefix / PREFIXES));
  const state = STATES.at(prefix % PREFIXES);
  if (chain === undefined) return undefined;
  if (prefix % PREFIXES === PASSED) return { kind: 'passes', chain };
  return state === undefined ? undefined : { kind: 'arrives', chain, state: state[0] };
}
