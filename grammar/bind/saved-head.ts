import type { Family } from '../model/family.js';
import { parseProtocol } from '../modules/value/protocols.js';
import type { WordCursor } from '../syntax/index.js';
import { parseAddressList, plainNetwork, type AddressTerm } from './address.js';
import type { AddressPair } from './head.js';
import { hasOddCharacter, parseInterface } from './interface.js';
import { EXTENSION_HEADERS } from './rule-draft.js';
import type { HeadValue, HeadValues } from './rule-words.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const DASH = 0x2d;
const EXCLAMATION = 0x21;
const DESTINATION = 0x64;
const IN_INTERFACE = 0x69;
const OUT_INTERFACE = 0x6f;
const PROTOCOL = 0x70;
const SOURCE = 0x73;

/** Letters of the options that modules stand behind. */
export const MATCH = 0x6d;
export const JUMP = 0x6a;
export const GOTO = 0x67;
export const APPEND = 0x41;
/** In the place of a letter: the word is no option of one letter, or there is none. */
export const NO_LETTER = 0;

/** Letter of the option that the cursor is at. */
export function letterAt(cursor: WordCursor): number {
  return cursor.length === 2 && !cursor.quoted && cursor.code(0) === DASH ? cursor.code(1) : NO_LETTER;
}

/** Reads `-s -d -i -o -p` as iptables-save prints them. */
export class SavedHeadReader {
  private head: Mutable<HeadValues> = {};

  constructor(
    private readonly cursor: WordCursor,
    private readonly family: Family,
  ) {}

  /** What the last `read` came by. */
  get values(): HeadValues {
    return this.head;
  }

  get pair(): AddressPair {
    return { source: this.head.source?.value[0], destination: this.head.destination?.value[0] };
  }

  /**
   * Reads up to the first module, whose letter is the answer, or to the end of the line. Undefined where a word needs a
   * closer look.
   */
  read(): number | undefined {
    const { cursor } = this;
    this.head = {};
    while (cursor.next()) {
      const inverted = cursor.length === 1 && cursor.code(0) === EXCLAMATION;
      if (inverted && !cursor.next()) return undefined;
      const letter = letterAt(cursor);
      if (letter === MATCH || letter === JUMP || letter === GOTO) return inverted ? undefined : letter;
      if (letter === NO_LETTER || !cursor.next() || !this.option(letter, inverted)) return undefined;
    }
    return cursor.odd ? undefined : NO_LETTER;
  }

  private option(letter: number, inverted: boolean): boolean {
    const { head, cursor } = this;
    if (cursor.length === 1 && cursor.code(0) === EXCLAMATION) return false;
    switch (letter) {
      case SOURCE:
        return head.source === undefined && (head.source = this.address(inverted)) !== undefined;
      case DESTINATION:
        return head.destination === undefined && (head.destination = this.address(inverted)) !== undefined;
      case IN_INTERFACE:
        return (
          head.inInterface === undefined && (head.inInterface = interfaceOf(cursor.word(), inverted)) !== undefined
        );
      case OUT_INTERFACE:
        return (
          head.outInterface === undefined && (head.outInterface = interfaceOf(cursor.word(), inverted)) !== undefined
        );
      case PROTOCOL:
        return head.protocol === undefined && (head.protocol = this.protocol(cursor.word(), inverted)) !== undefined;
      default:
        return false;
    }
  }

  private address(inverted: boolean): HeadValue<readonly AddressTerm[]> | undefined {
    const { cursor, family } = this;
    const plain = plainNetwork(cursor.text, cursor.start, cursor.end, family);
    if (plain !== undefined) return { value: [plain], inverted };
    const parsed = parseAddressList(cursor.word(), family);
    if ('error' in parsed || parsed.value.length !== 1 || 'hostName' in parsed.value[0]) return undefined;
    return { value: parsed.value, inverted };
  }

  private protocol(text: string, inverted: boolean): HeadValue<number> | undefined {
    const parsed = parseProtocol(text.toLowerCase());
    if ('error' in parsed || (parsed.value === 0 && inverted)) return undefined;
    if (this.family === 'v6' && EXTENSION_HEADERS.has(parsed.value)) return undefined;
    return { value: parsed.value, inverted };
  }
}

function interfaceOf(text: string, inverted: boolean): HeadValue<string> | undefined {
  const parsed = parseInterface(text);
  return 'error' in parsed || hasOddCharacter(parsed.value) ? undefined : { value: parsed.value, inverted };
}
