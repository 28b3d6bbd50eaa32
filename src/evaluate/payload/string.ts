import type { PayloadTest } from '../../../grammar/model/payload.js';
import { fromBoolean, type PayloadAnswer } from './answer.js';
import type { PayloadPacket } from './packet.js';

type StringTest = Extract<PayloadTest, { kind: 'string' }>;

/**
 * skb_find_text (net/core/skbuff.c) for a packet in one piece of memory: the search begins at `from`, and its first
 * finding must end at `to` or before.
 */
export function string(test: StringTest, { bytes }: PayloadPacket): PayloadAnswer {
  const { from, to, text } = test;
  if (from >= bytes.length) return 'no';
  const searched = bytes.subarray(from);
  const at = test.algorithm === 'bm' ? boyerMoore(test, searched) : first(test, searched);
  return fromBoolean(at !== undefined && at + text.length <= to - from);
}

/** toupper of lib/ctype.c, whose letters are those of Latin-1. */
export function upper(character: number): number {
  const isLower = (character >= 0x61 && character <= 0x7a) || (character >= 0xdf && character !== 0xf7);
  return isLower ? character - 0x20 : character;
}

/** tolower of lib/ctype.c. */
function lower(character: number): number {
  const isUpper =
    (character >= 0x41 && character <= 0x5a) || (character >= 0xc0 && character <= 0xde && character !== 0xd7);
  return isUpper ? character + 0x20 : character;
}

/** What kmp_find (lib/ts_kmp.c) finds: the first place. */
function first({ text, ignoreCase }: StringTest, searched: Uint8Array): number | undefined {
  const fold = (character: number): number => (ignoreCase ? upper(character) : character);
  for (let at = 0; at + text.length <= searched.length; at++) {
    if (text.every((character, i) => fold(character) === fold(searched[at + i]))) return at;
  }
  return undefined;
}

/** bm_find (lib/ts_bm.c) with its own shifts. */
function boyerMoore({ text, ignoreCase }: StringTest, searched: Uint8Array): number | undefined {
  const fold = (character: number): number => (ignoreCase ? upper(character) : character);
  const pattern = text.map(fold);
  const length = pattern.length;
  const bad = new Int32Array(256).fill(length);
  for (let i = 0; i < length - 1; i++) {
    bad[pattern[i]] = length - 1 - i;
    if (ignoreCase) bad[lower(pattern[i])] = length - 1 - i;
  }
  const good = goodShifts(pattern);
  let shift = length - 1;
  while (shift < searched.length) {
    let i = 0;
    while (i < length && fold(searched[shift - i]) === pattern[length - 1 - i]) i++;
    if (i === length) return shift - (length - 1);
    shift = Math.max(shift - i + bad[searched[shift - i]], shift + good[i]);
  }
  return undefined;
}

/** compute_prefix_tbl: how far to go on where the last `g` characters fitted. */
function goodShifts(pattern: Uint8Array): Int32Array {
  const length = pattern.length;
  const good = new Int32Array(length).fill(length);
  good[0] = 1;
  for (let i = length - 1, g = 1; i > 0; g++, i--) {
    for (let j = i - 1; j >= 1 - g; j--) {
      if (isSubpattern(pattern, i, j, g)) {
        good[g] = length - j - g;
        break;
      }
    }
  }
  return good;
}

function isSubpattern(pattern: Uint8Array, i: number, j: number, g: number): boolean {
  let x = i + g - 1;
  let y = j + g - 1;
  let left = g;
  while (pattern[x--] === pattern[y--]) {
    if (y < 0) return true;
    if (--left === 0) return pattern[i - 1] !== pattern[j - 1];
  }
  return false;
}
