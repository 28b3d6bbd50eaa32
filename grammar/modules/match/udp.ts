import { defineMatch } from '../define.js';
import { portRange } from '../value/port.js';
import { allTests, headerReadable, NOT_LATER_FRAGMENT, portIn, portOptions, portWords } from './transport.js';

const OPTIONS = portOptions(portRange);

const HEADER_READABLE = headerReadable(8);

/** UDP header (net/netfilter/xt_tcpudp.c `udp_mt`). */
export const udp = defineMatch({
  name: 'udp',
  families: ['v4', 'v6'],
  protocols: [17],
  implicitFor: [17],
  doc: 'UDP ports',
  options: OPTIONS,
  print: (options, context) => [
    ...portWords(OPTIONS.sport, options.sport, context),
    ...portWords(OPTIONS.dport, options.dport, context),
  ],
  condition: (options) =>
    allTests(NOT_LATER_FRAGMENT, HEADER_READABLE, portIn('sport', options.sport), portIn('dport', options.dport)),
});
