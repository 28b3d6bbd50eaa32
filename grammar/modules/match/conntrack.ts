import { all, any, invertIf, opaque, type Condition } from '../../model/condition.js';
import { defineMatch, givenWords, option, type OptionsOf, type ValueType } from '../define.js';
import { hostMask } from '../value/address.js';
import { ctStates, stateTest } from '../value/ctstate.js';
import { numberRange, UINT32 } from '../value/number.js';
import { portRange } from '../value/port.js';
import { parseProtocol } from '../value/protocols.js';
import { choice, nameList } from '../value/text.js';

const protocol: ValueType<number> = {
  arity: 1,
  placeholder: 'protocol',
  parse: ([word]) => {
    const parsed = parseProtocol(word);
    if ('value' in parsed && parsed.value === 0) return { error: `"${word}" stands for every protocol` };
    return parsed;
  },
  print: (value) => [String(value)],
};

type Status = 'NONE' | 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED';

const statusNames = nameList<Status>('status', ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED']);

/** NONE adds no bit, so it is printed only where it stands alone. */
const statuses: ValueType<readonly Status[]> = {
  ...statusNames,
  print: (names, context) => {
    const bits = names.filter((name) => name !== 'NONE');
    return statusNames.print(bits.length === 0 ? ['NONE'] : bits, context);
  },
};

const DIRECTIONS = ['ORIGINAL', 'REPLY'] as const;

const direction = choice('direction', (word) => DIRECTIONS.find((name) => name === word.toUpperCase()), DIRECTIONS);

const address = (doc: string): { invertible: true; doc: string } => ({ invertible: true, doc: `${doc} address` });
const port = (doc: string): { invertible: true; doc: string } => ({ invertible: true, doc: `${doc} port or range` });

/** In the order in which they are printed. */
const OPTIONS = {
  state: option('--ctstate', ctStates, { invertible: true, doc: 'state of the connection' }),
  protocol: option('--ctproto', protocol, { invertible: true, doc: 'protocol of the connection' }),
  origSrc: option('--ctorigsrc', hostMask, address('original source')),
  origDst: option('--ctorigdst', hostMask, address('original destination')),
  replySrc: option('--ctreplsrc', hostMask, address('reply source')),
  replyDst: option('--ctrepldst', hostMask, address('reply destination')),
  origSrcPort: option('--ctorigsrcport', portRange, port('original source')),
  origDstPort: option('--ctorigdstport', portRange, port('original destination')),
  replySrcPort: option('--ctreplsrcport', portRange, port('reply source')),
  replyDstPort: option('--ctrepldstport', portRange, port('reply destination')),
  status: option('--ctstatus', statuses, { invertible: true, doc: 'status bits of the connection' }),
  expire: option('--ctexpire', numberRange(UINT32), { invertible: true, doc: 'seconds until the entry expires' }),
  direction: option('--ctdir', direction, { doc: 'direction of the packet' }),
};

/**
 * Without an entry (INVALID, UNTRACKED) the kernel asks nothing but the state: the other tests pass if the state was
 * asked for, and fail, inverted or not, if it was not.
 */
function condition(options: OptionsOf<typeof OPTIONS>, words: readonly string[]): Condition {
  const { state } = options;
  const rest = opaque({ name: 'conntrack', words });
  if (state === undefined) return rest;
  const stateMatch = invertIf(state.inverted, stateTest(state.value));
  return words.length === 0 ? stateMatch : all(stateMatch, any(stateTest(['INVALID', 'UNTRACKED']), rest));
}

/** The connection that the packet belongs to (net/netfilter/xt_conntrack.c `conntrack_mt`, revision 3). */
export const conntrack = defineMatch({
  name: 'conntrack',
  families: ['v4', 'v6'],
  doc: 'state and other facts of the connection',
  options: OPTIONS,
  check: (options) => (Object.values(options).some((given) => given !== undefined) ? [] : ['an option is needed']),
  condition: (options, context) => condition(options, givenWords(OPTIONS, { ...options, state: undefined }, context)),
});
