import type { PacketChange } from '../../model/change.js';
import {
  defineVerbatimTarget,
  isBefore,
  isEmpty,
  option,
  optionWords,
  type ModuleContext,
  type OptionsOf,
} from '../define.js';
import { number } from '../value/number.js';
import { flag } from '../value/text.js';

const bit = number({ max: 1 });

const OPTIONS = {
  remove: option('--ecn-tcp-remove', flag, { excludes: ['echo', 'reduced'], doc: 'clear both TCP flags' }),
  echo: option('--ecn-tcp-ece', bit, { excludes: ['remove'], doc: 'value of the TCP flag ECE' }),
  reduced: option('--ecn-tcp-cwr', bit, { excludes: ['remove'], doc: 'value of the TCP flag CWR' }),
  codePoint: option('--ecn-ip-ect', number({ max: 3 }), { doc: 'the two ECN bits of the IP header' }),
};

type Options = OptionsOf<typeof OPTIONS>;

const TCP = 6;

function check(options: Options, { protocol }: ModuleContext): string[] {
  if (isEmpty(options)) return ['one of --ecn-tcp-remove, --ecn-tcp-ece, --ecn-tcp-cwr, --ecn-ip-ect is needed'];
  const tcp = protocol?.number === TCP && !protocol.inverted;
  const flags = options.remove ?? options.echo ?? options.reduced;
  return flags !== undefined && !tcp ? ['the TCP operations of ECN need -p tcp'] : [];
}

function print(options: Options, context: ModuleContext): readonly string[] {
  const { remove, echo, reduced } = options;
  // Removing forgets what was set before it.
  const codePoint = isBefore(options, 'codePoint', 'remove') ? undefined : options.codePoint;
  const zero = { value: 0, inverted: false };
  const ece = remove === undefined ? echo : zero;
  const cwr = remove === undefined ? reduced : zero;
  if (ece?.value === 0 && cwr?.value === 0 && codePoint === undefined) return [OPTIONS.remove.flag];
  return [
    ...(ece === undefined ? [] : optionWords(OPTIONS.echo, ece, context)),
    ...(cwr === undefined ? [] : optionWords(OPTIONS.reduced, cwr, context)),
    ...(codePoint === undefined ? [] : optionWords(OPTIONS.codePoint, codePoint, context)),
  ];
}

const ECE = 0x40;
const CWR = 0x80;

/** The IP header first, then the TCP header (`ecn_tg`). */
function change(options: Options): PacketChange {
  const { remove, echo, reduced, codePoint } = options;
  const clear = ((remove ?? echo) ? ECE : 0) | ((remove ?? reduced) ? CWR : 0);
  const set = (echo?.value === 1 ? ECE : 0) | (reduced?.value === 1 ? CWR : 0);
  const given = isBefore(options, 'codePoint', 'remove') ? undefined : codePoint;
  return {
    kind: 'each',
    of: [
      ...(given === undefined ? [] : [{ kind: 'tos', clear: 3, flip: given.value } as const]),
      ...(clear === 0 ? [] : [{ kind: 'tcp-flags', clear, set } as const]),
    ],
  };
}

/** Change explicit congestion notification (net/ipv4/netfilter/ipt_ECN.c). */
export const ecnTarget = defineVerbatimTarget({
  name: 'ECN',
  families: ['v4'],
  tables: ['mangle'],
  doc: 'change explicit congestion notification and go on',
  options: OPTIONS,
  change,
  check,
  print,
});
