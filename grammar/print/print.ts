import type { Chain, Counters, Rule, Ruleset, Table } from '../model/ruleset.js';
import { compareBytes, utf8 } from '../model/utf8.js';

/** How a dump is printed. */
export interface PrintOptions {
  /** `none`: as after `iptables -Z`. */
  readonly counters?: 'none';
}

/**
 * The dump as iptables-save prints it, without its comments: tables in the ruleset's order, built-in chains first,
 * then the others by name, then the rules. Counters of rules stand in front of those that have some (`iptables-save -c`).
 */
export function printDump(ruleset: Ruleset, options: PrintOptions = {}): string {
  return ruleset.tables.map((table) => printTable(table, options.counters !== 'none')).join('');
}

function printTable(table: Table, counted: boolean): string {
  const builtin = table.chains.filter(({ policy }) => policy !== undefined);
  const own = table.chains.filter(({ policy }) => policy === undefined).sort(byName);
  const chains = [...builtin, ...own];
  const heads = chains.map((chain) => printChain(chain, counted));
  const rules = chains.flatMap((chain) => chain.rules.map((rule) => printLine(chain, rule, counted)));
  return [`*${table.name}`, ...heads, ...rules, 'COMMIT', ''].join('\n');
}

/** By bytes, as libiptc keeps them (`iptcc_insert_chain`). */
function byName(a: Chain, b: Chain): number {
  return compareBytes(utf8(a.name), utf8(b.name));
}

function printChain({ name, policy, counters }: Chain, counted: boolean): string {
  return `:${name} ${policy ?? '-'} ${printCounters((counted ? counters : undefined) ?? { packets: 0n, bytes: 0n })}`;
}

function printCounters({ packets, bytes }: Counters): string {
  return `[${packets}:${bytes}]`;
}

function printLine(chain: Chain, rule: Rule, counted: boolean): string {
  const text = printRule(rule);
  const given = counted ? rule.counters : undefined;
  const counters = given === undefined ? '' : `${printCounters(given)} `;
  return `${counters}-A ${chain.name}${text === '' ? '' : ` ${text}`}`;
}

/** Of rules that several dumps share. */
const printed = new WeakMap<object, string>();

/** The rule as iptables-save prints it behind `-A CHAIN `. */
export function printRule(rule: Rule): string {
  const { identity } = rule;
  if (identity === undefined) return printWords(rule);
  let text = printed.get(identity);
  if (text === undefined) printed.set(identity, (text = printWords(rule)));
  return text;
}

function printWords({ headWords, matches, target }: Rule): string {
  return [...headWords, ...matches.flatMap(({ words }) => words), ...target.words].join(' ');
}
