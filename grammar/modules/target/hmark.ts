import {
  defineVerbatimTarget,
  givenWords,
  isBefore,
  option,
  type ModuleContext,
  type OptionsOf,
  type ValueType,
} from '../define.js';
import { fullMask, parseMask, prefixLength } from '../value/address.js';
import { hex, number, UINT16, UINT32 } from '../value/number.js';
import { isPrefix, pieceOf } from '../value/text.js';

/** Parts of a packet that the hash can take whole, in the order that decides between shortened names. */
const PARTS = ['ct', 'src', 'dst', 'sport', 'dport', 'proto', 'spi'] as const;
type Part = (typeof PARTS)[number];

const tuple: ValueType<readonly Part[]> = {
  arity: 1,
  placeholder: 'part[,part]…',
  parse: ([word]) => {
    const found: Part[] = [];
    for (const piece of word.split(',')) {
      const part = piece === '' ? undefined : PARTS.find((name) => isPrefix(piece, name));
      if (part === undefined) return { error: `${pieceOf(piece, word)} is none of ${PARTS.join(', ')}` };
      found.push(part);
    }
    return { value: found };
  },
  print: (parts) => [parts.join(',')],
};

/** A prefix by its length or as a mask; of a mask with holes the tool prints -1. */
const prefix: ValueType<bigint> = {
  arity: 1,
  placeholder: 'length',
  parse: ([word], { family }) => {
    const value = parseMask(word, family);
    return value === undefined ? { error: `"${word}" is neither a prefix length nor a mask` } : { value };
  },
  print: (mask, { family }) => [String(prefixLength(mask, family) ?? -1)],
};

const hexadecimal = (max: number, digits: number): ValueType<number> =>
  number({ max, print: (value) => hex(value, digits) });

/** In the order in which they are printed. */
const OPTIONS = {
  source: option('--hmark-src-prefix', prefix, { doc: 'bits of the source address that count' }),
  destination: option('--hmark-dst-prefix', prefix, { doc: 'bits of the destination address that count' }),
  sourcePortMask: option('--hmark-sport-mask', hexadecimal(UINT16, 4), { doc: 'bits of the source port that count' }),
  destinationPortMask: option('--hmark-dport-mask', hexadecimal(UINT16, 4), {
    doc: 'bits of the destination port that count',
  }),
  spiMask: option('--hmark-spi-mask', hexadecimal(UINT32, 8), { doc: 'bits of the AH or ESP SPI that count' }),
  sourcePort: option('--hmark-sport', hexadecimal(UINT16, 4), {
    excludes: ['spi'],
    doc: 'bits to set in the source port',
  }),
  destinationPort: option('--hmark-dport', hexadecimal(UINT16, 4), {
    excludes: ['spi'],
    doc: 'bits to set in the destination port',
  }),
  spi: option('--hmark-spi', hexadecimal(UINT32, 8), { doc: 'bits to set in the SPI' }),
  protocolMask: option('--hmark-proto-mask', hexadecimal(UINT16, 2), { doc: 'bits of the protocol that count' }),
  random: option('--hmark-rnd', hexadecimal(UINT32, 8), { required: true, doc: 'start value of the hash' }),
  modulus: option('--hmark-mod', number({ min: 1, max: UINT32 }), { required: true, doc: 'how many marks there are' }),
  offset: option('--hmark-offset', number({ max: UINT32 }), { doc: 'the lowest mark' }),
  tuple: option('--hmark-tuple', tuple, { doc: 'parts of the packet that count whole' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** The option that a part of the tuple stands for. */
const MASKS = {
  src: 'source',
  dst: 'destination',
  sport: 'sourcePortMask',
  dport: 'destinationPortMask',
  spi: 'spiMask',
  proto: 'protocolMask',
} as const satisfies Record<Exclude<Part, 'ct'>, keyof typeof OPTIONS>;

function parts({ tuple: given }: Options): readonly Exclude<Part, 'ct'>[] {
  return (given?.value ?? []).flatMap((part) => (part === 'ct' ? [] : [part]));
}

function isTracked({ tuple: given }: Options): boolean {
  return given?.value.includes('ct') === true;
}

/** The options with those that the tuple stands for: all their bits count. */
function expanded(options: Options, { family }: ModuleContext): Options {
  const whole = {
    source: fullMask(family),
    destination: fullMask(family),
    sourcePortMask: UINT16,
    destinationPortMask: UINT16,
    spiMask: UINT32,
    protocolMask: UINT16,
  } as const;
  const added = parts(options).map((part) => [MASKS[part], { value: whole[MASKS[part]], inverted: false }] as const);
  return { ...options, ...Object.fromEntries(added) };
}

/** What the hash can be made of. */
const INPUTS = [
  'source',
  'destination',
  'sourcePortMask',
  'destinationPortMask',
  'spiMask',
  'sourcePort',
  'destinationPort',
  'spi',
  'protocolMask',
] as const;

/** libxt_HMARK.c `HMARK_check`, net/netfilter/xt_HMARK.c `hmark_tg_check`. */
function check(options: Options, context: ModuleContext): string[] {
  const errors: string[] = [];
  const twice = parts(options).find((part) => isBefore(options, 'tuple', MASKS[part]));
  if (twice !== undefined) errors.push(`${OPTIONS[MASKS[twice]].flag} stands behind --hmark-tuple ${twice}`);
  const all = expanded(options, context);
  if (all.spiMask !== undefined && (all.sourcePortMask ?? all.destinationPortMask) !== undefined) {
    errors.push('--hmark-spi-mask cannot stand beside masks of ports: they share their place');
  }
  if (!isTracked(options) && INPUTS.every((key) => all[key] === undefined)) errors.push('--hmark-tuple is needed');
  return errors;
}

/** The tuple is printed as what it stands for, but for the connection. */
function print(options: Options, context: ModuleContext): readonly string[] {
  const { tuple: _, ...rest } = expanded(options, context);
  return [...givenWords(OPTIONS, rest, context), ...(isTracked(options) ? [OPTIONS.tuple.flag, 'ct'] : [])];
}

/** Mark by a hash of the packet (net/netfilter/xt_HMARK.c). */
export const hmark = defineVerbatimTarget({
  name: 'HMARK',
  families: ['v4', 'v6'],
  doc: 'set a mark that packets of one flow share and go on',
  options: OPTIONS,
  check,
  print,
});
