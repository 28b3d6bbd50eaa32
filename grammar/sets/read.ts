import type { Diagnostic, SourceRange } from '../model/diagnostic.js';
import type { IpSet, IpSetMember, OtherIpSet } from '../model/ip-set.js';
import { utf8Length } from '../model/utf8.js';
import { UINT32, wholeNumber } from '../modules/value/number.js';
import { didYouMean } from '../modules/value/suggest.js';
import { parseElement, printElement } from './element.js';
import { readHead } from './head.js';
import { hasNetworks, isIpSetType } from './types.js';
import { wordsOf, type Word } from './words.js';

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
/** Errors of one text. */
const MOST_ERRORS = 20;

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
    const head = readHead(canonical, options, (word, code, message) => this.error(word, code, message));
    if (head === undefined) return;
    const set = { ...head, name: name.text, type: canonical, options: options.map(({ text }) => text), place };
    this.drafts.set(name.text, { set, members: new Map() });
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
