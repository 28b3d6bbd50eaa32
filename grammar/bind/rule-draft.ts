import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import type { Counters } from '../model/ruleset.js';
import type { ModuleContext } from '../modules/define.js';
import { parseProtocol } from '../modules/value/protocols.js';
import { problem, scanCounter, warning, type Code, type Word } from '../syntax/index.js';
import { parseAddressList, type HostName } from './address.js';
import { chainNameFault } from './chain-name.js';
import { hasOddCharacter, parseInterface } from './interface.js';
import type {
  Command,
  KnownUse,
  MatchUse,
  RuleHead,
  RuleWords,
  Surroundings,
  TargetUse,
  UnknownUse,
} from './rule-words.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Errors after which the rest of a line is not looked at: more of them help nobody. */
const MOST_ERRORS = 12;

/** What the modules of a rule see of it, below these surroundings. */
export function contextOf(
  { family, table, sets, accounts }: Surroundings,
  protocol: ModuleContext['protocol'],
): ModuleContext {
  return { family, table, protocol, sets, accounts };
}

/** A rule while its words are read: what is set once, and the faults so far. */
export class RuleDraft {
  private command: Command | undefined;
  private known: ModuleContext | undefined;
  private readonly given: Mutable<RuleHead> = {};
  private counters: Counters | undefined;
  private otherFamily = false;
  private ended = false;
  private readonly matches: MatchUse[] = [];
  private ownTarget: TargetUse | undefined;
  /** Modules in the order in which they were loaded. */
  readonly loaded: (KnownUse | UnknownUse)[] = [];
  private readonly faults: Diagnostic[] = [];
  private errors = 0;

  constructor(readonly surroundings: Surroundings) {}

  /** Whether the words that follow mean nothing any more. */
  get stopped(): boolean {
    return this.ended;
  }

  get head(): RuleHead {
    return this.given;
  }

  get target(): TargetUse | undefined {
    return this.ownTarget;
  }

  get words(): RuleWords {
    const { command, context, head, matches, target, counters, otherFamily, faults } = this;
    return {
      command,
      chain: command?.chain?.text ?? this.surroundings.chain,
      context,
      head,
      matches,
      target,
      counters,
      otherFamily,
      stopped: this.ended && !otherFamily,
      faults,
    };
  }

  /** As far as the words before say: a later -p or -A changes it. */
  get context(): ModuleContext {
    this.known ??= this.contextSoFar();
    return this.known;
  }

  private contextSoFar(): ModuleContext {
    const { protocol } = this.head;
    return contextOf(this.surroundings, protocol && { number: protocol.value, inverted: protocol.inverted });
  }

  fault(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.addFault(problem(code, at, message, hint));
  }

  /** A fault after which the next word's meaning is not known. */
  stop(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.fault(code, at, message, hint);
    this.ended = true;
  }

  addFault(fault: Diagnostic): void {
    this.faults.push(fault);
    if (fault.severity === 'error' && ++this.errors === MOST_ERRORS) this.ended = true;
  }

  addMatch(use: MatchUse): void {
    this.matches.push(use);
    this.loaded.push(use);
  }

  setTarget(use: TargetUse): void {
    this.ownTarget = use;
    if (use.kind !== 'chain') this.loaded.push(use);
  }

  /** The rest of the line is not looked at, and no rule comes of it. */
  skipLine(): void {
    // Addresses are looked at when all words are read.
    const kept = this.faults.filter(({ code }) => code !== 'bad-address' && code !== 'host-name');
    this.faults.splice(0, this.faults.length, ...kept);
    this.otherFamily = true;
    this.ended = true;
  }

  setCommand(word: Word, command: Command): void {
    if (this.command !== undefined) {
      return this.stop('bad-command', word, `"${word.text}" stands beside another command`, 'a line holds one command');
    }
    if (command.kind === 'new-chain') {
      const fault = chainNameFault(command.chain);
      if (fault !== undefined) this.faults.push(fault);
    }
    this.command = command;
  }

  /** False, with a fault, where the option stands a second time. */
  once(given: unknown, word: Word, flag: string): boolean {
    if (given === undefined) return true;
    this.fault('repeated-option', word, `${flag} is given twice`, 'one rule takes it once');
    return false;
  }

  setAddress(key: 'source' | 'destination', word: Word, argument: Word, inverted: boolean): void {
    if (!this.once(this.head[key], word, key === 'source' ? '-s' : '-d')) return;
    const parsed = parseAddressList(argument.text, this.surroundings.family, this.surroundings.hosts);
    if ('error' in parsed) return this.fault('bad-address', argument, parsed.error);
    for (const term of parsed.value) if ('hostName' in term) this.warnOfName(term, argument);
    this.given[key] = { value: parsed.value, inverted, at: argument };
  }

  private warnOfName({ hostName }: HostName, at: Word): void {
    const written = this.surroundings.family === 'v4' ? '127.0.0.1' : '::1';
    const meant = hostName === 'localhost' ? written : 'its addresses';
    const message = `"${hostName}" is a host name, whose addresses depend on where and when it is looked up`;
    const hint = `iptables asks /etc/hosts or a name service while loading; write ${meant}, or declare the name`;
    this.faults.push(warning('host-name', at, message, hint));
  }

  setInterface(key: 'inInterface' | 'outInterface', word: Word, argument: Word, inverted: boolean): void {
    const flag = key === 'inInterface' ? '-i' : '-o';
    if (!this.once(this.head[key], word, flag)) return;
    const parsed = parseInterface(argument.text);
    if ('error' in parsed) return this.fault('bad-interface', argument, parsed.error);
    if (hasOddCharacter(parsed.value)) {
      const message = `no interface can be named "${parsed.value}": "/" and blanks are not allowed`;
      this.faults.push(warning('odd-interface', argument, message));
    }
    this.given[key] = { value: parsed.value, inverted, at: argument };
  }

  setProtocol(word: Word, argument: Word, inverted: boolean): void {
    if (!this.once(this.head.protocol, word, '-p')) return;
    const parsed = parseProtocol(argument.text.toLowerCase());
    if ('error' in parsed) return this.stop('bad-protocol', argument, parsed.error, parsed.hint);
    if (parsed.value === 0 && inverted) {
      return this.fault('bad-protocol', argument, 'no packet can match a protocol other than all');
    }
    if (this.surroundings.family === 'v6' && !inverted && EXTENSION_HEADERS.has(parsed.value)) {
      const message = `-p ${argument.text} never matches: it is an extension header`;
      this.faults.push(warning('extension-header-protocol', argument, message, 'use the match for that header'));
    }
    this.given.protocol = { value: parsed.value, inverted, at: argument };
    this.known = undefined;
  }

  setFragments(word: Word, inverted: boolean): void {
    if (this.surroundings.family === 'v6') {
      return this.fault('fragment-in-ipv6', word, '-f is not for IPv6', 'use -m frag');
    }
    if (this.once(this.head.fragments, word, '-f')) this.given.fragments = { value: true, inverted, at: word };
  }

  setCounters(word: Word, packets: string, bytes: string): void {
    const counters = { packets: scanCounter(packets), bytes: scanCounter(bytes) };
    if (counters.packets === undefined || counters.bytes === undefined) {
      return this.fault('bad-number', word, `-c needs two numbers, "${packets}" and "${bytes}" are not`);
    }
    if (this.once(this.counters, word, '-c')) this.counters = { packets: counters.packets, bytes: counters.bytes };
  }

  /** Faults that show when all words are read. */
  checkAddressLists(): void {
    const { source, destination } = this.head;
    if ((source?.value.length ?? 0) < 2 && (destination?.value.length ?? 0) < 2) return;
    const lists = [source, destination].filter((given) => given !== undefined);
    const inverted = lists.find((given) => given.inverted);
    if (inverted === undefined) return;
    const hint = 'iptables would make several rules of it, of which each alone would match nearly everything';
    this.fault('inverted-list', inverted.at, '"!" cannot stand beside a list of addresses', hint);
  }
}

/** Protocols that `ipv6_find_hdr` walks over (iptables `is_exthdr`). */
export const EXTENSION_HEADERS: ReadonlySet<number> = new Set([43, 44, 51, 60]);
