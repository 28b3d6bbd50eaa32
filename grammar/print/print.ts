import type { Chain, Counters, Rule, Ruleset, Table } from '../model/ruleset.js';
import { compareBytes, utf8 } from '../model/utf8.js';

/**
 * The dump as iptables-save prints it, without its comments: tables in the ruleset's order, built-in chains first,
 * then the others by name, then the rules. Counters of rules stand in front of those that have some (`iptables-save -c`).
 */
export function printDump(ruleset: Ruleset): string {
  return ruleset.tables.map(printTable).join('');
}

function printTable(table: Table): string {
  const builtin = table.chains.filter(({ policy }) => policy !== undefined);
  const own = table.chains.filter(({ policy }) => policy === undefined).sort(byName);
  const chains = [...builtin, ...own];
  const rules = chains.flatMap((chain) => chain.rules.map((rule) => printLine(chain, rule)));
  return [`*${table.name}`, ...chains.map(printChain), ...rules, 'COMMIT', ''].join('\n');
}

/** By bytes, as libiptc keeps them (`iptcc_insert_chain`). */
function byName(a: Chain, b: Chain): number {
  return compareBytes(utf8(a.name), utf8(b.name));
}

function printChain({ name, policy, counters }: Chain): string {
  return `:${name} ${policy ?? '-'} ${printCounters(counters ?? { packets: 0n, bytes: 0n })}`;
}

function printCounters({ packets, bytes }: Counters): string {
  return `[${packets}:${bytes}]`;
}

function printLine(chain: Chain, rule: Rule): string {
  const text = printRule(rule);
  const counters = rule.counters === undefined ? '' : `${printCounters(rule.counters)} `;
  return `${counters}-A ${chain.name}${text === '' ? '' : ` ${text}`}`;
}

/** The rule as iptables-save prints it behind `-A CHAIN `. */
export function printRule({ headWords, matches, target }: Rule): string {
  return [...headWords, ...matches.flatMap(({ words }) => words), ...target.words].join(' ');
}
