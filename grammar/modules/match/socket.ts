import { defineVerbatimMatch, option } from '../define.js';
import { flag } from '../value/text.js';

/** The packet has a local socket (net/netfilter/xt_socket.c, revision 3). */
export const socket = defineVerbatimMatch({
  name: 'socket',
  families: ['v4', 'v6'],
  hooks: ['PREROUTING', 'INPUT'],
  doc: 'the packet has a local socket',
  options: {
    transparent: option('--transparent', flag, { doc: 'leave out sockets that are not transparent' }),
    noWildcard: option('--nowildcard', flag, { doc: 'take sockets that are bound to any address too' }),
    restoreMark: option('--restore-skmark', flag, { doc: 'give the packet the mark of the socket' }),
  },
});
