import {
  defineVerbatimTarget,
  option,
  type ModuleContext,
  type OptionsOf,
  type Parsed,
  type ValueType,
} from '../define.js';
import { UINT8, wholeNumber } from '../value/number.js';

/** Names of option kinds (iana.org/assignments/tcp-parameters). */
const NAMES: Readonly<Record<string, number>> = {
  wscale: 3,
  mss: 2,
  'sack-permitted': 4,
  sack: 5,
  timestamp: 8,
  md5: 19,
};

/** End and padding have no length, so they cannot be taken out. */
const FIRST = 2;

function parseKinds(word: string): Parsed<readonly number[]> {
  const kinds = new Set<number>();
  for (const piece of word.split(',')) {
    const kind = Object.hasOwn(NAMES, piece) ? NAMES[piece] : wholeNumber(piece, FIRST, UINT8);
    if (kind === undefined) return { error: `"${piece}" is not a TCP option of 2 to 255` };
    if (kinds.has(kind)) return { error: `"${piece}" stands in "${word}" twice` };
    kinds.add(kind);
  }
  return { value: [...kinds].sort((a, b) => a - b) };
}

const kinds: ValueType<readonly number[]> = {
  arity: 1,
  placeholder: 'option[,option]…',
  parse: ([word]) => parseKinds(word),
  print: (value) => [value.join(',')],
};

const TCP = 6;

function check(_: OptionsOf<typeof OPTIONS>, { protocol }: ModuleContext): string[] {
  return protocol?.number === TCP && !protocol.inverted ? [] : ['TCPOPTSTRIP needs -p tcp'];
}

const OPTIONS = {
  options: option('--strip-options', kinds, { doc: 'kinds of the options, by number or name' }),
};

/** Overwrite TCP options with padding (net/netfilter/xt_TCPOPTSTRIP.c). */
export const tcpoptstrip = defineVerbatimTarget({
  name: 'TCPOPTSTRIP',
  families: ['v4', 'v6'],
  tables: ['mangle'],
  doc: 'overwrite TCP options with padding and go on',
  options: OPTIONS,
  check,
  change: ({ options }) => ({ kind: 'strip-options', kinds: options?.value ?? [] }),
});
