import type { Chain, Ruleset, Table } from '../../../grammar/model/ruleset.js';
import { printDump } from '../../../grammar/print/print.js';
import { quoteIfNeeded } from '../../../grammar/syntax/index.js';
import type { Asks, Manifest, ResidualRule } from '../manifest.js';

/** A chain that no packet comes to: its rules make estimators, which are there as long as a rule names them. */
const ESTIMATORS = 'ipt2bpf-rates';

/**
 * All that iptables is to load for an object: table filter first, which defines what rules in front of the programs ask
 * for. `others`: the text of the other tables.
 */
export function residualTables(
  others: string,
  manifest: Pick<Manifest, 'programs' | 'residual' | 'asks'>,
  directory: string,
): string {
  return residualFilter(manifest, directory) + withQuestions(others, manifest, directory);
}

/**
 * What is left of table filter in iptables once a netfilter object judges in its place: chains that accept everything,
 * but for rules that ask a pinned program of the object whether the packet is for their target.
 * `directory`: where the object's programs are pinned by their names.
 */
export function residualFilter(
  { programs, residual, asks }: Pick<Manifest, 'programs' | 'residual' | 'asks'>,
  directory: string,
): string {
  const given = residual?.rules ?? [];
  const chains = programs.map(({ chain }) => `:${chain} ACCEPT [0:0]`);
  const rules: string[] = [];
  const behind: string[] = [];
  for (const [index, rule] of given.entries()) {
    const again = given.slice(0, index).some(({ program, only }) => program === rule.program && only !== undefined);
    const own = rule.only === undefined ? undefined : chainName(rule.program, again ? index : undefined);
    const target = own === undefined ? rule.target : ['-j', own];
    for (const chain of rule.chains) {
      rules.push(words('-A', chain, '-m', 'bpf', '--object-pinned', `${directory}/${rule.program}`, ...target));
    }
    if (own === undefined) continue;
    chains.push(`:${own} - [0:0]`);
    behind.push(...ownRules(own, rule));
  }
  const estimators = asks?.estimators ?? [];
  if (estimators.length > 0) chains.push(`:${ESTIMATORS} - [0:0]`);
  behind.push(...estimators.map((target) => words('-A', ESTIMATORS, ...target)));
  return ['*filter', ...chains, ...rules, ...behind, 'COMMIT', ''].join('\n');
}

/** How the rules in front of the programs are written: what asks a program, and what their own chains are called. */
export interface QuestionNames {
  /** Words of the match that asks a pinned program. */
  ask(program: string): readonly string[];
  /** Chain of a question that is asked of some packets alone, by its index. */
  place(index: number): string;
}

/** A rule in front of the programs: words behind `-A CHAIN`. */
export interface QuestionRule {
  readonly chain: string;
  readonly words: readonly string[];
}

/**
 * Rules that ask what the programs need to know, built-in chain by built-in chain, and those of their own chains. Where
 * a question is asked of the packets that come to a test, the chain is gone through again behind it.
 */
export function questionRules(
  { questions, begin, rehearsals = [] }: Asks,
  names: QuestionNames,
): readonly QuestionRule[] {
  const chains = [...new Set(questions.flatMap((question) => question.chains))];
  const inFront = chains.flatMap((chain): readonly QuestionRule[] => {
    const plain = questions.filter(({ reach, chains: where }) => reach === undefined && where.includes(chain));
    const rule = (...words: readonly string[]): QuestionRule => ({ chain, words });
    const rehearsed = rehearsals.filter((one) => one.chain === chain);
    return [
      rule(...names.ask(begin)),
      ...plain.map(({ words: question, program }) => rule(...question, ...names.ask(program))),
      ...rehearsed.flatMap(({ program, places }) =>
        places.flatMap((index) => [
          rule(...names.ask(program)),
          rule(...names.ask(questions[index].reach ?? ''), '-j', names.place(index)),
        ]),
      ),
    ];
  });
  const own = questions.flatMap(({ reach, words: question, program }, index): readonly QuestionRule[] =>
    reach === undefined ? [] : [{ chain: names.place(index), words: [...question, ...names.ask(program)] }],
  );
  return [...inFront, ...own];
}

/** Indices of the questions that have a chain of their own. */
export function placesOf({ questions }: Asks): readonly number[] {
  return questions.flatMap(({ reach }, index) => (reach === undefined ? [] : [index]));
}

/** The socket filters that rules in front of the programs ask. */
export function askPrograms({ begin, questions, rehearsals = [] }: Asks): readonly string[] {
  const reaching = questions.flatMap(({ reach }) => (reach === undefined ? [] : [reach]));
  return [begin, ...questions.map(({ program }) => program), ...reaching, ...rehearsals.map(({ program }) => program)];
}

/** Lines for the beginning of table mangle that ask what the programs need to know; empty where that is nothing. */
export function residualQuestions({ asks }: Pick<Manifest, 'asks'>, directory: string): readonly string[] {
  if (asks === undefined) return [];
  const names: QuestionNames = {
    ask: (program) => ['-m', 'bpf', '--object-pinned', `${directory}/${program}`],
    place: (index) => `ipt2bpf-ask-${index}`,
  };
  const own = placesOf(asks).map(names.place);
  const next = new Map<string, number>();
  const rules = questionRules(asks, names).map(({ chain, words: rule }) => {
    if (own.includes(chain)) return words('-A', chain, ...rule);
    const number = (next.get(chain) ?? 0) + 1;
    next.set(chain, number);
    return words('-I', chain, String(number), ...rule);
  });
  return [...own.map((chain) => `:${chain} - [0:0]`), ...rules];
}

/**
 * All that iptables keeps beside an object: the dump's other tables and the chains of the object's table that it does not
 * judge as they are; beside one for table filter with {@link residualTables}.
 */
export function residualText(
  ruleset: Ruleset,
  manifest: Pick<Manifest, 'table' | 'programs' | 'residual' | 'asks'>,
  directory: string,
): string {
  const { table } = manifest;
  const others = printDump({ ...ruleset, tables: ruleset.tables.filter(({ name }) => name !== table) });
  const tables = table === 'filter' ? residualTables(others, manifest, directory) : emptied(manifest) + others;
  const judged = ruleset.tables.find(({ name }) => name === table);
  if (judged === undefined) return tables;
  const kept = keptChains(judged, new Set<string>(manifest.programs.map(({ chain }) => chain)));
  if (kept.length === 0) return tables;
  const lines = printDump({ ...ruleset, tables: [{ ...judged, chains: kept }] })
    .split('\n')
    .filter((line) => line.startsWith(':') || line.startsWith('-A'));
  return tables.replace('\nCOMMIT\n', () => `\n${lines.join('\n')}\nCOMMIT\n`);
}

/** A table other than filter in iptables, where programs judge in its place. */
function emptied({ table, programs }: Pick<Manifest, 'table' | 'programs'>): string {
  return [`*${table}`, ...programs.map(({ chain }) => `:${chain} ACCEPT [0:0]`), 'COMMIT', ''].join('\n');
}

/** Built-in chains that are not judged, and all chains that packets come to from there. */
function keptChains({ chains }: Table, judged: ReadonlySet<string>): readonly Chain[] {
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const kept = new Set<Chain>();
  const keep = (chain: Chain | undefined): void => {
    if (chain === undefined || kept.has(chain)) return;
    kept.add(chain);
    for (const { target } of chain.rules) if (target.effect.kind === 'jump') keep(byName.get(target.effect.chain));
  };
  for (const chain of chains) if (chain.policy !== undefined && !judged.has(chain.name)) keep(chain);
  return chains.filter((chain) => kept.has(chain));
}

/** The text of other tables, with the questions in front of all rules of table mangle. */
function withQuestions(others: string, manifest: Pick<Manifest, 'asks'>, directory: string): string {
  const questions = residualQuestions(manifest, directory).map((line) => `${line}\n`);
  if (questions.length === 0) return others;
  const start = /^\*mangle$/m.exec(others)?.index;
  if (start === undefined) return `${others}*mangle\n${questions.join('')}COMMIT\n`;
  const end = others.indexOf('\nCOMMIT', start) + 1;
  return others.slice(0, end) + questions.join('') + others.slice(end);
}

/**
 * Some targets want `-p tcp` in their rule. In a chain that every packet comes to it would drop IPv6 packets at once
 * whose headers cannot be followed (ip6_packet_match of net/ipv6/netfilter/ip6_tables.c), which the rules may accept:
 * such a rule stands in a chain of its own, to which the packets come that are for it.
 */
const chainName = (program: string, index: number | undefined): string =>
  program.replaceAll('_', '-') + (index === undefined ? '' : `-${index}`);

function ownRules(chain: string, { only = [], target }: ResidualRule): readonly string[] {
  const rule = words('-A', chain, ...only, ...target);
  return target[1] === 'REJECT' ? [rule, words('-A', chain, '-j', 'DROP')] : [rule];
}

const words = (...parts: readonly string[]): string => parts.map(quoteIfNeeded).join(' ');
