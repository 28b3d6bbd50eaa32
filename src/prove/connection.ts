import { CT_STATES } from '../../grammar/model/condition.js';
import type { ConnectionState } from '../verify/connection-state.js';
import { FALSE, not, type Ref } from './bdd.js';
import { kernelRegion } from './kernel-region.js';
import { STATE_BITS } from './inputs.js';
import { bitsOf, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { constant, numberOf, pointer, word, type Pointer, type Value } from './value.js';
import type { Variables } from './variables.js';
import { bitAt, constantBits, sameBits, type Bits, type Words } from './words.js';

/** enum ip_conntrack_info (include/uapi/linux/netfilter/nf_conntrack_common.h): the low bits of skb->_nfct. */
const INFO_BITS = 3;
const IP_CT_IS_REPLY = 3n;
const IP_CT_RELATED_REPLY = 4n;
const IP_CT_UNTRACKED = 7n;
/** Bits of nf_conn.status. */
const IPS_SRC_NAT = 4;
const IPS_DST_NAT = 5;

/** include/linux/skbuff.h NFCT_INFOMASK. */
function parts(variables: Variables): { readonly info: Bits; readonly entry: Bits } {
  return { info: variables.word('connection info', INFO_BITS), entry: variables.word('connection entry', 61) };
}

/** What packets may carry: an entry and which packet of it this is, or none, and whether it is not to be tracked. */
export function possibleConnections(words: Words, variables: Variables): Ref {
  const { info, entry } = parts(variables);
  const { bdd } = words;
  const is = (value: bigint): Ref => words.equal(info, constantBits(value));
  return bdd.choose(
    bdd.anyOf(entry),
    not(words.below(constantBits(IP_CT_RELATED_REPLY), info)),
    bdd.or(is(0n), is(IP_CT_UNTRACKED)),
  );
}

/** state_mt, conntrack_mt (net/netfilter/xt_conntrack.c): the bits of the packet's state. */
export function connectionState(words: Words, variables: Variables): Bits {
  const { bdd } = words;
  const { info, entry } = parts(variables);
  const status = variables.word('connection status', 64);
  const tracked = bdd.anyOf(entry);
  const is = (value: bigint): Ref => words.equal(info, constantBits(value));
  const bits = new Map<number, Ref>();
  const untracked = is(IP_CT_UNTRACKED);
  bits.set(STATE_BITS.INVALID, bdd.and(not(tracked), not(untracked)));
  bits.set(STATE_BITS.UNTRACKED, bdd.and(not(tracked), untracked));
  // XT_CONNTRACK_STATE_BIT(ctinfo): 1 << (ctinfo % IP_CT_IS_REPLY + 1).
  (['ESTABLISHED', 'RELATED', 'NEW'] as const).forEach((state, i) => {
    const either = bdd.or(is(BigInt(i)), is(BigInt(i) + IP_CT_IS_REPLY));
    bits.set(STATE_BITS[state], bdd.and(tracked, either));
  });
  bits.set(STATE_BITS.SNAT, bdd.and(tracked, bitAt(status, IPS_SRC_NAT)));
  bits.set(STATE_BITS.DNAT, bdd.and(tracked, bitAt(status, IPS_DST_NAT)));
  const all: Ref[] = Array.from({ length: 9 }, (_, bit) => bits.get(bit) ?? 1);
  return all;
}

/** The bits as the reference names them. */
export function stateOf(bits: bigint): ConnectionState {
  const found = CT_STATES.filter((state) => ((bits >> BigInt(STATE_BITS[state])) & 1n) === 1n);
  const base = found.find((state) => state !== 'SNAT' && state !== 'DNAT') ?? 'INVALID';
  const mapped =
    base === 'INVALID' || base === 'UNTRACKED' ? [] : found.filter((one) => one === 'SNAT' || one === 'DNAT');
  return [base, ...mapped];
}

/** Kernel memory about the connection; undefined for other paths. */
export function loadConnection(path: string, offset: number, size: number, variables: Variables): Value | undefined {
  if (offset !== 0 || size !== 8) return undefined;
  const { info, entry } = parts(variables);
  if (path === 'sk_buff._nfct') return word([...info, ...entry]);
  return path === 'nf_conn.status' ? word(variables.word('connection status', 64)) : undefined;
}

/** A member of the connection's entry, whose address is a number to the program. */
export function connectionMember(
  base: Value,
  { struct, member }: { readonly struct: string; readonly member: string },
  words: Words,
  variables: Variables,
): Value | undefined {
  if (struct !== 'nf_conn') return undefined;
  const bits = bitsOf(base, words);
  const address: Bits = [1, 1, 1, ...parts(variables).entry];
  return bits !== undefined && sameBits(bits, address) ? pointer(kernelRegion(`nf_conn.${member}`)) : undefined;
}

/** bpf_probe_read_kernel(dst, size, src): what is there can be read. */
export function probeReadKernel(
  state: State,
  words: Words,
  load: (from: Pointer, size: number, state: State) => Value,
): Value {
  const [, to, size, from] = state.registers;
  const bytes = Number(numberOf(size) ?? 0n);
  if (to?.kind !== 'pointer' || to.region.kind !== 'stack' || to.index !== undefined || bytes === 0) {
    throw unsupported('a read of kernel memory to another place');
  }
  if (from?.kind !== 'pointer' || from.region.kind !== 'kernel') throw unsupported('a read of unknown kernel memory');
  if (words.bdd.and(state.condition, from.absent) !== FALSE)
    throw unsupported('a read of what may be no kernel memory');
  state.memory.store(to.region, to.offset, bytes, load(from, bytes, state));
  return constant(0);
}
