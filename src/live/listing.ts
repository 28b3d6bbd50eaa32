import { NetworkNamespace } from '../../bpf-runtime/system/namespace.js';
import { hasCommand, run } from '../../bpf-runtime/system/command.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { parseDump, printDump } from '../../grammar/index.js';
import { changedRule, type Chain, type Counters, type Ruleset, type Table } from '../../grammar/model/ruleset.js';
import { tableLines, type Column } from '../terminal/table.js';
import type { LiveManifest } from './object.js';

const NOTHING: Counters = { packets: 0n, bytes: 0n };

/** Chains and rules of a running object, in the dump's order, with what they have counted. */
export function countedRuleset(manifest: LiveManifest, counters: readonly Counters[]): Ruleset {
  const { ruleset } = parseDump(manifest.source, { file: manifest.sourceFile, family: manifest.family });
  const counted = new Map(
    manifest.counters.map((entry, i) => [
      entry.kind === 'rule' ? keyOf(entry.chain, entry.number) : entry.chain,
      counters[i],
    ]),
  );
  // At netfilter the object stands for the whole table, elsewhere for one chain and what it reaches.
  const whole = manifest.hook === 'netfilter';
  const reached = new Set(manifest.counters.map(({ chain }) => chain));
  const withCounters = (chain: Chain): Chain => ({
    ...chain,
    ...(chain.policy === undefined ? {} : { counters: counted.get(chain.name) ?? NOTHING }),
    rules: chain.rules.map((rule, i) =>
      changedRule(rule, { counters: counted.get(keyOf(chain.name, i + 1)) ?? NOTHING }),
    ),
  });
  const tables = ruleset.tables
    .filter(({ name }) => name === manifest.table)
    .map((table): Table => ({
      ...table,
      chains: table.chains.filter(({ name }) => whole || reached.has(name)).map(withCounters),
    }));
  return { ...ruleset, tables };
}

const keyOf = (chain: string, number: number): string => `${chain}\0${number}`;

/** As `iptables-save -c` prints the rules, without its comments. */
export function saveText(ruleset: Ruleset): string {
  return printDump(ruleset);
}

export interface ListOptions {
  /** Packets and bytes, interfaces and options (`-v`). */
  readonly verbose: boolean;
  /** Numbers as they are, not rounded to K, M and G (`-x`). */
  readonly exact: boolean;
}

/**
 * As `iptables -L -n --line-numbers` prints the rules: by the tool itself, which is given them with their counters in a
 * network namespace of its own for a moment, so that every match is printed as this host's iptables prints it. Undefined where
 * the tool is not installed or does not take the rules (a kernel without one of their matches).
 */
export function listText(ruleset: Ruleset, manifest: LiveManifest, options: ListOptions): string | undefined {
  const command = ruleset.family === 'v4' ? 'iptables' : 'ip6tables';
  if (!hasCommand(command)) return undefined;
  const [table] = ruleset.tables;
  const namespace = NetworkNamespace.create();
  try {
    const text = namespace.run(() => {
      if (manifest.setsText !== undefined) run('ipset', ['restore'], manifest.setsText);
      run(`${command}-restore`, ['-c', '-w', '60'], saveText(ruleset));
      const flags = [...(options.verbose ? ['-v'] : []), ...(options.exact ? ['-x'] : [])];
      return run(command, ['-t', table.name, '-L', '-n', '--line-numbers', ...flags]);
    });
    return withoutOthers(text, table);
  } catch (error) {
    if (error instanceof RuntimeError) return undefined;
    throw error;
  } finally {
    namespace.close();
  }
}

/** The tool prints all built-in chains, of the object or not. Columns are filled with blanks up to the end of the last line. */
function withoutOthers(text: string, { chains }: Table): string {
  const names = new Set(chains.map(({ name }) => name));
  const parts = text.replace(/\n+$/, '').split(/\n\n(?=Chain )/);
  return `${parts.filter((part) => names.has(/^Chain (\S+)/.exec(part)?.[1] ?? '')).join('\n\n')}\n`;
}

const LISTED: readonly Column[] = [
  { head: 'num', align: 'left' },
  { head: 'pkts', align: 'right' },
  { head: 'bytes', align: 'right' },
  { head: 'rule', align: 'left' },
];

/**
 * Where the tool cannot be asked: the same numbers in front of the rules as `iptables-save` prints them. `columns` of the
 * terminal.
 */
export function plainListText(ruleset: Ruleset, columns?: number): string {
  const lines: string[] = [];
  for (const chain of ruleset.tables.flatMap(({ chains }) => chains)) {
    const { packets, bytes } = chain.counters ?? NOTHING;
    const policy = chain.policy === undefined ? '' : ` (policy ${chain.policy} ${packets} packets, ${bytes} bytes)`;
    const rows = chain.rules.map(({ counters = NOTHING, source }, i) => [
      String(i + 1),
      String(counters.packets),
      String(counters.bytes),
      source,
    ]);
    lines.push(`Chain ${chain.name}${policy}`, ...tableLines(LISTED, rows, columns), '');
  }
  return lines.join('\n');
}
