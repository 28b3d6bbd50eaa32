import { opaque } from '../../model/condition.js';
import { defineMatch, isBefore, option, type OptionsOf, type ValueType } from '../define.js';
import { fullMask, parseHost, printAddress } from '../value/address.js';
import { number, UINT32 } from '../value/number.js';
import { flag, isProcName, text } from '../value/text.js';

const hostMask: ValueType<bigint> = {
  arity: 1,
  placeholder: 'netmask',
  parse: ([word], { family }) => parseHost(word, family),
  print: (mask, { family }) => [printAddress(mask, family)],
};

const ACTIONS = ['set', 'check', 'update', 'remove'] as const;

function action(
  key: (typeof ACTIONS)[number],
  doc: string,
): { invertible: true; excludes: readonly string[]; doc: string } {
  return { invertible: true, excludes: ACTIONS.filter((other) => other !== key), doc };
}

const OPTIONS = {
  set: option('--set', flag, action('set', 'put the address into the list, or refresh it; matches')),
  check: option('--rcheck', flag, action('check', 'the address is in the list')),
  update: option('--update', flag, action('update', 'the address is in the list; refresh it')),
  remove: option('--remove', flag, action('remove', 'the address is in the list; take it out')),
  seconds: option('--seconds', number({ min: 1, max: UINT32 }), { doc: 'seen within this time' }),
  reap: option('--reap', flag, { doc: 'throw out what is older than --seconds' }),
  hitcount: option('--hitcount', number({ max: UINT32 }), { doc: 'seen at least this often' }),
  rttl: option('--rttl', flag, { excludes: ['set', 'remove'], doc: 'with the TTL of the packet that set it' }),
  name: option('--name', text({ placeholder: 'name', cut: 199 }), { doc: 'list to use, DEFAULT if left out' }),
  mask: option('--mask', hostMask, { doc: 'part of the address that counts' }),
  source: option('--rsource', flag, { doc: 'the source address (default)' }),
  destination: option('--rdest', flag, { doc: 'the destination address' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** `--rsource` and `--rdest` may both be given: the last one counts. */
function usesDestination(options: Options): boolean {
  return options.destination !== undefined && !isBefore(options, 'destination', 'source');
}

/** Greatest `--hitcount` (XT_RECENT_MAX_NSTAMPS; older kernels take 255). */
const MAX_HITS = 65535;

/** What userspace and `recent_mt_check` refuse. */
function check({ set, check: checkOnly, update, remove, seconds, reap, hitcount, name }: Options): string[] {
  const errors: string[] = [];
  if ((set ?? checkOnly ?? update ?? remove) === undefined) {
    errors.push('one of --set, --rcheck, --update, --remove is needed');
  }
  if (reap !== undefined && seconds === undefined) errors.push('--reap needs --seconds');
  const hits = hitcount?.value ?? 0;
  if ((set ?? remove) !== undefined && (seconds !== undefined || hits > 0)) {
    errors.push('--set and --remove take neither --seconds nor --hitcount');
  }
  if (hits > MAX_HITS) errors.push(`--hitcount is at most ${MAX_HITS}`);
  if (name !== undefined && !isProcName(name.value)) errors.push(`"${name.value}" cannot name a list`);
  return errors;
}

/** Lists of recently seen addresses, with memory (net/netfilter/xt_recent.c). */
export const recent = defineMatch({
  name: 'recent',
  families: ['v4', 'v6'],
  doc: 'address seen recently, with memory',
  options: OPTIONS,
  check,
  print: (options, { family }) => {
    const acting = ACTIONS.flatMap((key) => (options[key] === undefined ? [] : [options[key]]));
    const hits = options.hitcount?.value ?? 0;
    return [
      ...(acting.some(({ inverted }) => inverted) ? ['!'] : []),
      ...ACTIONS.flatMap((key) => (options[key] === undefined ? [] : [OPTIONS[key].flag])),
      ...(options.seconds === undefined ? [] : ['--seconds', String(options.seconds.value)]),
      ...(options.reap === undefined ? [] : ['--reap']),
      ...(hits === 0 ? [] : ['--hitcount', String(hits)]),
      ...(options.rttl === undefined ? [] : ['--rttl']),
      '--name',
      options.name?.value ?? 'DEFAULT',
      '--mask',
      printAddress(options.mask?.value ?? fullMask(family), family),
      usesDestination(options) ? '--rdest' : '--rsource',
    ];
  },
  condition: (options, { family }) =>
    opaque({
      name: 'recent',
      test: {
        list: options.name?.value ?? 'DEFAULT',
        action: ACTIONS.find((key) => options[key] !== undefined) ?? 'check',
        inverted: ACTIONS.some((key) => options[key]?.inverted === true),
        side: usesDestination(options) ? 'dst' : 'src',
        mask: options.mask?.value ?? fullMask(family),
        seconds: options.seconds?.value ?? 0,
        hits: options.hitcount?.value ?? 0,
        sameTtl: options.rttl !== undefined,
        reap: options.reap !== undefined,
      },
    }),
});
