import { all, inSet, invertIf, payload, TRUE, type Condition } from '../../model/condition.js';
import { intervals } from '../../model/interval.js';
import { defineMatch, option, type Given, type Parsed, type ValueType } from '../define.js';
import { number, UINT8 } from '../value/number.js';
import { portRange } from '../value/port.js';
import { headerReadable, NOT_LATER_FRAGMENT, portIn, portOptions } from './transport.js';

/** Packet types by number (RFC 4340 section 5.1); the last one stands for every type that is not assigned. */
const TYPES = [
  'REQUEST',
  'RESPONSE',
  'DATA',
  'ACK',
  'DATAACK',
  'CLOSEREQ',
  'CLOSE',
  'RESET',
  'SYNC',
  'SYNCACK',
  'INVALID',
] as const;
type Type = (typeof TYPES)[number];
/** The header has four bits for it. */
const LAST_TYPE = 15;

function parseTypes(word: string): Parsed<readonly Type[]> {
  const found = new Set<Type>();
  for (const piece of word.split(',').filter((name) => name !== '')) {
    const type = TYPES.find((name) => name === piece.toUpperCase());
    if (type === undefined) return { error: `"${piece}" is not a DCCP type` };
    found.add(type);
  }
  return { value: TYPES.filter((type) => found.has(type)) };
}

const types: ValueType<readonly Type[]> = {
  arity: 1,
  placeholder: 'type[,type]…',
  parse: ([word]) => parseTypes(word),
  print: (value) => [value.join(',')],
};

/** In the order in which they are printed. */
const OPTIONS = {
  ...portOptions(portRange),
  types: option('--dccp-types', types, { invertible: true, doc: 'packet type is one of these' }),
  dccpOption: option('--dccp-option', number({ min: 1, max: UINT8 }), {
    invertible: true,
    doc: 'an option of this kind is in the header',
  }),
};

function typeIn(given: Given<readonly Type[]> | undefined): Condition {
  if (given === undefined) return TRUE;
  const ranges = given.value.map((type) => {
    const number = TYPES.indexOf(type);
    return [number, type === 'INVALID' ? LAST_TYPE : number] as const;
  });
  return invertIf(given.inverted, inSet('dccp.type', intervals(...ranges)));
}

function optionPresent(given: Given<number> | undefined): Condition {
  if (given === undefined) return TRUE;
  return payload({ kind: 'dccp-option', option: given.value, inverted: given.inverted });
}

/** DCCP header (net/netfilter/xt_dccp.c `dccp_mt`). */
export const dccp = defineMatch({
  name: 'dccp',
  families: ['v4', 'v6'],
  protocols: [33],
  implicitFor: [33],
  doc: 'DCCP ports, types and options',
  options: OPTIONS,
  condition: ({ sport, dport, types: wanted, dccpOption }) =>
    all(
      NOT_LATER_FRAGMENT,
      headerReadable(12),
      portIn('sport', sport),
      portIn('dport', dport),
      typeIn(wanted),
      optionPresent(dccpOption),
    ),
});
