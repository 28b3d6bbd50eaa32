/**
 * Early objects may ask conntrack's table for the connection of an arriving packet (bpf_xdp_ct_lookup,
 * bpf_skb_ct_lookup; net/netfilter/nf_conntrack_bpf.c), by the tuple that conntrack will look for. Where there is no
 * entry, some states are impossible; where there is one, any state is: the packet may be out of window, not to be
 * tracked, or open a closed connection anew. FLOW_STATE then holds the possible states.
 */
import type { CtState } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Ruleset } from '../../grammar/model/ruleset.js';
import {
  alu64,
  callKfunc,
  jump32,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R4,
  R5,
  R6,
  reg,
  store,
  storeImm,
  toBigEndian,
} from '../bytecode/instruction.js';
import type { KfuncSpec } from '../object/spec.js';
import { FLOW_FRAGMENT, FLOW_STATE } from './flow.js';
import type { Lookup, Mode, WireHook } from './manifest.js';
import { STATE_BIT } from './netfilter/conntrack.js';
import { LOOPBACK_IFINDEX, SK_BUFF, XDP_MD, type EntryContext } from './packet/entry.js';
import { isIngress, isWireView, type View } from './view.js';
import { statesOf } from './wire-state.js';

/** States of which a packet has exactly one; SNAT and DNAT come on top. */
export const BASE_STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;

/** States that a packet of TCP or UDP cannot have whose tuple is not in the table. */
export function impossibleStates(lookup: Lookup): readonly CtState[] {
  return lookup === 'entries' ? ['ESTABLISHED'] : ['ESTABLISHED', 'RELATED'];
}

const ALL = Object.values(STATE_BIT).reduce((all, bit) => all | bit, 0);

/** Why the table cannot be asked for packets that the rules of table raw see; undefined where it can. */
export function lookupConflict(ruleset: Ruleset, lookup: Lookup): string | undefined {
  const raw = ruleset.tables.find(({ name }) => name === 'raw');
  for (const { target } of raw?.chains.flatMap(({ rules }) => rules) ?? []) {
    const { words } = target;
    if (!words.includes('CT')) continue;
    if (words.some((word) => word.startsWith('--zone'))) return 'rules of table raw put connections into zones';
    if (lookup === 'no-helpers' && words.includes('--helper')) return 'rules of table raw give connections a helper';
  }
  return undefined;
}

/** What of an analysis says whether its program asks the table. */
interface Looking {
  readonly mode: Mode;
  readonly view: View;
  readonly rules: Parameters<typeof statesOf>[0]['rules'];
  readonly lookup?: Lookup;
}

/** How the program of a chain asks the table, if it does. */
export function lookupOf({ mode, view, rules, lookup }: Looking): Lookup | undefined {
  const asks = mode === 'early' && isWireView(view) && isIngress(view) && statesOf({ rules }).size > 0;
  return asks ? lookup : undefined;
}

/** Fields that the tuple is made of. */
export function lookupFields(family: Family): readonly Field[] {
  return ['saddr', 'daddr', 'proto', 'sport', 'dport', ...(family === 'v4' ? (['fragoff'] as const) : [])];
}

const lookupName = (hook: WireHook): string => (hook === 'xdp' ? 'bpf_xdp_ct_lookup' : 'bpf_skb_ct_lookup');
const RELEASE = 'bpf_ct_release';

export function lookupKfuncs(hook: WireHook): readonly KfuncSpec[] {
  const context = hook === 'xdp' ? 'struct xdp_md *' : 'struct __sk_buff *';
  const params = [context, 'struct bpf_sock_tuple *', 'u32', 'struct bpf_ct_opts *', 'u32'] as const;
  return [
    { name: lookupName(hook), params, returns: 'struct nf_conn *' },
    { name: RELEASE, params: ['struct nf_conn *'], returns: 'void' },
  ];
}

/** struct bpf_ct_opts: s32 netns_id, s32 error, u8 l4proto, u8 dir, 2 bytes; as before Linux 6.11 and since. */
const OPTIONS = { netns: 0, error: 4, proto: 8, dir: 9, rest: 10, bytes: 12 } as const;
const OPTIONS_AT = 40;
const CURRENT_NETNS = -1;
const ENOENT = 2;
const TCP = 6;
const UDP = 17;

/** Stores the possible states in the flow. r6 = context; uses 52 bytes of scratch; clobbers r0–r5. */
export function emitLookup(context: EntryContext, lookup: Lookup): void {
  const { code, view, flow, scratch, layout } = context;
  const tracked = code.label('lookup');
  const found = code.label('found');
  const done = code.label('states');
  const field = (name: Field): number => {
    const offset = layout.offsets.get(name);
    if (offset === undefined) throw new Error(`${name} is not in the flow`);
    return flow + offset;
  };
  const impossible = impossibleStates(lookup).reduce((bits, state) => bits | STATE_BIT[state], 0);
  code.emit(storeImm(4, R10, flow + FLOW_STATE, ALL));
  // What is sent through the loopback device has its connection already, under other addresses if they are mapped.
  code.emit(load(4, R1, R6, view.hook === 'xdp' ? XDP_MD.ingress_ifindex : SK_BUFF.ingress_ifindex));
  code.emit(jump32('jeq', R1, LOOPBACK_IFINDEX, done), load(1, R1, R10, field('proto')));
  code.emit(jump32('jeq', R1, TCP, tracked), jump32('jne', R1, UDP, done));
  code.place(tracked);
  // Pieces of datagrams behind the first have no ports.
  if (view.family === 'v4') code.emit(load(2, R2, R10, field('fragoff')));
  else code.emit(load(4, R2, R10, flow + FLOW_FRAGMENT));
  code.emit(jump32('jne', R2, 0, done));
  emitTuple(context, field);
  const options = scratch + OPTIONS_AT;
  code.emit(store(1, R10, options + OPTIONS.proto, R1), storeImm(1, R10, options + OPTIONS.dir, 0));
  code.emit(storeImm(2, R10, options + OPTIONS.rest, 0), storeImm(4, R10, options + OPTIONS.netns, CURRENT_NETNS));
  code.emit(storeImm(4, R10, options + OPTIONS.error, 0));
  code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R10)), alu64('add', R2, scratch), mov64(R3, TUPLE_BYTES[view.family]));
  code.emit(mov64(R4, reg(R10)), alu64('add', R4, options), mov64(R5, OPTIONS.bytes));
  code.emit(callKfunc(lookupName(view.hook)), jump64('jne', R0, 0, found));
  code.emit(load(4, R1, R10, options + OPTIONS.error), jump32('jne', R1, -ENOENT, done));
  code.emit(storeImm(4, R10, flow + FLOW_STATE, ALL & ~impossible), jump64('jeq', R0, 0, done));
  code.place(found);
  code.emit(mov64(R1, reg(R0)), callKfunc(RELEASE));
  code.place(done);
}

/** struct bpf_sock_tuple, in network order. */
const TUPLE_BYTES = { v4: 12, v6: 36 } as const;

/** Writes the tuple to the scratch memory; clobbers r2. */
function emitTuple({ code, view, scratch }: EntryContext, field: (name: Field) => number): void {
  let at = scratch;
  const copy = (bytes: 2 | 4 | 8, from: number): void => {
    code.emit(load(bytes, R2, R10, from), toBigEndian(R2, (8 * bytes) as 16 | 32 | 64), store(bytes, R10, at, R2));
    at += bytes;
  };
  for (const address of ['saddr', 'daddr'] as const) {
    if (view.family === 'v4') copy(4, field(address));
    else for (const half of [0, 8]) copy(8, field(address) + half);
  }
  for (const port of ['sport', 'dport'] as const) copy(2, field(port));
}
