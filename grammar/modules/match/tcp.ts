import { all, equals, hotdrop, inSet, invertIf, TRUE, type Condition } from '../../model/condition.js';
import { single } from '../../model/interval.js';
import {
  defineMatch,
  option,
  optionWords,
  type Given,
  type Parsed,
  type RuleParts,
  type ValueType,
} from '../define.js';
import { number, UINT8 } from '../value/number.js';
import { namedPortRange } from '../value/port.js';
import { unknownName } from '../value/suggest.js';
import { allTests, headerReadable, NOT_LATER_FRAGMENT, portIn, portOptions, portWords } from './transport.js';

const FLAGS: readonly (readonly [name: string, bits: number])[] = [
  ['FIN', 0x01],
  ['SYN', 0x02],
  ['RST', 0x04],
  ['PSH', 0x08],
  ['ACK', 0x10],
  ['URG', 0x20],
  ['ALL', 0x3f],
  ['NONE', 0x00],
];

const FLAG_NAMES = FLAGS.map(([name]) => name);

/** `(flags & mask) == comp`. */
interface FlagTest {
  readonly mask: number;
  readonly comp: number;
}

function parseFlags(word: string): Parsed<number> {
  const canonical = FLAG_BITS.get(word);
  if (canonical !== undefined) return { value: canonical };
  let bits = 0;
  for (const piece of word.split(',').filter((name) => name !== '')) {
    const flag = FLAGS.find(([name]) => name === piece.toUpperCase());
    if (flag === undefined) return unknownName(piece, FLAG_NAMES, `"${piece}" is not a TCP flag`);
    bits |= flag[1];
  }
  return { value: bits };
}

/** Names of every set of the six flags. */
const FLAG_TEXTS = Array.from({ length: 64 }, (_, bits) => {
  const names = FLAGS.slice(0, 6).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
  return names.length === 0 ? 'NONE' : names.join(',');
});

const FLAG_BITS: ReadonlyMap<string, number> = new Map(FLAG_TEXTS.map((text, bits) => [text, bits]));

function printFlags(bits: number): string {
  return FLAG_TEXTS[bits];
}

const flagTest: ValueType<FlagTest> = {
  arity: 2,
  placeholder: 'mask comp',
  parse: ([first, second]) => {
    if (/^[-!]/.test(second)) return { error: `two lists of flags are needed, "${second}" is not one` };
    const mask = parseFlags(first);
    if ('error' in mask) return mask;
    const comp = parseFlags(second);
    if ('error' in comp) return comp;
    return { value: { mask: mask.value, comp: comp.value } };
  },
  print: ({ mask, comp }) => [printFlags(mask), printFlags(comp)],
};

const SYN = 0x02;
const SYN_ONLY: FlagTest = { mask: 0x17, comp: 0x02 };

/** `--syn` is read as the flag test that it stands for. */
const synOnly: ValueType<FlagTest> = { arity: 0, placeholder: '', parse: () => ({ value: SYN_ONLY }), print: () => [] };

const OPTIONS = {
  ...portOptions(namedPortRange('tcp')),
  tcpOption: option('--tcp-option', number({ min: 1, max: UINT8 }), {
    invertible: true,
    doc: 'an option of this kind is in the header',
  }),
  flags: option('--tcp-flags', flagTest, {
    invertible: true,
    excludes: ['syn'],
    doc: 'of the flags in mask, exactly those in comp are set',
  }),
  syn: option('--syn', synOnly, {
    invertible: true,
    excludes: ['flags'],
    doc: 'SYN set, ACK, FIN and RST clear',
  }),
};

function flagsMatch(given: Given<FlagTest> | undefined): Condition {
  if (given === undefined) return TRUE;
  return invertIf(given.inverted, equals('tcp.flags', given.value.comp, BigInt(given.value.mask)));
}

/** `tcp_find_option`: a header that is too short for its own length, or cut off, drops the packet. */
function optionPresent(given: Given<number> | undefined): Condition {
  if (given === undefined) return TRUE;
  const bit = 1n << BigInt(given.value);
  return all(
    hotdrop(inSet('tcp.doff', [{ lo: 0n, hi: 4n }])),
    hotdrop(equals('tcp.whole', 0)),
    invertIf(given.inverted, inSet('tcp.options', single(bit), bit)),
  );
}

/** Whether a match of a rule lets no packet pass but those with SYN. */
export function isSynTest({ name, options }: RuleParts['matches'][number]): boolean {
  const given = name === 'tcp' ? (options.flags ?? options.syn) : undefined;
  return given !== undefined && !given.inverted && isFlagTest(given.value) && (given.value.comp & SYN) !== 0;
}

function isFlagTest(value: unknown): value is FlagTest {
  return typeof value === 'object' && value !== null && 'comp' in value && typeof value.comp === 'number';
}

/** A fragment that would overwrite the flags is never innocent (RFC 1858). */
const OVERWRITING_FRAGMENT = hotdrop(equals('fragoff', 1));
const HEADER_READABLE = headerReadable(20);

/** TCP header (net/netfilter/xt_tcpudp.c `tcp_mt`). */
export const tcp = defineMatch({
  name: 'tcp',
  families: ['v4', 'v6'],
  protocols: [6],
  implicitFor: [6],
  doc: 'TCP ports, flags and options',
  options: OPTIONS,
  print: (options, context) => {
    const flags = options.flags ?? options.syn;
    const shown = flags !== undefined && (flags.value.mask !== 0 || flags.inverted);
    return [
      ...portWords(OPTIONS.sport, options.sport, context),
      ...portWords(OPTIONS.dport, options.dport, context),
      ...(options.tcpOption === undefined ? [] : optionWords(OPTIONS.tcpOption, options.tcpOption, context)),
      ...(shown ? optionWords(OPTIONS.flags, flags, context) : []),
    ];
  },
  condition: (options) =>
    allTests(
      OVERWRITING_FRAGMENT,
      NOT_LATER_FRAGMENT,
      HEADER_READABLE,
      portIn('sport', options.sport),
      portIn('dport', options.dport),
      flagsMatch(options.flags ?? options.syn),
      optionPresent(options.tcpOption),
    ),
});
