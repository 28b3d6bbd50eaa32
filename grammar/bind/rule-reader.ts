import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import type { Counters } from '../model/ruleset.js';
import type { MatchModule, ModuleContext, TargetModule } from '../modules/define.js';
import { parseProtocol } from '../modules/value/protocols.js';
import { wholeNumber } from '../modules/value/number.js';
import { problem, warning, type Code, type Word } from '../syntax/index.js';
import { parseAddressList, type AddressMask } from './address.js';
import { CORE_BY_LETTER, type CoreOption } from './core-options.js';
import { extensionSyntax } from './extension-syntax.js';
import { extensionNames, type ExtensionKind } from './extensions.js';
import { protocolName } from './head.js';
import { hasOddCharacter, parseInterface } from './interface.js';
import { takeModuleOption } from './module-option.js';
import { resolveFlag, type Resolved } from './option-lookup.js';
import type { Entry } from './registry.js';
import type {
  Command,
  Head,
  KnownUse,
  MatchUse,
  RuleHead,
  RuleWords,
  Surroundings,
  TargetUse,
  UnknownUse,
} from './rule-words.js';
import { didYouMean } from './suggest.js';
import { chainNameFault } from './chain-name.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads the words of a rule as iptables does: getopt_long over the options of iptables and of the modules loaded so
 * far, so that the order of words counts (iptables xshared.c `do_parse`, `command_default`).
 */
export function readRule(words: readonly Word[], surroundings: Surroundings): RuleWords {
  return new RuleReader(words, surroundings).read();
}

/** How far a rule has been read; what loading a module or taking a value changes. */
export class RuleReader {
  private index = 0;
  private stopped = false;
  private inversion: Word | undefined;
  private command: Command | undefined;
  private known: ModuleContext | undefined;
  private readonly head: Mutable<RuleHead> = {};
  private readonly matches: MatchUse[] = [];
  /** Modules in the order in which they were loaded. */
  readonly loaded: (KnownUse | UnknownUse)[] = [];
  private target: TargetUse | undefined;
  private counters: Counters | undefined;
  private otherFamily = false;
  /** The protocol's own match is loaded once at most. */
  private implicitLoaded = false;
  /** An unknown module that the last word belonged to: words that are no options go on belonging to it. */
  private openWords: Word[] | undefined;
  private readonly faults: Diagnostic[] = [];

  constructor(
    private readonly words: readonly Word[],
    readonly surroundings: Surroundings,
  ) {}

  read(): RuleWords {
    while (!this.stopped && this.index < this.words.length) this.readWord(this.words[this.index++]);
    if (!this.stopped) this.checkEnd();
    const { command, head, matches, target, counters, otherFamily, faults } = this;
    return { command, head, matches, target, counters, otherFamily, faults };
  }

  /** As far as the words before say: a later -p or -A changes it. */
  get context(): ModuleContext {
    this.known ??= this.contextSoFar();
    return this.known;
  }

  private contextSoFar(): ModuleContext {
    const { family, table } = this.surroundings;
    const { protocol } = this.head;
    const chain = this.command?.chain?.text ?? this.surroundings.chain ?? '';
    if (protocol === undefined) return { family, table, chain };
    return { family, table, chain, protocol: { number: protocol.value, inverted: protocol.inverted } };
  }

  fault(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.faults.push(problem(code, at, message, hint));
  }

  /** A fault after which the next word's meaning is not known. */
  stop(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.fault(code, at, message, hint);
    this.stopped = true;
  }

  /** The next word, whatever it is (getopt: an option takes its word even if that begins with a dash). */
  nextWord(): Word | undefined {
    return this.words[this.index++];
  }

  /** The next word if it can be a further one of the same option (xshared.c `xs_has_arg`). */
  nextPlainWord(): Word | undefined {
    const word = this.words[this.index];
    if (word === undefined || word.text.startsWith('-') || word.text.startsWith('!')) return undefined;
    this.index++;
    return word;
  }

  private readWord(word: Word): void {
    const { text } = word;
    if (text === '--') {
      if (this.index < this.words.length) {
        this.stop('bad-argument', this.words[this.index], `"${this.words[this.index].text}" stands after "--"`);
      }
    } else if (text.length < 2 || text[0] !== '-') {
      this.plainWord(word);
    } else if (text[1] === '-') {
      this.longOption(word);
    } else {
      this.shortOptions(word);
    }
  }

  private plainWord(word: Word): void {
    if (word.text === '!') {
      if (this.inversion !== undefined) this.stop('bad-inversion', word, '`!` stands twice');
      this.inversion = word;
    } else if (this.openWords !== undefined && this.inversion === undefined) {
      this.openWords.push(word);
    } else if (word.text.startsWith('#')) {
      this.stop('indented-comment', word, 'a comment must begin in the first column', 'move it to a line of its own');
    } else {
      this.stop('bad-argument', word, `"${word.text}" belongs to no option`, plainWordHint(word));
    }
  }

  private longOption(word: Word): void {
    const equals = word.text.indexOf('=');
    const flag = equals < 0 ? word.text : word.text.slice(0, equals);
    const glued = equals < 0 ? undefined : word.text.slice(equals + 1);
    this.apply(resolveFlag(this, flag, word), word, glued);
  }

  private apply(found: Resolved, word: Word, glued: string | undefined): void {
    const inversion = this.inversion;
    this.inversion = undefined;
    this.openWords = undefined;
    switch (found.kind) {
      case 'core':
        return this.coreOption(found.option, word, glued, inversion);
      case 'module':
        return takeModuleOption(this, found, word, glued, inversion !== undefined);
      case 'unknown-module':
        return this.unknownOption(found, word, glued, inversion);
      case 'none':
        return this.stop(found.code, word, found.message, found.hint);
      default:
        return found satisfies never;
    }
  }

  /** Keeps an option of an unknown module with its words; without known options, as many as there are. */
  private unknownOption(
    { use, option }: Extract<Resolved, { kind: 'unknown-module' }>,
    word: Word,
    glued: string | undefined,
    inversion: Word | undefined,
  ): void {
    if (inversion !== undefined) use.words.push(inversion);
    use.words.push(word);
    if (option === undefined) {
      this.openWords = use.words;
      return;
    }
    if (inversion !== undefined && !option.invertible) {
      this.fault('bad-inversion', inversion, `"!" cannot stand before ${word.text}`);
    }
    const wanted = (option.words === 'optional' ? 1 : option.words) - (glued === undefined ? 0 : 1);
    for (let i = 0; i < wanted; i++) {
      const value = i === 0 && option.words !== 'optional' ? this.nextWord() : this.nextPlainWord();
      if (value !== undefined) use.words.push(value);
      else if (option.words !== 'optional') {
        return this.stop('missing-argument', word, `"${word.text}" needs ${option.words} words behind it`);
      }
    }
  }

  private shortOptions(word: Word): void {
    for (let at = 1; at < word.text.length && !this.stopped; at++) {
      const option = CORE_BY_LETTER.get(word.text[at]);
      if (option === undefined) return this.unknownLetter(word, word.text[at]);
      const rest = word.text.slice(at + 1);
      const glued = option.argument === 'none' || rest === '' ? undefined : rest;
      this.apply({ kind: 'core', option }, word, glued);
      if (option.argument !== 'none') return;
    }
  }

  private unknownLetter(word: Word, letter: string): void {
    if (this.openWords !== undefined && this.inversion === undefined) {
      this.openWords.push(word);
    } else {
      const hint = word.text.length > 2 ? `long options need two dashes` : undefined;
      this.stop('unknown-option', word, `there is no option "-${letter}"`, hint);
    }
  }

  private coreOption(option: CoreOption, word: Word, glued: string | undefined, inversion: Word | undefined): void {
    if (option.argument === 'none' && glued !== undefined) {
      return this.stop('unknown-option', word, `"${word.text}" takes no value`);
    }
    if (inversion !== undefined && !INVERTIBLE.has(option.key)) {
      return this.stop('bad-inversion', inversion, `"!" cannot stand before "${word.text}"`);
    }
    const argument = option.argument === 'required' ? this.coreArgument(option, word, glued) : undefined;
    if (this.stopped) return;
    this.applyCore(option, word, argument ?? this.optionalArgument(option, word, glued), inversion !== undefined);
  }

  /**
   * Up to 1.8.9 iptables-restore takes the whole glued word for the value (`-ieth0` is an interface named `-ieth0`),
   * later ones split it: a text that means two things is refused.
   */
  private coreArgument(option: CoreOption, word: Word, glued: string | undefined): Word | undefined {
    if (glued !== undefined) {
      if (!GLUABLE.has(option.key)) {
        const apart = word.text.startsWith('--') ? word.text.replace('=', ' ') : `${word.text.slice(0, 2)} ${glued}`;
        this.stop(
          'glued-argument',
          word,
          `"${word.text}" is read differently by versions of iptables`,
          `write ${apart}`,
        );
      }
      return gluedWord(word, glued);
    }
    const argument = this.nextWord();
    if (argument === undefined) this.stop('missing-argument', word, `"${word.text}" needs a word behind it`);
    return argument;
  }

  private optionalArgument(option: CoreOption, word: Word, glued: string | undefined): Word {
    if (option.argument !== 'optional') return word;
    return glued !== undefined ? gluedWord(word, glued) : (this.nextPlainWord() ?? word);
  }

  /** `argument` is the option's own word where it has none. */
  private applyCore(option: CoreOption, word: Word, argument: Word, inverted: boolean): void {
    const chain = argument === word ? undefined : argument;
    switch (option.key) {
      case 'append':
      case 'check':
      case 'new-chain':
        return this.setCommand(word, { kind: option.key, chain: argument });
      case 'insert':
        return this.setCommand(word, { kind: 'insert', chain: argument, number: this.ruleNumber() ?? 1 });
      case 'replace': {
        const number = this.ruleNumber();
        if (number === undefined) return this.stop('bad-command', word, '-R needs a rule number');
        return this.setCommand(word, { kind: 'replace', chain: argument, number });
      }
      case 'delete':
        return this.setCommand(word, { kind: 'delete', chain: argument, number: this.ruleNumber() });
      case 'flush':
      case 'delete-chain':
        return this.setCommand(word, { kind: option.key, chain });
      case 'zero':
        if (chain !== undefined) this.ruleNumber();
        return this.setCommand(word, { kind: 'zero', chain });
      case 'list':
      case 'list-rules':
        if (chain !== undefined) this.ruleNumber();
        return this.setCommand(word, { kind: 'list', chain });
      case 'rename-chain': {
        const to = this.nextPlainWord();
        if (to === undefined) return this.stop('bad-command', word, '-E needs the old and the new name of the chain');
        return this.setCommand(word, { kind: 'rename-chain', chain: argument, to });
      }
      case 'policy': {
        const policy = this.nextPlainWord();
        if (policy === undefined) return this.stop('bad-command', word, '-P needs a chain and a policy');
        return this.setCommand(word, { kind: 'policy', chain: argument, policy });
      }
      case 'source':
      case 'destination':
        return this.setAddress(option.key, word, argument, inverted);
      case 'in-interface':
      case 'out-interface':
        return this.setInterface(
          option.key === 'in-interface' ? 'inInterface' : 'outInterface',
          word,
          argument,
          inverted,
        );
      case 'protocol':
        return this.setProtocol(word, argument, inverted);
      case 'fragments':
        return this.setFragments(word, inverted);
      case 'jump':
      case 'goto':
        return this.setTarget(word, argument, option.key === 'goto');
      case 'match':
        return this.loadMatch(argument);
      case 'set-counters':
        return this.setCounters(word, argument);
      case 'ipv4':
      case 'ipv6':
        if (option.key !== `ip${this.surroundings.family}`) this.skipLine();
        return;
      case 'verbose':
        return;
      case 'table':
        return this.stop('illegal-option', word, '-t cannot be used in a dump', 'the table is that of the *table line');
      case 'unusable':
        return this.stop('illegal-option', word, `"${word.text}" cannot be used in a dump`);
      default:
        return option.key satisfies never;
    }
  }

  /** The rest of the line is not looked at, and no rule comes of it. */
  private skipLine(): void {
    this.otherFamily = true;
    this.stopped = true;
  }

  private ruleNumber(): number | undefined {
    const word = this.nextPlainWord();
    if (word === undefined) return undefined;
    const number = wholeNumber(word.text, 1, 0x7fffffff);
    if (number === undefined) this.stop('bad-number', word, `"${word.text}" is not a rule number`);
    return number ?? 1;
  }

  private setCommand(word: Word, command: Command): void {
    if (this.command !== undefined) {
      return this.stop('bad-command', word, `"${word.text}" stands beside another command`, 'a line holds one command');
    }
    if (command.kind === 'new-chain') {
      const fault = chainNameFault(command.chain);
      if (fault !== undefined) this.faults.push(fault);
    }
    this.command = command;
    this.known = undefined;
  }

  /** False, with a fault, where the option stands a second time. */
  private once(given: unknown, word: Word, flag: string): boolean {
    if (given === undefined) return true;
    this.fault('repeated-option', word, `${flag} is given twice`, 'one rule takes it once');
    return false;
  }

  private setAddress(key: 'source' | 'destination', word: Word, argument: Word, inverted: boolean): void {
    if (!this.once(this.head[key], word, key === 'source' ? '-s' : '-d') || this.inversionBehind(word, argument))
      return;
    const parsed = parseAddressList(argument.text, this.surroundings.family, this.surroundings.hosts);
    if ('error' in parsed) {
      if (parsed.hostName === undefined) return this.fault('bad-address', argument, parsed.error);
      const hint = 'iptables would ask a name service while loading; write the addresses';
      return this.fault('host-name', argument, parsed.error, hint);
    }
    const given: Head<readonly AddressMask[]> = { value: parsed.value, inverted, at: argument };
    this.head[key] = given;
  }

  private setInterface(key: 'inInterface' | 'outInterface', word: Word, argument: Word, inverted: boolean): void {
    const flag = key === 'inInterface' ? '-i' : '-o';
    if (!this.once(this.head[key], word, flag) || this.inversionBehind(word, argument)) return;
    const parsed = parseInterface(argument.text);
    if ('error' in parsed) return this.fault('bad-interface', argument, parsed.error);
    if (hasOddCharacter(parsed.value)) {
      const message = `no interface can be named "${parsed.value}": "/" and blanks are not allowed`;
      this.faults.push(warning('odd-interface', argument, message));
    }
    this.head[key] = { value: parsed.value, inverted, at: argument };
  }

  private setProtocol(word: Word, argument: Word, inverted: boolean): void {
    if (!this.once(this.head.protocol, word, '-p') || this.inversionBehind(word, argument)) return;
    const parsed = parseProtocol(argument.text.toLowerCase());
    if ('error' in parsed) return this.stop('bad-protocol', argument, parsed.error);
    if (parsed.value === 0 && inverted) {
      return this.fault('bad-protocol', argument, 'no packet can match a protocol other than all');
    }
    if (this.surroundings.family === 'v6' && !inverted && EXTENSION_HEADERS.has(parsed.value)) {
      const message = `-p ${argument.text} never matches: it is an extension header`;
      this.faults.push(warning('extension-header-protocol', argument, message, 'use the match for that header'));
    }
    this.head.protocol = { value: parsed.value, inverted, at: argument };
    this.known = undefined;
  }

  private setFragments(word: Word, inverted: boolean): void {
    if (this.surroundings.family === 'v6') {
      return this.fault('fragment-in-ipv6', word, '-f is not for IPv6', 'use -m frag');
    }
    if (this.once(this.head.fragments, word, '-f')) this.head.fragments = { value: true, inverted, at: word };
  }

  /** `-s ! x`, the order that iptables has refused since 1.4.3. */
  private inversionBehind(word: Word, argument: Word): boolean {
    if (argument.text !== '!') return false;
    const next = this.words[this.index]?.text;
    const hint = next === undefined ? undefined : `write ! ${word.text} ${next}`;
    this.stop('bad-inversion', argument, `"!" must stand before "${word.text}"`, hint);
    return true;
  }

  private setCounters(word: Word, argument: Word): void {
    const comma = argument.text.indexOf(',', 1);
    const bytes = comma < 0 ? this.nextPlainWord()?.text : argument.text.slice(comma + 1);
    const packets = comma < 0 ? argument.text : argument.text.slice(0, comma);
    if (bytes === undefined) return this.fault('bad-number', argument, '-c needs a packet and a byte counter');
    if (!/^\d+$/.test(packets) || !/^\d+$/.test(bytes)) {
      return this.fault('bad-number', argument, `"${packets}" and "${bytes}" are not two numbers`);
    }
    if (!this.once(this.counters, word, '-c')) return;
    this.counters = { packets: BigInt(packets), bytes: BigInt(bytes) };
  }

  private loadMatch(word: Word): void {
    const { registry, family } = this.surroundings;
    const entry = registry.match(word.text);
    if (entry !== undefined) {
      this.addMatch(knownUse(entry, word));
    } else if (extensionNames('match', family).has(word.text)) {
      this.addMatch(unknownUse('match', word.text, word));
    } else if (this.isForeign('match', word.text)) {
      this.stop('wrong-family', word, `match ${word.text} is not for ${familyName(family)}`);
    } else {
      const names = [...registry.names('match'), ...extensionNames('match', family)];
      this.stop('unknown-match', word, `there is no match "${word.text}"`, didYouMean(word.text, names));
    }
  }

  private addMatch(use: MatchUse): void {
    this.matches.push(use);
    this.loaded.push(use);
  }

  /** Loads the match named like the protocol, once, for an option that no module has so far. */
  loadImplicit(word: Word): boolean {
    const { protocol } = this.head;
    if (protocol === undefined || this.implicitLoaded) return false;
    this.implicitLoaded = true;
    const { registry, family } = this.surroundings;
    const entry = registry.implicit(protocol.value);
    const name = protocolName(protocol.value);
    if (entry !== undefined) this.addMatch(knownUse(entry, protocol.at));
    else if (extensionNames('match', family).has(name)) this.addMatch(unknownUse('match', name, word));
    else return false;
    return true;
  }

  /** Whether the protocol's own match could still be loaded, and has the option. */
  implicitHas(flag: string): boolean {
    const { protocol } = this.head;
    if (protocol === undefined || this.implicitLoaded) return false;
    return this.surroundings.registry.implicit(protocol.value)?.flags.has(flag) ?? false;
  }

  private setTarget(word: Word, argument: Word, goto: boolean): void {
    if (!this.once(this.target, word, '-j or -g')) return;
    const name = argument.text;
    const { chains, registry, family } = this.surroundings;
    const fault = targetNameFault(argument);
    if (fault !== undefined) {
      this.faults.push(fault);
    } else if (this.surroundings.isBuiltin(name)) {
      this.fault('jump-to-builtin', argument, `${name} is a built-in chain, which no rule can jump to`);
    } else if (chains.has(name) || goto) {
      this.target = { kind: 'chain', name, goto, at: argument };
      if (!chains.has(name))
        this.stop('unknown-chain', argument, `-g needs a chain, "${name}" is none`, this.chainHint(name));
    } else {
      this.loadTarget(argument, registry.target(name), family);
    }
  }

  private loadTarget(
    word: Word,
    entry: ReturnType<Surroundings['registry']['target']>,
    family: Surroundings['family'],
  ): void {
    const name = word.text;
    if (entry !== undefined) {
      this.addTarget(knownUse(entry, word));
    } else if (extensionNames('target', family).has(name)) {
      this.addTarget(unknownUse('target', name, word));
    } else if (this.isForeign('target', name)) {
      this.stop('wrong-family', word, `target ${name} is not for ${familyName(family)}`);
    } else {
      this.stop(
        'unknown-target',
        word,
        `"${name}" is neither a chain declared so far nor a target`,
        this.targetHint(name),
      );
    }
  }

  private addTarget(use: KnownUse<TargetModule> | UnknownUse): void {
    this.target = use;
    this.loaded.push(use);
  }

  private isForeign(kind: 'match' | 'target', name: string): boolean {
    const other = this.surroundings.family === 'v4' ? 'v6' : 'v4';
    return this.surroundings.registry.isForeign(kind, name) || extensionNames(kind, other).has(name);
  }

  private chainHint(name: string): string | undefined {
    return didYouMean(name, this.surroundings.chains.keys());
  }

  private targetHint(name: string): string {
    const { chains, registry, family } = this.surroundings;
    const names = [...chains.keys(), ...registry.names('target'), ...extensionNames('target', family)];
    return didYouMean(name, names) ?? `declare the chain before its first use: ":${name} - [0:0]"`;
  }

  private checkEnd(): void {
    if (this.inversion !== undefined) this.fault('bad-inversion', this.inversion, '`!` stands before nothing');
    const { source, destination } = this.head;
    const lists = [source, destination].filter((given) => given !== undefined);
    if (!lists.some(({ value }) => value.length > 1)) return;
    const inverted = lists.find((given) => given.inverted);
    if (inverted === undefined) return;
    const hint = 'iptables would make several rules of it, of which each alone would match nearly everything';
    this.fault('inverted-list', inverted.at, '"!" cannot stand beside a list of addresses', hint);
  }
}

function knownUse<M extends MatchModule | TargetModule>(entry: Entry<M>, at: Word): KnownUse<M> {
  return { kind: 'known', entry, at, given: {}, text: entry.module.name, broken: false };
}

function unknownUse(kind: ExtensionKind, name: string, at: Word): UnknownUse {
  return { kind: 'unknown', name, at, syntax: extensionSyntax(kind, name), words: [] };
}

const INVERTIBLE: ReadonlySet<CoreOption['key']> = new Set([
  'source',
  'destination',
  'protocol',
  'in-interface',
  'out-interface',
  'fragments',
]);

/** Options whose glued value every version reads alike: the commands. */
const GLUABLE: ReadonlySet<CoreOption['key']> = new Set([
  'append',
  'check',
  'delete',
  'insert',
  'replace',
  'new-chain',
  'rename-chain',
  'policy',
  'match',
  'set-counters',
]);

/** Protocols that `ipv6_find_hdr` walks over (iptables `is_exthdr`). */
const EXTENSION_HEADERS: ReadonlySet<number> = new Set([43, 44, 51, 60]);

function gluedWord(word: Word, text: string): Word {
  return { line: word.line, column: word.column, length: word.length, raw: word.raw, text };
}

function familyName(family: Surroundings['family']): string {
  return family === 'v4' ? 'IPv4' : 'IPv6';
}

function plainWordHint({ text }: Word): string | undefined {
  if (text.includes("'")) return 'only double quotes keep words together';
  if (/^[*:]/.test(text)) return 'the table before it lacks its COMMIT';
  return undefined;
}

const TARGET_NAME_BYTES = 28;

/** xshared.c `xt_parse_target` */
function targetNameFault(word: Word): Diagnostic | undefined {
  if (word.text === '') return problem('unknown-target', word, 'the target has no name');
  if (Buffer.byteLength(word.text) > TARGET_NAME_BYTES) {
    return problem('unknown-target', word, `"${word.text}" is longer than ${TARGET_NAME_BYTES} characters`);
  }
  if (/[ \t\n\v\f\r]/.test(word.text)) return problem('unknown-target', word, `"${word.text}" holds a blank`);
  return undefined;
}
