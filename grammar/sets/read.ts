import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import type { Family } from '../model/family.js';
import type { IpSet, IpSetMember, IpSetType, OtherIpSet } from '../model/ip-set.js';
import { addressBits, fullMask, parseNumericAddress, prefixMask } from '../modules/value/address.js';
import { UINT16, UINT32, UINT8, wholeNumber } from '../modules/value/number.js';
import { didYouMean } from '../modules/value/suggest.js';
import { parseElement, printElement } from './element.js';
import { hasFamily, hasNetworks, isBitmap, isIpSetType } from './types.js';
import { utf8Length } from '../model/utf8.js';

/** IP sets by name; those of a type whose members are not read are kept by name alone. */
export type IpSets = ReadonlyMap<string, IpSet | OtherIpSet>;

/** What {@link parseSets} read. */
export interface ParsedSets {
  /** By name, in the order of the text. */
  readonly sets: IpSets;
  readonly diagnostics: readonly Diagnostic[];
}

/** Longest name with its NUL (IPSET_MAXNAMELEN). */
const NAME_BYTES = 32;
/** IPSET_DEFAULT_MAXELEM, IP_SET_LIST_DEFAULT_SIZE, and the most that a bitmap has (IPSET_BITMAP_MAX_RANGE + 1). */
const DEFAULT_ELEMENTS = 65_536;
const DEFAULT_LIST = 8;
const MOST_OF_A_BITMAP = 65_536n;
/** Errors of one text. */
const MOST_ERRORS = 20;

interface Word {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/**
 * Reads what `ipset save` prints, and what `ipset restore` takes of it by hand: `create` and `add` lines, ranges,
 * comments and empty lines.
 */
export function parseSets(text: string, options: { readonly file?: string } = {}): ParsedSets {
  const reader = new Reader(options.file);
  let line = 0;
  for (let start = 0; start <= text.length && reader.errors < MOST_ERRORS;) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    reader.readLine(text.slice(start, stop), ++line);
    start = stop + 1;
  }
  return reader.finish();
}

/** Words between blanks; what stands between double quotes is one word. */
function wordsOf(line: string): readonly Word[] | undefined {
  const words: Word[] = [];
  const pattern = /[ \t\r]*(?:"([^"]*)"|([^ \t\r"]+))/y;
  const length = line.trimEnd().length;
  while (pattern.lastIndex < length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(line);
    if (match === null) return undefined;
    const [whole, quoted, plain] = match;
    const text = quoted ?? plain;
    words.push({ text, column: start + whole.length - text.length + (quoted === undefined ? 1 : 0) });
  }
  return words;
}

interface Draft {
  readonly set: Omit<IpSet, 'members' | 'sets'>;
  /** By the element's text, so that one that is given again is replaced. */
  readonly members: Map<string, IpSetMember>;
}

const CREATE = new Set(['create', '-N', '--create', 'n', 'new']);
const ADD = new Set(['add', '-A', '--add', 'a']);
/** What `ipset restore` takes without an effect on the sets. */
const IGNORED = new Set(['COMMIT', 'commit']);
const EXIST = new Set(['-exist', '--exist', '-!']);

class Reader {
  errors = 0;
  private readonly diagnostics: Diagnostic[] = [];
  private readonly drafts = new Map<string, Draft | OtherIpSet>();
  private line = 0;

  constructor(private readonly file: string | undefined) {}

  readLine(text: string, line: number): void {
    this.line = line;
    if (/^[ \t\r]*(#|$)/.test(text)) return;
    const words = wordsOf(text);
    if (words === undefined) return this.error({ text, column: 1 }, 'bad-quotes', 'a quote is not closed');
    const [command, ...rest] = words.filter((word) => !EXIST.has(word.text));
    if (command === undefined || IGNORED.has(command.text)) return;
    if (CREATE.has(command.text)) this.create(command, rest);
    else if (ADD.has(command.text)) this.add(command, rest);
    else {
      const hint = didYouMean(command.text, ['create', 'add']) ?? 'this is to be what "ipset save" prints';
      this.error(command, 'unknown-command', `"${command.text}" is neither create nor add`, hint);
    }
  }

  private error(word: Word, code: string, message: string, hint?: string): void {
    this.errors++;
    this.diagnostics.push({
      ...this.at(word),
      code,
      severity: 'error',
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(this.file === undefined ? {} : { file: this.file }),
    });
  }

  private at({ text, column }: Word): SourceRange {
    return { line: this.line, column, length: Math.max(1, text.length) };
  }

  private create(command: Word, [name, type, ...options]: readonly Word[]): void {
    if (name === undefined || type === undefined) {
      return this.error(command, 'bad-set', 'create needs a name and a type');
    }
    if (utf8Length(name.text) >= NAME_BYTES) {
      return this.error(name, 'bad-set', `"${name.text}" is longer than ${NAME_BYTES - 1} characters`);
    }
    if (this.drafts.has(name.text)) return this.error(name, 'bad-set', `there is a set "${name.text}" already`);
    const place = this.at(command);
    const canonical = TYPE_ALIASES[type.text] ?? type.text;
    if (!isIpSetType(canonical)) {
      if (!/^(hash|bitmap|list):/.test(type.text)) {
        return this.error(type, 'bad-set', `"${type.text}" is not a type of sets`);
      }
      this.drafts.set(name.text, { name: name.text, type: 'other', typeName: type.text, place });
      return;
    }
    const head = this.readHead(canonical, options);
    if (head === undefined) return;
    const set = { ...head, name: name.text, type: canonical, options: options.map(({ text }) => text), place };
    this.drafts.set(name.text, { set, members: new Map() });
  }

  private readHead(
    type: IpSetType,
    words: readonly Word[],
  ): Pick<IpSet, 'family' | 'mask' | 'range' | 'maxElements' | 'timeout' | 'counters' | 'skbinfo'> | undefined {
    const given = new Map<string, Word>();
    for (let i = 0; i < words.length; i++) {
      const { text } = words[i];
      const arity = CREATE_OPTIONS[text];
      if (arity === undefined) {
        this.error(words[i], 'unknown-option', `"${text}" is not an option of create`);
        return undefined;
      }
      const value = words[i + arity];
      if (value === undefined) {
        this.error(words[i], 'bad-set', `${text} needs a value`);
        return undefined;
      }
      given.set(CREATE_ALIASES[text] ?? text, value);
      i += arity;
    }
    const family = this.readFamily(type, given);
    if (family === null) return undefined;
    const mask = this.readMask(family ?? 'v4', given);
    const range = isBitmap(type) ? this.readRange(type, mask, words, given.get('range')) : undefined;
    if (mask === null || range === null) return undefined;
    const counts = this.readNumbers(given);
    if (counts === undefined) return undefined;
    const { timeout, size = DEFAULT_LIST, maxelem = DEFAULT_ELEMENTS } = counts;
    const all = range === undefined ? maxelem : Number(range.hi - range.lo) + 1;
    return {
      ...(family === undefined ? {} : { family }),
      ...(mask === undefined ? {} : { mask }),
      ...(range === undefined ? {} : { range }),
      maxElements: type === 'list:set' ? size : all,
      ...(timeout === undefined ? {} : { timeout }),
      counters: given.has('counters'),
      skbinfo: given.has('skbinfo'),
    };
  }

  private readNumbers(
    given: ReadonlyMap<string, Word>,
  ): { readonly timeout?: number; readonly size?: number; readonly maxelem?: number } | undefined {
    const found: { timeout?: number; size?: number; maxelem?: number } = {};
    for (const key of ['timeout', 'size', 'maxelem'] as const) {
      const word = given.get(key);
      if (word === undefined) continue;
      const value = wholeNumber(word.text, 0, UINT32);
      if (value === undefined) {
        this.error(word, 'bad-set', `"${word.text}" is not a number of ${key}`);
        return undefined;
      }
      found[key] = value;
    }
    return found;
  }

  /** Null after an error. */
  private readFamily(type: IpSetType, given: ReadonlyMap<string, Word>): Family | undefined | null {
    if (!hasFamily(type)) return undefined;
    const word = given.get('family');
    if (word === undefined || word.text === 'inet') return 'v4';
    if (word.text === 'inet6' && !isBitmap(type)) return 'v6';
    this.error(word, 'bad-set', `"${word.text}" is not a family of sets of type ${type}`);
    return null;
  }

  private readMask(family: Family, given: ReadonlyMap<string, Word>): bigint | undefined | null {
    const netmask = given.get('netmask');
    if (netmask !== undefined) {
      const length = wholeNumber(netmask.text, 1, addressBits(family));
      if (length !== undefined) return length === addressBits(family) ? undefined : prefixMask(length, family);
      this.error(netmask, 'bad-set', `"${netmask.text}" is not a prefix length`);
      return null;
    }
    const bitmask = given.get('bitmask');
    if (bitmask === undefined) return undefined;
    const mask = parseNumericAddress(bitmask.text, family);
    if (mask !== undefined && mask !== 0n) return mask;
    this.error(bitmask, 'bad-set', `"${bitmask.text}" is not a mask`);
    return null;
  }

  private readRange(
    type: IpSetType,
    mask: bigint | undefined | null,
    words: readonly Word[],
    word: Word | undefined,
  ): { readonly lo: bigint; readonly hi: bigint } | null {
    const value = word?.text ?? '';
    const range = type === 'bitmap:port' ? portRange(value) : addressRange(value);
    const bits = mask ?? fullMask('v4');
    // With a netmask the range is whole networks (bitmap_ip_create).
    const whole =
      range && type === 'bitmap:ip' ? { lo: range.lo & bits, hi: range.hi | (fullMask('v4') ^ bits) } : range;
    if (whole !== undefined && (whole.hi - whole.lo) / (bits & -bits) < MOST_OF_A_BITMAP) return whole;
    this.error(word ?? words[0] ?? { text: '', column: 1 }, 'bad-set', `a set of type ${type} needs a range`);
    return null;
  }

  private add(command: Word, [name, element, ...options]: readonly Word[]): void {
    if (name === undefined || element === undefined) {
      return this.error(command, 'bad-element', 'add needs the name of a set and an element');
    }
    const draft = this.drafts.get(name.text);
    if (draft === undefined) {
      const hint = didYouMean(name.text, this.drafts.keys());
      return this.error(name, 'unknown-set', `there is no set "${name.text}" before this line`, hint);
    }
    if (!('set' in draft)) return;
    const parsed = parseElement(element.text, draft.set);
    if ('error' in parsed) return this.error(element, 'bad-element', parsed.error);
    const extra = this.readExtra(draft, options);
    if (extra === undefined) return;
    if (draft.set.type === 'list:set')
      return this.addToList(draft, element, { ...parsed.value[0], ...extra.member }, extra);
    for (const member of parsed.value) {
      const key = printElement(member, draft.set);
      if (!draft.members.has(key) && draft.members.size >= draft.set.maxElements) {
        return this.error(element, 'set-full', `set "${name.text}" has no room for more than ${draft.set.maxElements}`);
      }
      draft.members.set(key, { ...member, ...extra.member });
    }
  }

  private readExtra({ set }: Draft, words: readonly Word[]): Extra | undefined {
    const more: string[] = [];
    const extra: { nomatch?: true; timeout?: number } = {};
    let place: Extra['place'];
    for (let i = 0; i < words.length; i++) {
      const { text } = words[i];
      const value = words[i + 1];
      if (text === 'nomatch' && hasNetworks(set.type)) extra.nomatch = true;
      else if (!ADD_OPTIONS.has(text)) {
        this.error(words[i], 'unknown-option', `"${text}" is not an option of elements of type ${set.type}`);
        return undefined;
      } else if (value === undefined) {
        this.error(words[i], 'bad-element', `${text} needs a value`);
        return undefined;
      } else {
        i++;
        if (text === 'timeout') {
          const seconds = wholeNumber(value.text, 0, UINT32);
          if (seconds === undefined || set.timeout === undefined) {
            const message =
              set.timeout === undefined ? `set "${set.name}" has no timeouts` : `"${value.text}" is not a time`;
            this.error(value, 'bad-element', message);
            return undefined;
          }
          extra.timeout = seconds;
        } else if (text === 'before' || text === 'after') place = { where: text, set: value.text };
        else more.push(text, value.text);
      }
    }
    if (extra.timeout === undefined && set.timeout !== undefined && set.timeout !== 0) extra.timeout = set.timeout;
    const member = { ...extra, ...(more.length === 0 ? {} : { more }) };
    return { member, ...(place === undefined ? {} : { place }) };
  }

  private addToList(draft: Draft, word: Word, member: IpSetMember, { place }: Extra): void {
    const name = member.set ?? '';
    const part = this.drafts.get(name);
    if (part === undefined) return this.error(word, 'unknown-set', `there is no set "${name}" before this line`);
    if ('set' in part && part.set.type === 'list:set') {
      return this.error(word, 'bad-element', 'a list of sets cannot hold another one');
    }
    if (draft.members.size >= draft.set.maxElements && !draft.members.has(name)) {
      return this.error(word, 'set-full', `set "${draft.set.name}" has no room for more than ${draft.set.maxElements}`);
    }
    if (place === undefined) {
      draft.members.set(name, member);
      return;
    }
    const entries = [...draft.members].filter(([key]) => key !== name);
    const at = entries.findIndex(([key]) => key === place.set);
    if (at < 0) return this.error(word, 'unknown-set', `set "${place.set}" is not in the list`);
    entries.splice(place.where === 'before' ? at : at + 1, 0, [name, member]);
    draft.members.clear();
    for (const [key, value] of entries) draft.members.set(key, value);
  }

  finish(): ParsedSets {
    const sets = new Map<string, IpSet | OtherIpSet>();
    for (const [name, draft] of this.drafts) {
      if ('set' in draft) sets.set(name, { ...draft.set, members: [...draft.members.values()], sets: [] });
      else sets.set(name, draft);
    }
    for (const set of sets.values()) if (set.type === 'list:set') sets.set(set.name, withParts(set, sets));
    return { sets, diagnostics: this.diagnostics };
  }
}

interface Extra {
  readonly member: Partial<IpSetMember>;
  readonly place?: { readonly where: 'before' | 'after'; readonly set: string };
}

function withParts(list: IpSet, sets: IpSets): IpSet {
  return { ...list, sets: list.members.flatMap(({ set }) => sets.get(set ?? '') ?? []) };
}

function portRange(text: string): { lo: bigint; hi: bigint } | undefined {
  const [lo, hi] = text.split('-').map((port) => wholeNumber(port, 0, UINT16));
  if (lo === undefined || hi === undefined) return undefined;
  return { lo: BigInt(Math.min(lo, hi)), hi: BigInt(Math.max(lo, hi)) };
}

function addressRange(text: string): { lo: bigint; hi: bigint } | undefined {
  const [first, last] = text.split('-');
  if (last !== undefined) {
    const [lo, hi] = [parseNumericAddress(first, 'v4'), parseNumericAddress(last, 'v4')];
    if (lo === undefined || hi === undefined) return undefined;
    return lo <= hi ? { lo, hi } : { lo: hi, hi: lo };
  }
  const [host, length] = text.split('/');
  const address = parseNumericAddress(host, 'v4');
  const prefix = length === undefined ? undefined : wholeNumber(length, 0, UINT8);
  if (address === undefined || prefix === undefined || prefix > 31) return undefined;
  const mask = prefixMask(prefix, 'v4');
  return { lo: address & mask, hi: address | (fullMask('v4') ^ mask) };
}

/** Words that an option of create takes; 0 for a flag. */
const CREATE_OPTIONS: Readonly<Record<string, number>> = {
  family: 1,
  hashsize: 1,
  maxelem: 1,
  netmask: 1,
  bitmask: 1,
  timeout: 1,
  range: 1,
  size: 1,
  bucketsize: 1,
  initval: 1,
  probes: 1,
  resize: 1,
  gc: 1,
  counters: 0,
  comment: 0,
  skbinfo: 0,
  forceadd: 0,
  '--hashsize': 1,
  '--maxelem': 1,
  '--netmask': 1,
  '--timeout': 1,
  '--family': 1,
  '--size': 1,
};
const CREATE_ALIASES: Readonly<Record<string, string>> = {
  '--hashsize': 'hashsize',
  '--maxelem': 'maxelem',
  '--netmask': 'netmask',
  '--timeout': 'timeout',
  '--family': 'family',
  '--size': 'size',
};
const ADD_OPTIONS = new Set([
  'timeout',
  'packets',
  'bytes',
  'comment',
  'skbmark',
  'skbprio',
  'skbqueue',
  'before',
  'after',
]);
/** Names of older versions (ipset(8)). */
const TYPE_ALIASES: Readonly<Record<string, string>> = {
  iphash: 'hash:ip',
  nethash: 'hash:net',
  ipporthash: 'hash:ip,port',
  ipportiphash: 'hash:ip,port,ip',
  ipportnethash: 'hash:ip,port,net',
  ipmap: 'bitmap:ip',
  portmap: 'bitmap:port',
  macipmap: 'bitmap:ip,mac',
  setlist: 'list:set',
};
