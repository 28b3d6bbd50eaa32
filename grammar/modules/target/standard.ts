import { defineTarget, defineVerbatimTarget } from '../define.js';

/** Verdicts of the chain engine itself (net/ipv4/netfilter/ip_tables.c, XT_STANDARD_TARGET). */
export const accept = defineTarget({
  name: 'ACCEPT',
  families: ['v4', 'v6'],
  doc: 'let the packet through this table',
  options: {},
  effect: () => ({ kind: 'accept' }),
});

export const drop = defineTarget({
  name: 'DROP',
  families: ['v4', 'v6'],
  tables: ['filter', 'mangle', 'raw', 'security'],
  doc: 'drop the packet silently',
  options: {},
  effect: () => ({ kind: 'drop' }),
});

export const returnToCaller = defineTarget({
  name: 'RETURN',
  families: ['v4', 'v6'],
  doc: 'go on in the calling chain; in a built-in chain the policy decides',
  options: {},
  effect: () => ({ kind: 'return' }),
});

/** Hand the packet to the one program of old that listens: NFQUEUE number 0. */
export const queue = defineVerbatimTarget({
  name: 'QUEUE',
  families: ['v4', 'v6'],
  doc: 'let the program that listens to queue 0 decide',
  options: {},
});
