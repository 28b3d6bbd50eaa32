import { invertIf, opaque, payload, type Condition } from '../../model/condition.js';
import { defineMatch, option, type OptionsOf } from '../define.js';
import { number, UINT16 } from '../value/number.js';
import { hexPattern, needsHex, plainPattern, printHex, printPlain } from '../value/search-pattern.js';
import { choice, flag } from '../value/text.js';

/** Text search of the kernel: Boyer-Moore, Knuth-Morris-Pratt, and a pattern of tokens (lib/ts_*.c). */
const ALGORITHMS = ['bm', 'kmp', 'fsm'] as const;
export type SearchAlgorithm = (typeof ALGORITHMS)[number];

const OPTIONS = {
  from: option('--from', number({ max: UINT16 }), {
    doc: 'offset from the network header to search from, 0 if left out',
  }),
  to: option('--to', number({ max: UINT16 }), {
    doc: 'offset behind the last byte that is searched, 65535 if left out',
  }),
  algorithm: option(
    '--algo',
    choice('search algorithm (bm, kmp)', (word) => ALGORITHMS.find((name) => name === word), ALGORITHMS),
    { required: true, doc: 'how to search' },
  ),
  plain: option('--string', plainPattern, { invertible: true, doc: 'bytes to search for' }),
  hex: option('--hex-string', hexPattern, {
    invertible: true,
    excludes: ['plain'],
    doc: 'bytes to search for, hexadecimal between bars',
  }),
  ignoreCase: option('--icase', flag, { doc: 'ASCII letters of either case are the same' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** What is searched for, and where: the match holds if it lies in bytes `from` to `to` (exclusive), or does not if `inverted`. */
export interface Search {
  readonly algorithm: SearchAlgorithm;
  readonly pattern: Uint8Array;
  /** Offsets in bytes from the network header. */
  readonly from: number;
  readonly to: number;
  readonly ignoreCase: boolean;
  readonly inverted: boolean;
}

export function searchOf({ from, to, algorithm, plain, hex, ignoreCase }: Options): Search {
  const pattern = plain ?? hex;
  return {
    algorithm: algorithm?.value ?? 'bm',
    pattern: pattern?.value ?? new Uint8Array(),
    from: from?.value ?? 0,
    to: to?.value ?? UINT16,
    ignoreCase: ignoreCase !== undefined,
    inverted: pattern?.inverted ?? false,
  };
}

/** What userspace and `string_mt_check` refuse. */
function check(options: Options): string[] {
  if ((options.plain ?? options.hex) === undefined) return ['--string or --hex-string is needed'];
  const { algorithm, pattern, from, to, ignoreCase } = searchOf(options);
  const errors: string[] = [];
  if (pattern.length === 0) errors.push(`${options.hex === undefined ? '--string' : '--hex-string'} has no byte`);
  if (from > to) errors.push('--from is greater than --to');
  if (algorithm === 'fsm' && (ignoreCase || !isTokens(pattern))) {
    errors.push('--algo fsm needs a pattern of tokens and no --icase');
  }
  return errors;
}

/** Bytes of a `struct ts_fsm_token`: 16-bit type, recurrence, byte (include/linux/textsearch_fsm.h). */
const TOKEN = 4;
const MAX_TYPE = 13;
/** Recurrence of a first token that skips what it fits; the greatest one. */
const HEAD_IGNORE = 4;

/** Whether the kernel takes the pattern as tokens, read in little-endian order (lib/ts_fsm.c `fsm_init`). */
function isTokens(pattern: Uint8Array): boolean {
  if (pattern.length % TOKEN !== 0) return false;
  for (let at = 0; at < pattern.length; at += TOKEN) {
    const type = pattern[at] | (pattern[at + 1] << 8);
    const recurrence = pattern[at + 2];
    if (type > MAX_TYPE || recurrence > HEAD_IGNORE) return false;
    if (recurrence === HEAD_IGNORE && (at > 0 || pattern.length === TOKEN)) return false;
  }
  return true;
}

function print(options: Options): readonly string[] {
  const { algorithm, pattern, from, to, ignoreCase, inverted } = searchOf(options);
  return [
    ...(inverted ? ['!'] : []),
    ...(needsHex(pattern) ? [OPTIONS.hex.flag, printHex(pattern)] : [OPTIONS.plain.flag, printPlain(pattern)]),
    ...[OPTIONS.algorithm.flag, algorithm],
    ...(from === 0 ? [] : [OPTIONS.from.flag, String(from)]),
    ...(to === UINT16 ? [] : [OPTIONS.to.flag, String(to)]),
    ...(ignoreCase ? [OPTIONS.ignoreCase.flag] : []),
  ];
}

function found(options: Options): Condition {
  const { algorithm, pattern: text, inverted, ...range } = searchOf(options);
  if (algorithm === 'fsm') return opaque({ name: 'module', module: 'string', words: print(options) });
  const { from, to, ignoreCase } = range;
  return invertIf(inverted, payload({ kind: 'string', algorithm, text, from, to, ignoreCase }));
}

/** Bytes somewhere in the packet (net/netfilter/xt_string.c, revision 1). */
export const string = defineMatch({
  name: 'string',
  families: ['v4', 'v6'],
  doc: 'bytes somewhere in the packet',
  options: OPTIONS,
  check,
  condition: found,
  print,
});
