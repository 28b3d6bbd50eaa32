import { all, payload, TRUE, type Condition } from '../../model/condition.js';
import { defineMatch, option, type Given } from '../define.js';
import { namedPortRange } from '../value/port.js';
import { chunkTest, type ChunkTest } from '../value/sctp-chunks.js';
import { headerReadable, NOT_LATER_FRAGMENT, portIn, portOptions } from './transport.js';

const OPTIONS = {
  ...portOptions(namedPortRange('sctp')),
  chunks: option('--chunk-types', chunkTest, { invertible: true, doc: 'chunks in the packet' }),
};

const ALL_TYPES = Array.from({ length: 256 }, (_, type) => type);

function chunksMatch(given: Given<ChunkTest> | undefined): Condition {
  if (given === undefined) return TRUE;
  const { kind, types, flags } = given.value;
  return payload({
    kind: 'sctp-chunks',
    match: kind,
    types: types === 'ALL' ? ALL_TYPES : types,
    flags: [...flags].map(([type, { mask, set }]) => ({ type, mask, set })),
    inverted: given.inverted,
  });
}

/** SCTP header and chunks (net/netfilter/xt_sctp.c `sctp_mt`). */
export const sctp = defineMatch({
  name: 'sctp',
  families: ['v4', 'v6'],
  protocols: [132],
  implicitFor: [132],
  doc: 'SCTP ports and chunks',
  options: OPTIONS,
  condition: ({ sport, dport, chunks }) =>
    all(NOT_LATER_FRAGMENT, headerReadable(12), portIn('sport', sport), portIn('dport', dport), chunksMatch(chunks)),
});
