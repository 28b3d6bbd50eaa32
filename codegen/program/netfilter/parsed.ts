import { all, any, equals, inSet, not, type Condition } from '../../../grammar/model/condition.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import { intervals } from '../../../grammar/model/interval.js';
import { PROTOCOL } from '../../../grammar/sets/element.js';
import { alu32, goto, jump32, load, R1, R10, R8, R9, storeImm, toBigEndian } from '../../bytecode/instruction.js';
import { emitCondition, type ConditionContext } from '../conditions.js';
import { FLOW_STATE, FLOW_THOFF } from '../flow.js';
import { STATE_BIT } from './conntrack.js';
import type { NetfilterContext } from './context.js';
import { accessOf, bufferOf } from './entry.js';
import { readAtOnce } from './packet.js';

const { ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE } = PROTOCOL;
const DCCP = 33;
const GRE = 47;
const NO_NEXT_HEADER = 59;

/** Bytes of the transport header that a connection's addresses are read from. */
const READ: readonly (readonly [protocols: readonly number[], bytes: number])[] = [
  [[TCP, UDP, UDPLITE, SCTP, DCCP], 4],
  [[ICMP, ICMPV6], 8],
];

/** Fields that {@link emitUnparsed} reads. */
export function parsedFields(family: Family): readonly Field[] {
  return ['proto', 'fragoff', 'l4len', ...(family === 'v6' ? (['l4found'] as const) : [])];
}

/** Headers that end before what is read of them, and those that there are none of. */
function missing(family: Family): Condition {
  const lost = family === 'v6' ? [not(equals('l4found', 1)), equals('proto', NO_NEXT_HEADER)] : [];
  const short = READ.map(([protocols, bytes]) =>
    all(
      inSet('proto', intervals(...protocols.map((one): [number, number] => [one, one]))),
      inSet('l4len', intervals([0, bytes - 1])),
    ),
  );
  return any(...lost, not(equals('fragoff', 0)), ...short);
}

/** GRE of version 1 is that of PPTP: 8 bytes of its header are read, and it carries PPP (gre_pkt_to_tuple). */
const VERSION_MASK = 7;
const ENHANCED = 1;
const PPP = 0x880b;
const ENHANCED_BYTES = 8;

/**
 * Sets the u32 at `to` in the flow at r9 where the packet is of no connection and conntrack cannot read addresses and
 * ports of it: `connlimit` drops it at once (nf_ct_get_tuplepr, net/netfilter/nf_conntrack_core.c). Clobbers r0–r5, r8.
 */
export function emitUnparsed(context: NetfilterContext, to: number): void {
  const { code, view, layout } = context;
  const yes = code.label('unparsed');
  const done = code.label('parsed');
  const conditions: ConditionContext = {
    ...{ code, family: view.family, layout, flow: R9, hotdrop: done },
    opaque: ({ name }) => {
      throw new Error(`${name} is asked of a header`);
    },
  };
  const there = code.label('there');
  const gre = code.label('gre');
  code.emit(load(4, R1, R9, FLOW_STATE), alu32('and', R1, STATE_BIT.INVALID | STATE_BIT.UNTRACKED));
  code.emit(jump32('jeq', R1, 0, done));
  emitCondition(conditions, missing(view.family), yes, there, 'false');
  code.place(there);
  const whole = not(inSet('l4len', intervals([0, ENHANCED_BYTES - 1])));
  emitCondition(conditions, all(equals('proto', GRE), whole), gre, done, 'true');
  code.place(gre);
  const at = bufferOf(context);
  code.emit(load(4, R8, R9, FLOW_THOFF));
  readAtOnce(code, accessOf(context), { to: at, from: { reg: R8 }, bytes: 4 }, done);
  code.emit(load(2, R1, R10, at), toBigEndian(R1, 16), alu32('and', R1, VERSION_MASK));
  code.emit(jump32('jne', R1, ENHANCED, done), load(2, R1, R10, at + 2), toBigEndian(R1, 16));
  code.emit(jump32('jeq', R1, PPP, done), goto(yes));
  code.place(yes);
  code.emit(storeImm(4, R9, to, 1));
  code.place(done);
}
