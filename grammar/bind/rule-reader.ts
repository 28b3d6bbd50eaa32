import { didYouMean } from '../modules/value/suggest.js';
import { wholeNumber } from '../modules/value/number.js';
import type { ModuleContext } from '../modules/define.js';
import type { SourceRange } from '../model/diagnostic.js';
import { warning, type Code, type Word } from '../syntax/index.js';
import { CORE_BY_LETTER, type CoreOption } from './core-options.js';
import { loadMatch, loadProtocolMatch, loadTarget, protocolMatchHas } from './module-loading.js';
import { takeModuleOption, type WordSource } from './module-option.js';
import { flagOwners, resolveFlag, type Loaded, type Resolved } from './option-lookup.js';
import { RuleDraft } from './rule-draft.js';
import type { KnownUse, RuleWords, Surroundings, UnknownUse } from './rule-words.js';

/**
 * Reads the words of a rule as iptables does: getopt_long over the options of iptables and of the modules loaded so
 * far, so that the order of words counts (iptables xshared.c `do_parse`, `command_default`).
 */
export function readRule(words: readonly Word[], surroundings: Surroundings): RuleWords {
  return new RuleReader(words, surroundings).read();
}

/** Where in the words of a rule reading is. */
class RuleReader implements WordSource, Loaded {
  private index = 0;
  /** A `!` that waits for its option. */
  private inversion: Word | undefined;
  /** A module of unknown options that the last word belonged to: words that are no options go on belonging to it. */
  private openWords: Word[] | undefined;
  /** The protocol's own match is loaded once at most. */
  private implicitLoaded = false;
  private readonly rule: RuleDraft;

  constructor(
    private readonly words: readonly Word[],
    readonly surroundings: Surroundings,
  ) {
    this.rule = new RuleDraft(surroundings);
  }

  read(): RuleWords {
    const { rule, words } = this;
    while (!rule.stopped && this.index < words.length) this.readWord(words[this.index++]);
    if (!rule.stopped) {
      if (this.inversion !== undefined) rule.fault('bad-inversion', this.inversion, '`!` stands before nothing');
      rule.checkAddressLists();
    }
    return rule.words;
  }

  get context(): ModuleContext {
    return this.rule.context;
  }

  get mayBeOlder(): boolean {
    return this.surroundings.mayBeOlder === true;
  }

  get loaded(): readonly (KnownUse | UnknownUse)[] {
    return this.rule.loaded;
  }

  loadImplicit(): boolean {
    if (this.implicitLoaded || this.rule.head.protocol === undefined) return false;
    this.implicitLoaded = true;
    return loadProtocolMatch(this.rule);
  }

  implicitHas(flag: string): boolean {
    return !this.implicitLoaded && protocolMatchHas(this.rule, flag);
  }

  fault(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.rule.fault(code, at, message, hint);
  }

  stop(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.rule.stop(code, at, message, hint);
  }

  warn(code: Code, at: SourceRange, message: string, hint?: string): void {
    this.rule.addFault(warning(code, at, message, hint));
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
    if (this.openWords !== undefined && word.raw.startsWith('"')) {
      // Nobody quotes an option, but a saved value of any odd character is quoted.
      this.openWords.push(word);
    } else if (text === '--') {
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
      this.stop(
        'bad-argument',
        word,
        `"${word.text}" belongs to no option`,
        plainWordHint(word, this.words[this.index - 2]),
      );
    }
  }

  private longOption(word: Word): void {
    const equals = word.text.indexOf('=');
    const flag = equals < 0 ? word.text : word.text.slice(0, equals);
    const glued = equals < 0 ? undefined : word.text.slice(equals + 1);
    this.apply(resolveFlag(this, flag), word, glued);
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
        return this.unknownOption(found.use, word, inversion);
      case 'none':
        return this.stop(found.code, word, found.message, found.hint);
      default:
        return found satisfies never;
    }
  }

  /** Keeps an option of an unknown module; the words behind it that are no options belong to it. */
  private unknownOption(use: UnknownUse, word: Word, inversion: Word | undefined): void {
    if (inversion !== undefined) use.words.push(inversion);
    use.words.push(word);
    this.openWords = use.words;
  }

  private shortOptions(word: Word): void {
    const whole = CORE_BY_SHORT.get(word.text);
    if (whole !== undefined) return this.apply(whole, word, undefined);
    let unknown: string | undefined;
    for (let at = 1; at < word.text.length && !this.rule.stopped; at++) {
      const option = CORE_BY_LETTER.get(word.text[at]);
      if (option === undefined) {
        // iptables loads the protocol's match, goes on behind the letter, and comes back to it at the end of the word.
        const last = at + 1 === word.text.length;
        if (last || unknown !== undefined || this.openWords !== undefined || !this.loadImplicit()) {
          return this.unknownLetter(word, unknown ?? word.text[at]);
        }
        unknown = word.text[at];
        continue;
      }
      const rest = word.text.slice(at + 1);
      const glued = option.argument === 'none' || rest === '' ? undefined : rest;
      this.apply({ kind: 'core', option }, word, glued);
      if (option.argument !== 'none') break;
    }
    if (unknown !== undefined && !this.rule.stopped) this.unknownLetter(word, unknown);
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
    if (this.rule.stopped) return;
    this.applyCore(option, word, argument ?? this.optionalArgument(option, word, glued), inversion !== undefined);
  }

  /**
   * Up to 1.8.9 iptables-restore takes the whole glued word for the value (`-ieth0` is an interface named `-ieth0`, most
   * others are refused), later ones split it, as is done here with a warning.
   */
  private coreArgument(option: CoreOption, word: Word, glued: string | undefined): Word | undefined {
    if (glued !== undefined) {
      if (!GLUABLE.has(option.key)) {
        const message = `"${word.text}" means something else, mostly an error, to iptables before 1.8.10`;
        this.warn('glued-argument', word, message, this.apartHint(word.text, glued));
      }
      return gluedWord(word, glued);
    }
    const argument = this.nextWord();
    if (argument === undefined) this.stop('missing-argument', word, `"${word.text}" needs a word behind it`);
    return argument;
  }

  private apartHint(text: string, glued: string): string {
    if (text.startsWith('--')) return `write ${text.replace('=', ' ')}`;
    const long = flagOwners(this.surroundings.registry, `-${text}`).length > 0 ? `, or -${text} if you meant that` : '';
    return `write ${text.slice(0, 2)} ${glued}${long}`;
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
        return this.rule.setCommand(word, { kind: option.key, chain: argument });
      case 'insert':
        return this.rule.setCommand(word, { kind: 'insert', chain: argument, number: this.ruleNumber() ?? 1 });
      case 'replace': {
        const number = this.ruleNumber();
        if (number === undefined) return this.stop('bad-command', word, '-R needs a rule number');
        return this.rule.setCommand(word, { kind: 'replace', chain: argument, number });
      }
      case 'delete':
        return this.rule.setCommand(word, { kind: 'delete', chain: argument, number: this.ruleNumber() });
      case 'flush':
      case 'delete-chain':
        return this.rule.setCommand(word, { kind: option.key, chain });
      case 'zero':
        if (chain !== undefined) this.ruleNumber();
        return this.rule.setCommand(word, { kind: 'zero', chain });
      case 'list':
      case 'list-rules':
        if (chain !== undefined) this.ruleNumber();
        return this.rule.setCommand(word, { kind: 'list', chain });
      case 'rename-chain': {
        const to = this.nextPlainWord();
        if (to === undefined) return this.stop('bad-command', word, '-E needs the old and the new name of the chain');
        return this.rule.setCommand(word, { kind: 'rename-chain', chain: argument, to });
      }
      case 'policy': {
        const policy = this.nextPlainWord();
        if (policy === undefined) return this.stop('bad-command', word, '-P needs a chain and a policy');
        return this.rule.setCommand(word, { kind: 'policy', chain: argument, policy });
      }
      case 'source':
      case 'destination':
      case 'in-interface':
      case 'out-interface':
      case 'protocol':
        return this.headOption(option.key, word, argument, inverted);
      case 'fragments':
        return this.rule.setFragments(word, inverted);
      case 'jump':
      case 'goto':
        return loadTarget(this.rule, word, argument, option.key === 'goto');
      case 'match':
        return loadMatch(this.rule, argument);
      case 'set-counters':
        return this.setCounters(word, argument);
      case 'ipv4':
      case 'ipv6':
        if (option.key !== `ip${this.surroundings.family}`) this.rule.skipLine();
        return;
      case 'verbose':
      case 'modprobe':
        return;
      case 'table':
        return this.stop('illegal-option', word, '-t cannot be used in a dump', 'the table is that of the *table line');
      case 'unusable':
        return this.stop('illegal-option', word, `"${word.text}" cannot be used in a dump`);
      default:
        return option.key satisfies never;
    }
  }

  private ruleNumber(): number | undefined {
    const word = this.nextPlainWord();
    if (word === undefined) return undefined;
    const number = wholeNumber(word.text, 1, 0x7fffffff);
    if (number === undefined) this.stop('bad-number', word, `"${word.text}" is not a rule number`);
    return number ?? 1;
  }

  private headOption(key: HeadKey, word: Word, argument: Word, inverted: boolean): void {
    const isInterface = key === 'in-interface' || key === 'out-interface';
    // An interface may be named "!": only the word that stands behind it is then one too many.
    if (argument.text === '!' && !(isInterface && this.atOption())) return this.inversionBehind(word, argument);
    const { rule } = this;
    if (key === 'protocol') return rule.setProtocol(word, argument, inverted);
    if (key === 'source' || key === 'destination') return rule.setAddress(key, word, argument, inverted);
    rule.setInterface(key === 'in-interface' ? 'inInterface' : 'outInterface', word, argument, inverted);
  }

  /** Whether the words end here, or an option follows. */
  private atOption(): boolean {
    const next = this.words[this.index]?.text;
    return next === undefined || next === '!' || (next.length > 1 && next.startsWith('-'));
  }

  /** `-s ! x`, the order that iptables has refused since 1.4.3. */
  private inversionBehind(word: Word, argument: Word): void {
    const next = this.words[this.index]?.text;
    const hint = next === undefined ? undefined : `write ! ${word.text} ${next}`;
    this.stop('bad-inversion', argument, `"!" must stand before "${word.text}"`, hint);
  }

  /** `-c packets bytes`, or with a comma between. */
  private setCounters(word: Word, argument: Word): void {
    const comma = argument.text.indexOf(',', 1);
    const packets = comma < 0 ? argument.text : argument.text.slice(0, comma);
    const bytes = comma < 0 ? this.nextPlainWord()?.text : argument.text.slice(comma + 1);
    if (bytes === undefined) return this.fault('bad-number', argument, '-c needs a packet and a byte counter');
    this.rule.setCounters(word, packets, bytes);
  }
}

/** What a word of a dash and one letter stands for. */
const CORE_BY_SHORT: ReadonlyMap<string, Resolved> = new Map(
  [...CORE_BY_LETTER].map(([letter, option]): [string, Resolved] => [`-${letter}`, { kind: 'core', option }]),
);

type HeadKey = 'source' | 'destination' | 'in-interface' | 'out-interface' | 'protocol';

const INVERTIBLE: ReadonlySet<CoreOption['key']> = new Set([
  'source',
  'destination',
  'protocol',
  'in-interface',
  'out-interface',
  'fragments',
  'ipv4',
  'ipv6',
  'modprobe',
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

function gluedWord(word: Word, text: string): Word {
  return { line: word.line, column: word.column, length: word.length, raw: word.raw, text };
}

/** `before`: the word in front of it. */
function plainWordHint({ text }: Word, before: Word | undefined): string | undefined {
  if (/['“”„‘’«»]/.test(text)) return 'only straight double quotes (") keep words together';
  if (/^[‐‑‒–—−]/.test(text)) return `write ${text.replace(/^[‐‑‒–—−]+/, text.length > 2 ? '--' : '-')}`;
  if (/^(?:.*\/)?(?:sudo|ip6?tables(?:-legacy|-nft)?)$/.test(text)) return 'a line of a dump begins with -A CHAIN';
  if (/^[*:]/.test(text)) return 'the table before it lacks its COMMIT';
  if (before === undefined) return didYouMean(text, ['COMMIT']);
  if (before.text === '' || before.text.startsWith('-')) return undefined;
  return `if it belongs to "${before.text}", put both in one pair of double quotes`;
}
