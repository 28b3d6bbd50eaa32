import { opaque } from '../../model/condition.js';
import { defineMatch, option, type OptionsOf, type ValueType } from '../define.js';
import { scanDouble } from '../value/double.js';
import { number, UINT32 } from '../value/number.js';
import { choice } from '../value/text.js';

const MODES = ['random', 'nth'] as const;
const mode = choice('mode', (word) => MODES.find((name) => name === word), MODES);

/** One, in the kernel's fixed point with 31 bits behind it. */
const ONE = 0x80000000;

/** A probability as the kernel's 31-bit fraction. */
const probability: ValueType<number> = {
  arity: 1,
  placeholder: 'p',
  parse: ([word]) => {
    const scanned = scanDouble(word);
    if (scanned?.rest !== '' || scanned.value < 0 || scanned.value > 1) {
      return { error: `"${word}" is not a number in 0-1` };
    }
    // "nan" is neither below nor above, and becomes 0 on its way into an integer.
    return { value: Number.isNaN(scanned.value) ? 0 : Math.round(ONE * scanned.value) };
  },
  print: (value) => [(value / ONE).toFixed(11)],
};

const OPTIONS = {
  mode: option('--mode', mode, { required: true, doc: 'random or nth' }),
  probability: option('--probability', probability, {
    invertible: true,
    excludes: ['every', 'packet'],
    doc: 'share of the packets',
  }),
  every: option('--every', number({ min: 1, max: UINT32 }), {
    invertible: true,
    excludes: ['probability'],
    doc: 'one packet of so many',
  }),
  packet: option('--packet', number({ max: UINT32 }), { excludes: ['probability'], doc: 'which one of them' }),
};

function check({ mode: given, probability: share, every, packet }: OptionsOf<typeof OPTIONS>): string[] {
  if ((every === undefined) !== (packet === undefined)) return ['--every and --packet need each other'];
  if (given?.value === 'random') return share === undefined ? ['--mode random needs --probability'] : [];
  if (every === undefined || packet === undefined) return ['--mode nth needs --every and --packet'];
  return packet.value < every.value ? [] : ['--packet must be less than --every'];
}

/** A share of the packets, by chance or by count (net/netfilter/xt_statistic.c). */
export const statistic = defineMatch({
  name: 'statistic',
  families: ['v4', 'v6'],
  doc: 'a share of the packets, by chance or by count',
  options: OPTIONS,
  check,
  condition: ({ mode: given, probability: share, every, packet }) => {
    if (given?.value === 'random') {
      return opaque({ name: 'random', share: share?.value ?? 0, inverted: share?.inverted ?? false });
    }
    const { value, inverted } = every ?? { value: 1, inverted: false };
    return opaque({ name: 'nth', every: value, packet: packet?.value ?? 0, inverted });
  },
});
