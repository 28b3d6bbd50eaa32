import { quoteIfNeeded } from '../../../grammar/syntax/index.js';
import type { Manifest, ResidualRule } from '../manifest.js';

/**
 * What is left of table filter in iptables once a netfilter object judges in its place: chains that accept everything,
 * but for rules that ask a pinned program of the object whether the packet is for their target.
 * `directory`: where the object's programs are pinned by their names.
 */
export function residualFilter(
  { programs, residual }: Pick<Manifest, 'programs' | 'residual'>,
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
  return ['*filter', ...chains, ...rules, ...behind, 'COMMIT', ''].join('\n');
}

/** Rules for the beginning of table mangle that ask what the programs need to know; empty where that is nothing. */
export function residualQuestions({ asks }: Pick<Manifest, 'asks'>, directory: string): readonly string[] {
  if (asks === undefined) return [];
  const next = new Map<string, number>();
  const insert = (chain: string, ...parts: readonly string[]): string => {
    const number = (next.get(chain) ?? 0) + 1;
    next.set(chain, number);
    return words('-I', chain, String(number), ...parts);
  };
  const ask = (program: string): readonly string[] => ['-m', 'bpf', '--object-pinned', `${directory}/${program}`];
  const chains = [...new Set(asks.questions.flatMap((question) => question.chains))];
  return [
    ...chains.map((chain) => insert(chain, ...ask(asks.begin))),
    ...asks.questions.flatMap((question) =>
      question.chains.map((chain) => insert(chain, ...question.words, ...ask(question.program))),
    ),
  ];
}

/** The text of other tables, with the questions in front of all rules of table mangle. */
export function withQuestions(others: string, manifest: Pick<Manifest, 'asks'>, directory: string): string {
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
