import { defineVerbatimMatch, isBefore, option, type OptionsOf, type Parsed, type ValueType } from '../define.js';
import { scanDouble, toUint32 } from '../value/double.js';
import { UINT32, wholeNumber } from '../value/number.js';
import { flag, text } from '../value/text.js';

const DECIMAL = ['', 'k', 'm', 'g', 't'].map((prefix, i) => [prefix, 1000 ** i] as const);
const BINARY = ['ki', 'mi', 'gi', 'ti'].map((prefix, i) => [prefix, 1024 ** (i + 1)] as const);

/** Bits of a unit, by its name in lower case. */
const UNITS: ReadonlyMap<string, number> = new Map(
  [...DECIMAL, ...BINARY].flatMap(([prefix, scale]) => [
    [`${prefix}bit`, scale],
    [`${prefix}bps`, 8 * scale],
  ]),
);

/** Bytes a second, the unit left out for bytes (libxt_rateest.c `rateest_get_rate`). */
function parseRate(word: string): Parsed<number> {
  const scanned = scanDouble(word);
  const bits = scanned?.rest === '' ? 1 : UNITS.get(scanned?.rest.toLowerCase() ?? '');
  if (scanned === undefined || bits === undefined) return { error: `"${word}" is not a rate` };
  return { value: toUint32((scanned.value * bits) / 8) };
}

/** In bits, rounded to whole kilo- or megabits where it is at least a thousand of them. */
function printRate(bytes: number): string {
  const bits = bytes * 8;
  if (bits >= 1e9) return `${roundToEven(bits / 1e6)}Mbit`;
  return bits >= 1e6 ? `${roundToEven(bits / 1e3)}Kbit` : `${bits}bit`;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** A rate that may be left out, and is 0 then. */
function rate(
  placeholder: string,
  parse: (word: string) => Parsed<number>,
  print: (value: number) => string,
): ValueType<number> {
  return {
    arity: 1,
    optional: true,
    placeholder,
    parse: ([word]) => (word === undefined ? { value: 0 } : parse(word)),
    print: (value) => [print(value)],
  };
}

const bits = rate('rate', parseRate, printRate);
const packets = rate(
  'number',
  (word) => {
    const value = wholeNumber(word, 0, UINT32);
    return value === undefined ? { error: `"${word}" is not a number in 0-${UINT32}` } : { value };
  },
  String,
);

const name = text({ placeholder: 'name', cut: 15 });

function comparison(word: string): { invertible: true; doc: string } {
  return { invertible: true, doc: `the rate is ${word}` };
}

const OPTIONS = {
  first: option('--rateest1', name, { aliases: ['--rateest'], required: true, doc: 'estimator' }),
  second: option('--rateest2', name, { doc: 'estimator to compare the first with' }),
  bits1: option('--rateest-bps1', bits, { doc: 'compare bytes; bytes a second to take from for --rateest-delta' }),
  packets1: option('--rateest-pps1', packets, { doc: 'compare packets; packets a second to take from' }),
  bits2: option('--rateest-bps2', bits, { aliases: ['--rateest-bps'], doc: 'compare bytes, with so many a second' }),
  packets2: option('--rateest-pps2', packets, {
    aliases: ['--rateest-pps'],
    doc: 'compare packets, with so many a second',
  }),
  delta: option('--rateest-delta', flag, { doc: 'compare what is left to the given rates' }),
  less: option('--rateest-lt', flag, comparison('less')),
  greater: option('--rateest-gt', flag, comparison('greater')),
  equal: option('--rateest-eq', flag, comparison('equal')),
};

type Options = OptionsOf<typeof OPTIONS>;

const MODES = ['less', 'greater', 'equal'] as const;

/** Of several comparisons the last one counts, inverted if any of them is. */
function comparisonOf(
  options: Options,
): { readonly key: (typeof MODES)[number]; readonly inverted: boolean } | undefined {
  const given = MODES.filter((mode) => options[mode] !== undefined);
  const key = given.find((mode) => given.every((other) => other === mode || isBefore(options, other, mode)));
  return key && { key, inverted: given.some((mode) => options[mode]?.inverted) };
}

function comparesBits({ bits1, bits2 }: Options): boolean {
  return (bits1 ?? bits2) !== undefined;
}

function comparesPackets({ packets1, packets2 }: Options): boolean {
  return (packets1 ?? packets2) !== undefined;
}

/** `xt_rateest_mt_checkentry`; that the estimators exist is not looked at. */
function check(options: Options): string[] {
  const errors: string[] = [];
  if (!comparesBits(options) && !comparesPackets(options)) errors.push('--rateest-bps or --rateest-pps is needed');
  if (comparisonOf(options) === undefined) errors.push('one of --rateest-lt, --rateest-gt, --rateest-eq is needed');
  return errors;
}

/** With bytes and packets the comparison is printed twice, which the tool does not read. */
function print(options: Options): readonly string[] {
  const { first, second, delta, bits1, bits2, packets1, packets2 } = options;
  const comparison = comparisonOf(options);
  const compare = comparison === undefined ? [] : [...(comparison.inverted ? ['!'] : []), OPTIONS[comparison.key].flag];
  const tests = (unit: string, value1: string, value2: string): readonly string[] => [
    ...(delta === undefined ? [] : [`--rateest-${unit}1`, value1]),
    ...compare,
    `--rateest-${unit}${delta === undefined ? '' : '2'}`,
    ...(second === undefined || delta !== undefined ? [value2] : []),
  ];
  return [
    ...(delta === undefined ? [] : [OPTIONS.delta.flag]),
    ...[second === undefined ? '--rateest' : '--rateest1', first?.value ?? ''],
    ...(comparesBits(options) ? tests('bps', printRate(bits1?.value ?? 0), printRate(bits2?.value ?? 0)) : []),
    ...(comparesPackets(options) ? tests('pps', String(packets1?.value ?? 0), String(packets2?.value ?? 0)) : []),
    ...(second === undefined ? [] : [OPTIONS.second.flag, second.value]),
  ];
}

/** Rates that RATEEST measures (net/netfilter/xt_rateest.c). */
export const rateest = defineVerbatimMatch({
  name: 'rateest',
  families: ['v4', 'v6'],
  doc: 'rate that an estimator measures',
  options: OPTIONS,
  check,
  print,
});
