import type { CtState } from '../../grammar/model/condition.js';
import type { PacketConnection } from '../../bpf-runtime/interpreter/index.js';
import { Random } from './random.js';

/** The state of a packet's connection: one of the first five, and the mappings of its entry. */
export type ConnectionState = readonly CtState[];

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const satisfies readonly CtState[];
/** Share of the packets with an entry whose entry has a mapping of either kind. */
const MAPPED = 0.2;

/** States for packets that no connection tracking has seen, evenly spread; the same seed gives the same states. */
export function declaredStates(count: number, seed: number): readonly ConnectionState[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const state = random.pick(STATES);
    if (state === 'INVALID' || state === 'UNTRACKED') return [state];
    const mappings = (['SNAT', 'DNAT'] as const).filter(() => random.chance(MAPPED));
    return [state, ...mappings];
  });
}

/** enum ip_conntrack_info by state, of packets with an entry. */
const INFO = { ESTABLISHED: 0, RELATED: 1, NEW: 2 } as const;
const IP_CT_UNTRACKED = 7;
const IPS_SRC_NAT = 1n << 4n;
const IPS_DST_NAT = 1n << 5n;

/** What the kernel keeps with a packet of that state. */
export function connectionOf(state: ConnectionState): PacketConnection {
  const [kind] = state;
  switch (kind) {
    case 'ESTABLISHED':
    case 'RELATED':
    case 'NEW': {
      const status = (state.includes('SNAT') ? IPS_SRC_NAT : 0n) | (state.includes('DNAT') ? IPS_DST_NAT : 0n);
      return { info: INFO[kind], tracked: true, status };
    }
    case 'UNTRACKED':
      return { info: IP_CT_UNTRACKED, tracked: false };
    case 'INVALID':
    case 'SNAT':
    case 'DNAT':
      return { info: 0, tracked: false };
  }
}
