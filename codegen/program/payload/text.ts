import type { PayloadTest } from '../../../grammar/model/payload.js';
import {
  alu64,
  callFunction,
  exit,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { ENDS, type PayloadCode } from './payload-code.js';
import { BELOW_SEEN, type SeenHeader } from './seen-header.js';

type TextTest = Extract<PayloadTest, { kind: 'string' }>;

/** Bytes searched at a time. */
export const TEXT_BLOCK_BYTES = 32;
const BLOCK = BELOW_SEEN - TEXT_BLOCK_BYTES;
const STATE = BLOCK - 8;
const OFFSET = STATE - 8;
/** The longest packet that can be searched: longer ones are put together from many (GRO), and rare. */
const MAX_PACKET = 65_536;
const MAX_XDP_FRAME = 16_384;

/** Letters as lib/ctype.c has them, which are those of Latin-1. */
function upper(character: number): number {
  const isLower = (character >= 0x61 && character <= 0x7a) || (character >= 0xdf && character !== 0xf7);
  return isLower ? character - 0x20 : character;
}

/** The characters that stand for one of a text. */
function standsFor(character: number, ignoreCase: boolean): readonly number[] {
  if (!ignoreCase) return [character];
  const all = Array.from({ length: 256 }, (_, i) => i);
  return all.filter((other) => upper(other) === upper(character));
}

/**
 * Whether Boyer-Moore of lib/ts_bm.c finds what is there: it skips along lower-case letters that it has made of upper-case
 * ones, which are not all that its comparison takes for equal.
 */
export function isFoundByBoyerMoore({ algorithm, text, ignoreCase }: TextTest): boolean {
  if (algorithm === 'kmp' || !ignoreCase) return true;
  return text.every((character) => upper(character) !== 0xbf && upper(character) !== 0xdf);
}

/** Blocks searched by one call of {@link stretchFunction}: the verifier looks at them once, not for every stretch. */
const STRETCH_BLOCKS = 64;
const STRETCH_BYTES = STRETCH_BLOCKS * TEXT_BLOCK_BYTES;
/** What it returns where the packet could not be read; no text is as long. */
const UNREADABLE = 255;

/**
 * skb_find_text (net/core/skbuff.c): stretches of the packet through {@link stretchFunction}. r8 = offset of the
 * stretch, r9 = how much of the text has been met.
 */
export function emitText(payload: PayloadCode, test: TextTest, stretch: string): void {
  const { code } = payload;
  const { from, to, text } = test;
  if (to - from < text.length) {
    code.emit(goto(ENDS.no));
    return;
  }
  code.emit(mov64(R8, from), mov64(R9, 0));
  const longest = Math.min(to, payload.hook === 'xdp' ? MAX_XDP_FRAME : MAX_PACKET) - from;
  const loop = payload.loop(Math.ceil(longest / STRETCH_BYTES) + 1);
  payload.length(R1);
  code.emit(jump64('jge', R8, reg(R1), ENDS.no), jump64('jge', R8, to, ENDS.no));
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R7)), mov64(R3, reg(R8)), mov64(R4, reg(R9)), callFunction(stretch));
  code.emit(jump64('jeq', R0, text.length, ENDS.yes), jump64('jeq', R0, UNREADABLE, ENDS.unknown));
  code.emit(mov64(R9, reg(R0)), alu64('add', R8, STRETCH_BYTES), goto(loop));
}

/**
 * `stretch_N(ctx, flow, offset, state) → state`: some blocks of the packet through {@link textFunction}, up to its end
 * or to where the search ends. r8 = offset of the block, r9 = offset behind the last byte that counts.
 */
export function stretchFunction(payload: PayloadCode, seen: SeenHeader, test: TextTest, searcher: string): Code {
  const { code } = payload;
  const { from, to, text } = test;
  const known = code.label('end');
  const done = code.label('done');
  if (from <= seen.last) seen.prepare();
  code.emit(mov64(R1, 0));
  for (let at = 0; at < TEXT_BLOCK_BYTES; at += 8) code.emit(store(8, R10, BLOCK + at, R1));
  payload.length(R9);
  code.emit(jump64('jle', R9, to, known), mov64(R9, to));
  code.place(known);
  code.emit(load(8, R8, R10, OFFSET));
  const loop = payload.loop(STRETCH_BLOCKS, done);
  code.emit(jump64('jge', R8, reg(R9), done));
  emitCount(code, code.label('some'));
  // The verifier does not see by itself that there is at least one.
  code.emit(jump64('jeq', R5, 0, done));
  payload.readSome(reg(R8), reg(R5), ENDS.unknown, BLOCK);
  if (from <= seen.last) seen.correct(reg(R8), TEXT_BLOCK_BYTES, BLOCK);
  emitCount(code, code.label('some'));
  code.emit(mov64(R1, reg(R10)), alu64('add', R1, BLOCK), mov64(R2, reg(R5)), load(8, R3, R10, STATE));
  code.emit(callFunction(searcher), store(8, R10, STATE, R0), jump64('jeq', R0, text.length, done));
  code.emit(alu64('add', R8, TEXT_BLOCK_BYTES), goto(loop));
  code.place(done);
  code.emit(load(8, R0, R10, STATE), exit());
  for (const label of Object.values(ENDS)) code.place(label);
  code.emit(mov32(R0, UNREADABLE), exit());
  return code;
}

/** Keeps the arguments of {@link stretchFunction}. */
export function keepStretch(code: Code): void {
  code.emit(store(8, R10, OFFSET, R3), store(8, R10, STATE, R4));
}

/** r5 = bytes from r8 to r9 (at least 1), at most a block's. */
function emitCount(code: Code, some: string): void {
  code.emit(mov64(R5, reg(R9)), alu64('sub', R5, reg(R8)), jump64('jle', R5, TEXT_BLOCK_BYTES, some));
  code.emit(mov64(R5, TEXT_BLOCK_BYTES));
  code.place(some);
}

/**
 * `text_N(block, count, state) → state`: Knuth-Morris-Pratt over a block of the packet. The state is how many characters
 * of the text have been met; it is the text's length where it was found. The states are places in the code, and the
 * verifier looks at them once, not for every block.
 */
export function textFunction({ text, ignoreCase }: TextTest): Code {
  const code = new Code();
  const fold = ignoreCase ? text.map(upper) : text;
  const begin = code.label('given');
  code.emit(jump64('jne', R1, 0, begin), mov64(R0, 0), exit());
  code.place(begin);
  const states = [...fold].map((_, state) => code.label(`state${state}`));
  const fallback = prefixTable(fold);
  // r4 = position in the block.
  code.emit(mov64(R4, 0));
  states.forEach((label, state) => {
    if (state > 0) code.emit(jump64('jeq', R3, state, label));
  });
  code.emit(goto(states[0]));
  const target = (state: number): string => (state === text.length ? 'found' : states[state]);
  states.forEach((label, state) => {
    const rest = code.label('rest');
    code.place(label);
    code.emit(jump64('jge', R4, reg(R2), rest), jump64('jge', R4, TEXT_BLOCK_BYTES, rest));
    code.emit(mov64(R5, reg(R1)), alu64('add', R5, reg(R4)), load(1, R5, R5, 0), alu64('add', R4, 1));
    const seen = new Set<number>();
    for (let candidate: number | undefined = state; candidate !== undefined; candidate = below(fallback, candidate)) {
      const character = fold[candidate];
      if (seen.has(character)) continue;
      seen.add(character);
      for (const one of standsFor(character, ignoreCase)) {
        code.emit(jump32('jeq', R5, one, target(candidate + 1)));
      }
    }
    code.emit(goto(states[0]));
    code.place(rest);
    code.emit(mov32(R0, state), exit());
  });
  code.place('found');
  code.emit(mov32(R0, text.length), exit());
  return code;
}

/** The next shorter beginning of the text that ends what has been met. */
function below(fallback: readonly number[], state: number): number | undefined {
  return state === 0 ? undefined : fallback[state - 1];
}

/** compute_prefix_tbl of lib/ts_kmp.c. */
function prefixTable(text: Uint8Array): readonly number[] {
  const table = [0];
  for (let q = 1, k = 0; q < text.length; q++) {
    while (k > 0 && text[k] !== text[q]) k = table[k - 1];
    if (text[k] === text[q]) k++;
    table.push(k);
  }
  return table;
}
