import { guessFamily } from '../../grammar/bind/family.js';
import { ModuleRegistry, type Entry } from '../../grammar/bind/registry.js';
import { CORE_BY_LETTER, CORE_BY_NAME, type CoreKey } from '../../grammar/bind/core-options.js';
import type { Family } from '../../grammar/model/family.js';
import type { OptionSpec } from '../../grammar/modules/define.js';
import { MATCHES, TARGETS } from '../../grammar/modules/index.js';
import { parseProtocol } from '../../grammar/modules/value/protocols.js';
import type { RuleLine, Word } from '../../grammar/syntax/index.js';
import { rangeOf, ruleWordAt, type Position, type Range } from './places.js';

export interface Hover {
  /** Markdown. */
  readonly text: string;
  readonly range: Range;
}

const REGISTRIES: Readonly<Record<Family, ModuleRegistry>> = {
  v4: new ModuleRegistry('v4', MATCHES, TARGETS),
  v6: new ModuleRegistry('v6', MATCHES, TARGETS),
};

/** What the head of a rule tests, and what a command does; the others are not for dumps. */
const CORE_DOCS: Readonly<Partial<Record<CoreKey, string>>> = {
  append: 'puts a rule at the end of a chain',
  insert: 'puts a rule into a chain, first or at a number',
  delete: 'takes a rule out of a chain',
  source: 'source address, with a prefix length or mask',
  destination: 'destination address, with a prefix length or mask',
  protocol: 'protocol of the packet: a name, a number, or all',
  'in-interface': 'interface that the packet came in by; a final + stands for any rest',
  'out-interface': 'interface that the packet leaves by; a final + stands for any rest',
  fragments: 'second and later fragments only (IPv4)',
  jump: 'what to do with the packet: a target, or a chain to come back from',
  goto: 'a chain to go on in; its end is the end of this chain',
  match: 'a module with more tests',
  'set-counters': 'packets and bytes that the rule begins with',
};

/** What the word at a place means: a module with its options, one option, or an option of iptables itself. */
export function hoverAt(text: string, file: string, at: Position): Hover | undefined {
  const found = ruleWordAt(text, at);
  if (found === undefined) return undefined;
  const { rule, index } = found;
  const registry = REGISTRIES[guessFamily(text, file)];
  const answer = meaningOf(rule, index, registry);
  return answer === undefined ? undefined : { text: answer, range: rangeOf(rule.words[index]) };
}

const isMatch = (word: Word | undefined): boolean => word?.text === '-m' || word?.text === '--match';
const isJump = (word: Word | undefined): boolean => word?.text === '-j' || word?.text === '--jump';

function meaningOf(rule: RuleLine, index: number, registry: ModuleRegistry): string | undefined {
  const word = rule.words[index];
  const before = rule.words[index - 1];
  if (isMatch(before)) return moduleText(registry.match(word.text));
  if (isJump(before)) return moduleText(registry.target(word.text));
  if (/^-[^-]$|^--/.test(word.text)) return optionText(word.text, loadedBefore(rule, index, registry));
  // The value of an option means what the option means.
  return index > 0 && before.text.startsWith('-') ? meaningOf(rule, index - 1, registry) : undefined;
}

/** Modules whose options may stand at `index`, the last one first, as iptables looks for them. */
function loadedBefore(rule: RuleLine, index: number, registry: ModuleRegistry): readonly Entry[] {
  const loaded: Entry[] = [];
  for (let at = 0; at < index; at++) {
    const [word, next] = [rule.words[at], rule.words[at + 1]];
    if (next === undefined) break;
    const entry = isMatch(word) ? registry.match(next.text) : isJump(word) ? registry.target(next.text) : undefined;
    if (entry !== undefined) loaded.unshift(entry);
    if (word.text !== '-p' && word.text !== '--protocol') continue;
    const protocol = parseProtocol(next.text);
    const implied = 'value' in protocol ? registry.implicit(protocol.value, next.text) : undefined;
    if (implied !== undefined) loaded.push(implied);
  }
  return loaded;
}

function optionText(flag: string, loaded: readonly Entry[]): string | undefined {
  for (const { module, flags } of loaded) {
    const option = flags.get(flag);
    if (option !== undefined) return `${optionLine(option.spec)}\n\nOption of \`${module.name}\`: ${module.doc}`;
  }
  const core = flag.startsWith('--') ? CORE_BY_NAME.get(flag.slice(2)) : CORE_BY_LETTER.get(flag.slice(1));
  const doc = core && CORE_DOCS[core.key];
  return doc === undefined ? undefined : `\`${flag}\`: ${doc}`;
}

function moduleText(entry: Entry | undefined): string | undefined {
  if (entry === undefined) return undefined;
  const { name, doc, options } = entry.module;
  const lines = Object.values(options).map((spec: OptionSpec<unknown>) => `- ${optionLine(spec)}`);
  return [`**${name}**: ${doc}`, ...(lines.length === 0 ? [] : ['', ...lines])].join('\n');
}

function optionLine({ flag, value, invertible, doc }: OptionSpec<unknown>): string {
  const words = value.placeholder === '' ? flag : `${flag} ${value.placeholder}`;
  return `\`${invertible ? '[!] ' : ''}${words}\`: ${doc}`;
}
