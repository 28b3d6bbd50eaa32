import { all, opaque, TRUE } from '../../model/condition.js';
import { defineMatch, option, optionWords } from '../define.js';
import { namedPortRange } from '../value/port.js';
import { chunkTest } from '../value/sctp-chunks.js';
import { headerReadable, NOT_LATER_FRAGMENT, portIn } from './transport.js';

const OPTIONS = {
  sport: option('--sport', namedPortRange('sctp'), {
    aliases: ['--source-port'],
    invertible: true,
    doc: 'source port or range',
  }),
  dport: option('--dport', namedPortRange('sctp'), {
    aliases: ['--destination-port'],
    invertible: true,
    doc: 'destination port or range',
  }),
  chunks: option('--chunk-types', chunkTest, { invertible: true, doc: 'chunks in the packet' }),
};

/** SCTP header and chunks (net/netfilter/xt_sctp.c `sctp_mt`). */
export const sctp = defineMatch({
  name: 'sctp',
  families: ['v4', 'v6'],
  protocols: [132],
  implicitFor: [132],
  doc: 'SCTP ports and chunks',
  options: OPTIONS,
  condition: ({ sport, dport, chunks }, context) =>
    all(
      NOT_LATER_FRAGMENT,
      headerReadable(12),
      portIn('sport', sport),
      portIn('dport', dport),
      chunks === undefined
        ? TRUE
        : opaque({ name: 'module', module: 'sctp', words: optionWords(OPTIONS.chunks, chunks, context) }),
    ),
});
