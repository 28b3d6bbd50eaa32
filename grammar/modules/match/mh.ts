import { all, equals, hotdrop, inSet, invertIf, not, TRUE } from '../../model/condition.js';
import { defineMatch, option, optionWords, type Parsed, type ValueType } from '../define.js';
import { printNumberRange, rangeSet, UINT8, wholeNumber, type NumberRange } from '../value/number.js';
import { isPrefix } from '../value/text.js';
import { headerReadable, NOT_LATER_FRAGMENT } from './transport.js';

/** Types of the mobility header (RFC 6275 section 6.1), each by its long and its short name. */
const TYPES: readonly (readonly [name: string, type: number])[] = [
  ['binding-refresh-request', 0],
  ['brr', 0],
  ['home-test-init', 1],
  ['hoti', 1],
  ['careof-test-init', 2],
  ['coti', 2],
  ['home-test', 3],
  ['hot', 3],
  ['careof-test', 4],
  ['cot', 4],
  ['binding-update', 5],
  ['bu', 5],
  ['binding-acknowledgement', 6],
  ['ba', 6],
  ['binding-error', 7],
  ['be', 7],
];

/** A type by name, or by the beginning of one (the first in the list), in either letter case, or by number. */
function parseType(word: string): number | undefined {
  const begun = TYPES.filter(([name]) => isPrefix(word, name));
  const found = begun.find(([name]) => name.length === word.length) ?? begun[0];
  return found === undefined ? wholeNumber(word, 0, UINT8) : found[1];
}

function parseTypes(word: string): Parsed<NumberRange> {
  const colon = word.indexOf(':');
  const [first, last] = colon < 0 ? [word, word] : [word.slice(0, colon), word.slice(colon + 1)];
  const lo = colon >= 0 && first === '' ? 0 : parseType(first);
  if (lo === undefined) return { error: `"${first}" is not a type of mobility headers` };
  const hi = colon >= 0 && last === '' ? UINT8 : parseType(last);
  if (hi === undefined) return { error: `"${last}" is not a type of mobility headers` };
  return lo > hi ? { error: `"${word}" ends before it starts` } : { value: { lo, hi } };
}

const types: ValueType<NumberRange> = {
  arity: 1,
  placeholder: 'type[:type]',
  parse: ([word]) => parseTypes(word),
  print: (range) => [printNumberRange(range)],
};

const OPTIONS = {
  type: option('--mh-type', types, { invertible: true, doc: 'type of the header or range of types' }),
};

/** "No next header", which is all that may follow a mobility header (IPPROTO_NONE). */
const NO_NEXT_HEADER = 59;

/** Mobility header of IPv6 (net/ipv6/netfilter/ip6t_mh.c). */
export const mh = defineMatch({
  name: 'mh',
  families: ['v6'],
  protocols: [135],
  implicitFor: [135],
  implicitName: 'mh',
  doc: 'mobility header',
  options: OPTIONS,
  condition: ({ type }) =>
    all(
      NOT_LATER_FRAGMENT,
      headerReadable(6),
      hotdrop(not(equals('mh.next', NO_NEXT_HEADER))),
      type === undefined ? TRUE : invertIf(type.inverted, inSet('mh.type', rangeSet(type.value))),
    ),
  print: ({ type }, context) => {
    const every = type === undefined || (!type.inverted && type.value.lo === 0 && type.value.hi === UINT8);
    return every ? [] : optionWords(OPTIONS.type, type, context);
  },
});
