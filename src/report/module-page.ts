import { analyse } from '../../codegen/program/analysis.js';
import type { Hook } from '../../codegen/program/manifest.js';
import { isWireHook } from '../../codegen/program/place.js';
import { parseDump } from '../../grammar/index.js';
import { bindSets, parseSets } from '../../grammar/sets/index.js';
import type { BuiltinChain, Family, TableName } from '../../grammar/model/family.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import { MODULE_SAMPLES, type ModuleSample } from './module-samples.js';
import { TARGET_SAMPLES } from './target-samples.js';

/** A chain that is compiled for a hook. */
export interface Place {
  readonly title: string;
  readonly hook: Hook;
  readonly chain: BuiltinChain;
  /** The first one that allows a rule counts. */
  readonly tables: readonly TableName[];
}

export const PLACES: readonly Place[] = [
  { title: 'xdp PREROUTING', hook: 'xdp', chain: 'PREROUTING', tables: ['raw', 'mangle'] },
  { title: 'xdp INPUT', hook: 'xdp', chain: 'INPUT', tables: ['filter'] },
  { title: 'xdp FORWARD', hook: 'xdp', chain: 'FORWARD', tables: ['filter'] },
  { title: 'tc PREROUTING', hook: 'tc', chain: 'PREROUTING', tables: ['raw', 'mangle'] },
  { title: 'tc INPUT', hook: 'tc', chain: 'INPUT', tables: ['filter'] },
  { title: 'tc FORWARD', hook: 'tc', chain: 'FORWARD', tables: ['filter'] },
  { title: 'tc OUTPUT', hook: 'tc', chain: 'OUTPUT', tables: ['filter', 'mangle'] },
  { title: 'tc POSTROUTING', hook: 'tc', chain: 'POSTROUTING', tables: ['mangle'] },
  { title: 'netfilter PREROUTING', hook: 'netfilter', chain: 'PREROUTING', tables: ['raw', 'mangle'] },
  { title: 'netfilter INPUT', hook: 'netfilter', chain: 'INPUT', tables: ['filter'] },
  { title: 'netfilter FORWARD', hook: 'netfilter', chain: 'FORWARD', tables: ['filter'] },
  { title: 'netfilter OUTPUT', hook: 'netfilter', chain: 'OUTPUT', tables: ['filter'] },
  { title: 'netfilter POSTROUTING', hook: 'netfilter', chain: 'POSTROUTING', tables: ['mangle'] },
  { title: 'cgroup INPUT', hook: 'cgroup', chain: 'INPUT', tables: ['filter'] },
  { title: 'cgroup OUTPUT', hook: 'cgroup', chain: 'OUTPUT', tables: ['filter'] },
  { title: 'socket INPUT', hook: 'socket', chain: 'INPUT', tables: ['filter'] },
];

/** What becomes of a match at a place: decided there, or why not. `none`: iptables does not allow it there. */
export type Standing =
  | { readonly kind: 'exact' }
  | { readonly kind: 'early'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'none' };

/** Asks the compiler about a rule with this match or target. */
export function standingOf({ words, beside }: ModuleSample, place: Place, family: Family): Standing {
  for (const table of place.tables) {
    const rule = `*${table}\n-A ${place.chain} ${words}\nCOMMIT\n`;
    const text = beside === undefined || table === 'mangle' ? rule : `${rule}*mangle\n${beside}\nCOMMIT\n`;
    const { ruleset, diagnostics } = parseDump(text, { family, sets: ['a'] });
    if (!diagnostics.some(({ severity }) => severity === 'error')) return standingIn(ruleset, table, place, family);
  }
  return { kind: 'none' };
}

function standingIn(ruleset: Ruleset, table: TableName, place: Place, family: Family): Standing {
  // As with --ipset.
  const { sets } = parseSets(`create a hash:ip family ${family === 'v4' ? 'inet' : 'inet6'}\n`);
  const result = analyse(bindSets(ruleset, sets), { hook: place.hook, chain: place.chain, table });
  if (!result.ok) return { kind: 'refused', reason: result.diagnostics.map(({ message }) => message).join('; ') };
  const [rule] = result.analysis.rules;
  if (rule.undecided.length === 0) return { kind: 'exact' };
  const reason = rule.undecided.map(({ reason, advice }) => `${reason} (${advice})`).join('; ');
  // There is no early mode where nothing stands behind the chain.
  return { kind: isWireHook(place.hook) ? 'early' : 'refused', reason };
}

const FAMILY: Readonly<Record<Family, string>> = { v4: 'IPv4', v6: 'IPv6' };
const CELL: Readonly<Record<Standing['kind'], string>> = {
  exact: 'exact',
  early: 'early',
  refused: 'refused',
  none: '–',
};

function row(sample: ModuleSample): { readonly cells: string; readonly reasons: readonly string[] } {
  const reasons = new Set<string>();
  const cells = PLACES.map((place) => {
    const standings = sample.families.map((family) => ({ family, standing: standingOf(sample, place, family) }));
    for (const { standing } of standings) if ('reason' in standing) reasons.add(standing.reason);
    const cells = standings.map(({ standing }) => CELL[standing.kind]);
    if (new Set(cells).size === 1) return cells[0];
    return standings.map(({ family, standing }) => `${CELL[standing.kind]} (${FAMILY[family]})`).join(', ');
  });
  const families = sample.families.length === 2 ? '' : ` (${FAMILY[sample.families[0]]})`;
  const name = `\`${sample.words.replaceAll('|', '\\|')}\`${families}`;
  return { cells: `| ${[name, ...cells].join(' | ')} |`, reasons: [...reasons] };
}

/** The page docs/modules/matches.md: every match at every hook, as the compiler has it. */
export function modulePage(): string {
  return page('Matches', 'match', MODULE_SAMPLES, NOTES);
}

/** The page docs/modules/targets.md: every target at every hook. */
export function targetPage(): string {
  return page('Targets', 'target', TARGET_SAMPLES, TARGET_NOTES);
}

function page(title: string, kind: string, samples: readonly ModuleSample[], notes: readonly string[]): string {
  const rows = samples.map((sample) => ({ sample, ...row(sample) }));
  const head = [kind, ...PLACES.map((place) => place.title)];
  return [
    `# ${title} at the hooks`,
    '',
    'Generated from the tables that the compiler uses: `IPT2BPF_UPDATE=1 npx vitest run test/docs/modules.test.ts`.',
    '',
    '- **exact**: the object decides as iptables does.',
    '- **early**: an exact object is refused with the reason below; an early one (`--mode early`) answers it both ways.',
    '- **refused**: no object is made of a ruleset with it.',
    '- **–**: iptables does not allow it there.',
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map(({ cells }) => cells),
    '',
    '## Why not exact',
    '',
    ...rows.flatMap(({ sample, reasons }) => reasons.map((reason) => `- \`${sample.words}\`: ${reason}.`)),
    '',
    ...notes,
    '',
  ].join('\n');
}

const NOTES = [
  '## What exact rests on',
  '',
  '- `ah` (IPv6), `rt`, `hbh`, `dst`: a packet that ends before its header does is dropped, as by Linux 6.18.44; kernels',
  '  from before July 2026 let it pass such a rule.',
  '- `string --to`: the text ends before this offset (Linux 6.7 and newer; before, it began there at the latest).',
  '- `string --algo bm`: the kernel passes over a text that lies in two pieces of memory; objects find it.',
  '- `sctp ! --chunk-types`, `dccp ! --dccp-option`: a packet that is too short to answer is dropped, yet the rule counts',
  '  it and its target runs, as in the kernel.',
  '- `srh --srh-tag`: the kernel compares the number in the byte order of the machine, and so do objects.',
  '- `time`: programs read CLOCK_TAI, which is CLOCK_REALTIME unless a time daemon has told the kernel the leap seconds;',
  '  `--kerneltz` takes the time zone of the kernel for UTC unless the compiler is told otherwise.',
  '- `cpu`: packets are not steered to another processor between hook and chain (RPS, RSS of tunnels).',
  '- `physdev` at OUTPUT: what this host sends has come over no bridge, so it matches where every option is inverted.',
  '- `u32`, `string`: IPv4 packets with options that the stack writes into (record route, timestamp, source routes) are',
  '  dropped by exact objects at INPUT and FORWARD and passed by early ones: what the chain would see is not known.',
  '- More than 512 IPv6 extension headers, 400 SCTP chunks, or 64 KiB of searched text are not walked over: such packets',
  '  are dropped by exact objects and passed by early ones.',
];

const TARGET_NOTES = [
  '## What exact rests on',
  '',
  '- A dash stands, too, for targets of tables and chains that have no column: nat, security, and mangle and raw elsewhere',
  '  (see [exactness](../exactness.md)). What they change before the chain is a warning of the compiler.',
  '- `LOG`, `NFLOG`: events go to a ring buffer of the object, not to the kernel log.',
  '- `REJECT`: see [reject.md](../reject.md).',
  '- At netfilter, targets that a program cannot perform are performed by rules of iptables itself behind the program; see',
  '  [architecture.md](../architecture.md).',
];
