import { readFileSync } from 'node:fs';
import { hasCommand, run } from '../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { parseDump } from '../../grammar/index.js';
import type { Family } from '../../grammar/model/family.js';
import type { Table } from '../../grammar/model/ruleset.js';

/** The tools that may have loaded rules: what the name stands for on this machine, and the two it can stand for. */
const TOOLS = {
  v4: ['iptables', 'iptables-legacy', 'iptables-nft'],
  v6: ['ip6tables', 'ip6tables-legacy', 'ip6tables-nft'],
} as const satisfies Record<Family, readonly string[]>;

export type IptablesTool = (typeof TOOLS)[Family][number];

/** The tool of a name, if it is one for an IP version. */
export function toolOf(name: string, family: Family): IptablesTool | undefined {
  return TOOLS[family].find((tool) => tool === name);
}

/** The rules of one IP version that iptables has loaded. */
export interface LiveRules {
  readonly family: Family;
  /** The tool that sees them. */
  readonly tool: IptablesTool;
  /** What `iptables-save` prints, without counters. */
  readonly text: string;
  readonly file: string;
}

/**
 * What iptables has loaded; undefined where table filter lets everything pass, or where there is no such tool. The kernel
 * knows rules of two kinds, of iptables-legacy and of iptables-nft, of which `iptables` shows one alone: both are looked
 * at. Throws `two-kinds` where table filter has rules of both, which judge one after the other.
 */
export function readLiveRules(family: Family): LiveRules | undefined {
  const found = toolsOf(family).flatMap((tool): readonly LiveRules[] => {
    const text = savedText(tool);
    const filter = parseDump(text, { family }).ruleset.tables.find(({ name }) => name === 'filter');
    return filter === undefined || letsEverythingPass(filter) ? [] : [{ family, tool, text, file: `live.${family}` }];
  });
  if (found.length < 2) return found[0];
  throw new RuntimeError(
    'two-kinds',
    `both ${found.map(({ tool }) => tool).join(' and ')} have rules in table filter: load all of them with one of the two first`,
  );
}

/** Whether there is a tool to ask for rules. */
export function hasTool(family: Family): boolean {
  return hasCommand(TOOLS[family][0]);
}

/** `iptables`, and the tool of the other kind where there may be rules of it: asking for them must not make tables. */
function toolsOf(family: Family): readonly IptablesTool[] {
  const [usual, legacy, nft] = TOOLS[family];
  if (!hasTool(family)) return [];
  if (run(usual, ['--version']).includes('legacy')) return hasCommand(nft) ? [usual, nft] : [usual];
  return hasLegacyFilter(family) && hasCommand(legacy) ? [usual, legacy] : [usual];
}

function hasLegacyFilter(family: Family): boolean {
  const path = `/proc/thread-self/net/${family === 'v4' ? 'ip' : 'ip6'}_tables_names`;
  try {
    return readFileSync(path, 'utf8').split('\n').includes('filter');
  } catch {
    // The kernel has no such tables, or has not loaded what makes them.
    return false;
  }
}

/** Comments name the time, and counters change while packets come: the rules alone are compared. */
export function savedText(tool: IptablesTool): string {
  return `${run(`${tool}-save`, [])
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ' [0:0]'))
    .join('\n')}\n`;
}

function letsEverythingPass({ chains }: Table): boolean {
  return chains.every(({ policy, rules }) => rules.length === 0 && (policy === undefined || policy === 'ACCEPT'));
}
