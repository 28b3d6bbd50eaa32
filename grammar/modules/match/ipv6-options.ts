import { payload } from '../../model/condition.js';
import { defineMatch, option, type Parsed, type ValueType } from '../define.js';
import { number, scanUnsigned, UINT32, UINT8, valueTest } from '../value/number.js';

/** An option of the header by its type, and by its length if given. */
interface HeaderOption {
  readonly type: number;
  readonly length?: number;
}

/** Room for options (IP6T_OPTS_OPTSNR). */
const ROOM = 16;

/** A number, possibly with a minus (`strtoul`), of which eight bits are kept. */
function parseByte(word: string): number | undefined {
  const scanned = scanUnsigned(word.replace(/^(\s*)-(?=\d)/, '$1'));
  if (scanned?.rest !== '') return undefined;
  return Number(BigInt.asUintN(8, /^\s*-/.test(word) ? -scanned.value : scanned.value));
}

function parseOption(piece: string): Parsed<HeaderOption> {
  const colon = piece.indexOf(':');
  const type = parseByte(colon < 0 ? piece : piece.slice(0, colon));
  if (type === undefined) return { error: `"${piece}" is not an option type` };
  if (colon < 0) return { value: { type } };
  const length = parseByte(piece.slice(colon + 1));
  if (type === 0) return { error: 'an option of type 0 has no length' };
  if (length === undefined) return { error: `"${piece}" is not type:length` };
  // The greatest length stands for none.
  return { value: length === UINT8 ? { type } : { type, length } };
}

function parseOptions(word: string): Parsed<readonly HeaderOption[]> {
  const pieces = word.split(',');
  const lastIsLong = pieces.length === ROOM && pieces[ROOM - 1].includes(':');
  if (pieces.length > ROOM || lastIsLong) return { error: `"${word}" has too many options` };
  const options: HeaderOption[] = [];
  for (const piece of pieces) {
    const parsed = parseOption(piece);
    if ('error' in parsed) return parsed;
    options.push(parsed.value);
  }
  return { value: options };
}

const headerOptions: ValueType<readonly HeaderOption[]> = {
  arity: 1,
  placeholder: 'type[:length][,type[:length]]…',
  parse: ([word]) => parseOptions(word),
  print: (options) => [
    options.map(({ type, length }) => (length === undefined ? String(type) : `${type}:${length}`)).join(','),
  ],
};

function optionHeader(name: 'hbh' | 'dst', doc: string) {
  return defineMatch({
    name,
    families: ['v6'],
    doc,
    options: {
      length: option(`--${name}-len`, number({ max: UINT32 }), {
        invertible: true,
        doc: 'length of the header in bytes',
      }),
      options: option(`--${name}-opts`, headerOptions, { doc: 'options in the header, in this order' }),
    },
    condition: ({ length: given, options }) => {
      const length = valueTest(given);
      return payload({
        kind: 'options',
        header: name === 'hbh' ? 'hop-by-hop' : 'destination',
        ...(length === undefined ? {} : { length }),
        ...(options === undefined ? {} : { options: options.value }),
      });
    },
  });
}

/** IPv6 hop-by-hop options (net/ipv6/netfilter/ip6t_hbh.c). */
export const hbh = optionHeader('hbh', 'IPv6 hop-by-hop options');

/** IPv6 destination options (net/ipv6/netfilter/ip6t_hbh.c). */
export const dst = optionHeader('dst', 'IPv6 destination options');
