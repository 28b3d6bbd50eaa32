import { defineVerbatimMatch, option, type ValueType } from '../define.js';
import { parseRangeEnds } from '../value/number.js';
import { choice } from '../value/text.js';

const UINT64_MAX = (1n << 64n) - 1n;

/** Closed range of 64-bit numbers. */
interface WideRange {
  readonly lo: bigint;
  readonly hi: bigint;
}

/** One number alone is open to the top. */
const range: ValueType<WideRange> = {
  arity: 1,
  placeholder: 'from[:to]',
  parse: ([word], context) => {
    const ends = parseRangeEnds(word, UINT64_MAX, context);
    if ('error' in ends) return ends;
    const [lo, hi = UINT64_MAX] = ends.value;
    return { value: { lo, hi } };
  },
  print: ({ lo, hi }) => [hi > 0n && hi < UINT64_MAX ? `${lo}:${hi}` : String(lo)],
};

const MODES = ['packets', 'bytes', 'avgpkt'] as const;
const DIRECTIONS = ['original', 'reply', 'both'] as const;

/** In the order in which they are printed. */
const OPTIONS = {
  range: option('--connbytes', range, { invertible: true, required: true, doc: 'how many' }),
  mode: option(
    '--connbytes-mode',
    choice('mode', (word) => MODES.find((mode) => mode === word), MODES),
    { required: true, doc: 'packets, bytes, or bytes a packet (avgpkt)' },
  ),
  direction: option(
    '--connbytes-dir',
    choice('direction', (word) => DIRECTIONS.find((direction) => direction === word), DIRECTIONS),
    { required: true, doc: 'original, reply or both' },
  ),
};

/** What the connection has transferred (net/netfilter/xt_connbytes.c). */
export const connbytes = defineVerbatimMatch({
  name: 'connbytes',
  families: ['v4', 'v6'],
  doc: 'what the connection has transferred',
  options: OPTIONS,
  print: ({ range: given, mode, direction }, context) => {
    const { lo, hi } = given?.value ?? { lo: 0n, hi: UINT64_MAX };
    // An inverted range is kept as one that ends before it starts; of a single number nothing of it remains.
    const inverted = given?.inverted === true && lo !== hi;
    return [
      ...(inverted ? ['!'] : []),
      OPTIONS.range.flag,
      ...range.print({ lo, hi }, context),
      OPTIONS.mode.flag,
      mode?.value ?? '',
      OPTIONS.direction.flag,
      direction?.value ?? '',
    ];
  },
});
