import { all, equals, invertIf, payload, TRUE, type Condition } from '../../model/condition.js';
import { defineMatch, isEmpty, option, type ModuleContext, type OptionsOf } from '../define.js';
import { number } from '../value/number.js';
import { flag } from '../value/text.js';

/** In the order in which they are printed. */
const OPTIONS = {
  echo: option('--ecn-tcp-ece', flag, { invertible: true, doc: 'TCP flag ECE is set' }),
  reduced: option('--ecn-tcp-cwr', flag, { invertible: true, doc: 'TCP flag CWR is set' }),
  codePoint: option('--ecn-ip-ect', number({ max: 3 }), { invertible: true, doc: 'the two ECN bits of the IP header' }),
};

const TCP = 6;

/** Without a whole TCP header the match fails, inverted or not, and nothing is dropped; later fragments are asked too. */
function tcpFlags({ echo, reduced }: OptionsOf<typeof OPTIONS>): Condition {
  if (echo === undefined && reduced === undefined) return TRUE;
  return payload({
    kind: 'tcp-ecn',
    ...(echo === undefined ? {} : { echo: !echo.inverted }),
    ...(reduced === undefined ? {} : { reduced: !reduced.inverted }),
  });
}

function check(options: OptionsOf<typeof OPTIONS>, { protocol }: ModuleContext): string[] {
  if (isEmpty(options)) return ['an option is needed'];
  const tcp = protocol?.number === TCP && !protocol.inverted;
  return (options.echo ?? options.reduced) !== undefined && !tcp ? ['--ecn-tcp-ece and --ecn-tcp-cwr need -p tcp'] : [];
}

/** Congestion notification in IP and TCP header (net/netfilter/xt_ecn.c). */
export const ecn = defineMatch({
  name: 'ecn',
  families: ['v4', 'v6'],
  doc: 'explicit congestion notification in IP and TCP header',
  options: OPTIONS,
  check,
  condition: (options) => {
    const { codePoint } = options;
    const ip = codePoint === undefined ? TRUE : invertIf(codePoint.inverted, equals('tos', codePoint.value, 3n));
    return all(ip, tcpFlags(options));
  },
});
