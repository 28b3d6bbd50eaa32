import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { didYouMean } from '../../grammar/modules/value/suggest.js';

/** When an option may be left out, by the values of the others. */
type Unless = (options: Readonly<Record<string, unknown>>) => boolean;

const REQUIRED = new WeakMap<Option, Unless>();

/** Marks an option without which the verb cannot run, unless the others say so. */
export function required(option: Option, unless: Unless = () => false): Option {
  REQUIRED.set(option, unless);
  return option;
}

/** Where the verb cannot run without an option: everywhere, or where no netfilter hook is asked for. */
export function requirement(option: Option): 'required' | 'required at xdp and tc' | undefined {
  const unless = REQUIRED.get(option);
  if (unless === undefined) return undefined;
  return unless({ hook: 'netfilter' }) ? 'required at xdp and tc' : 'required';
}

/** Behind the IP stack an object holds all chains that the hook has. */
export const behindTheStack: Unless = ({ hook }) => hook === 'netfilter' || hook === 'cgroup' || hook === 'socket';

/** What an object is for stands in it. */
export const withObject: Unless = ({ object }) => object !== undefined;

/**
 * Makes the command name all options that it lacks at once, and only after unknown ones: who mistypes `--hook` is told
 * of the typo. Writes the required options into the usage line.
 */
export function refuseMissing(command: Command): Command {
  const needed = command.options.filter((option) => REQUIRED.has(option));
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  command.usage([...words, ...needed.map(usageOf), '[options]'].join(' '));
  return command.hook('preAction', () => {
    const given = command.opts();
    const missing = needed.filter(
      (option) => given[option.attributeName()] === undefined && REQUIRED.get(option)?.(given) !== true,
    );
    if (missing.length === 0) return;
    command.error(`error: ${command.name()} needs ${listed(missing.map(flagWithChoices))}`);
  });
}

function usageOf(option: Option): string {
  const flags = shortFlags(option);
  return requirement(option) === 'required' ? flags : `[${flags}]`;
}

/** `-o, --output <file>` as `-o <file>`. */
function shortFlags({ flags }: Option): string {
  return flags.replace(/^(-\w), --\S+/, '$1');
}

function flagWithChoices(option: Option): string {
  const flags = shortFlags(option);
  return option.argChoices === undefined ? flags : flags.replace(/<.*>/, option.argChoices.join('|'));
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** An option with one of a few values; a mistyped one is answered with the nearest. */
export function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices).argParser(oneOf(choices));
}

/** The same for an argument. */
export function chosen(name: string, description: string, choices: readonly string[]): Argument {
  return new Argument(name, description).choices(choices).argParser(oneOf(choices));
}

function oneOf(choices: readonly string[]): (value: string) => string {
  return (value) => {
    if (choices.includes(value)) return value;
    const hint = didYouMean(value, choices)?.replace(/^d/, 'D');
    throw new InvalidArgumentError(hint ?? `It is one of ${choices.join(', ')}.`);
  };
}

/** An option whose value is a whole number. */
export function whole(flags: string, description: string, min: number, max: number): Option {
  return new Option(flags, description).argParser((value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  });
}

export const familyOption = (): Option =>
  choice('--family <family>', 'IP version of the dump, where neither its name nor its text tells', ['v4', 'v6']);

export const tableOption = (): Option =>
  choice('--table <table>', 'table of the chain: filter if left out; for PREROUTING raw or mangle', [
    'filter',
    'raw',
    'mangle',
    'security',
  ]);

export const hookOption = (): Option =>
  choice('--hook <hook>', 'where the program will run', ['xdp', 'tc', 'netfilter', 'cgroup', 'socket']);

export const chainOption = (description = 'built-in chain'): Option =>
  choice('--chain <chain>', description, ['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING', 'POSTROUTING']);

/** Any table. */
export const anyTableOption = (description: string): Option =>
  choice('--table <table>', description, ['filter', 'raw', 'mangle', 'nat', 'security']);

export const ipsetOption = (): Option =>
  new Option('--ipset <file>', 'what "ipset save" prints: the IP sets that rules of -m set name');

export const jsonOption = (): Option => new Option('--json', 'print the result as JSON on stdout');

/** `tcp:7000,udp:8000`. */
export const knockOption = (): Option =>
  new Option('--knock <ports>', 'open these ports for knocks, e.g. tcp:7000,udp:8000').argParser((value) =>
    value.split(',').map((word) => {
      const [, protocol, digits] = /^(tcp|udp):(\d{1,5})$/.exec(word) ?? [];
      const port = Number(digits);
      if ((protocol === 'tcp' || protocol === 'udp') && port >= 1 && port <= 65535) return { protocol, port };
      throw new InvalidArgumentError('It is a list of tcp:PORT and udp:PORT, with commas between.');
    }),
  );

const PLACES = ['xdp:INPUT', 'xdp:FORWARD', 'xdp:PREROUTING', 'tc:INPUT', 'tc:FORWARD', 'tc:PREROUTING', 'tc:OUTPUT'];

/** What a bundle holds; may be given for each slot of a device. */
export const placeOption = (): Option =>
  new Option(
    '--place <hook:chain>',
    'object to put into it, may be repeated (INPUT at xdp, OUTPUT at tc if left out)',
  ).argParser((value, before: readonly unknown[] | undefined) => {
    if (!PLACES.includes(value)) {
      const hint = value.startsWith('netfilter')
        ? 'Objects for netfilter are loaded by ipt2bpf itself: bpftool cannot.'
        : (didYouMean(value, PLACES)?.replace(/^d/, 'D') ?? `It is one of ${PLACES.join(', ')}.`);
      throw new InvalidArgumentError(hint);
    }
    const [hook, chain] = value.split(':');
    return [...(before ?? []), { hook, chain }];
  });

export const nameOption = (): Option =>
  new Option('--name <name>', 'name of the bundle, its folder and its unit').default('fw').argParser((value) => {
    if (/^[a-z][a-z0-9_]{0,19}$/.test(value)) return value;
    throw new InvalidArgumentError('It is at most 20 lower-case letters, digits and _, a letter first.');
  });

export const sarifOption = (): Option =>
  new Option('--sarif <file>', 'write what was found as SARIF 2.1.0, for code scanning');

const engineOption = (): Option =>
  choice('--engine <engine>', 'chains judged rule by rule, looked up in diagrams, or whichever is faster', [
    'auto',
    'linear',
    'dag',
  ]).default('auto');

export const lookupOption = (): Option =>
  choice('--lookup <how>', 'early: ask conntrack for connections; no-helpers: none of them is RELATED', [
    'entries',
    'no-helpers',
  ]);

/** How a chain becomes a program: the same for every verb that compiles or looks at it as the compiler does. In help they stand together. */
export function translationOptions(): readonly Option[] {
  return [
    choice('--mode <mode>', 'exact: as iptables or refused; early: only drops that iptables would do too', [
      'exact',
      'early',
    ]).default('exact'),
    choice('--fragments <policy>', 'IPv4 fragments where iptables sees datagrams', ['judge', 'drop', 'pass']),
    choice('--reject <policy>', 'REJECT answers on the wire, or only drops', ['answer', 'drop']).default('answer'),
    choice('--vlan <policy>', 'packets of other VLANs than 0', ['judge', 'drop', 'pass']),
    engineOption(),
    whole('--hz <n>', 'CONFIG_HZ of the kernel that will run it, for -m limit (250 if left out)', 1, 10_000),
    whole('--recent-entries <n>', 'ip_list_tot of its module xt_recent, for -m recent (100 if left out)', 1, 4000),
    ipsetOption(),
    familyOption(),
    tableOption(),
  ].map((option) => option.helpGroup('Translation:'));
}
