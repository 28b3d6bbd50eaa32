import type { Field } from '../../../grammar/model/fields.js';
import {
  alu64,
  exit,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
  toBigEndian,
  alu32,
  type AccessSize,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import type { Hook } from '../manifest.js';
import { isSocketHook } from '../place.js';
import { FLOW_THOFF, storedBytes, type FlowLayout } from '../flow.js';
import { EXTENSION_HEADERS, EXTENSION_MASK, MAX_EXTENSION_HEADERS, NEXTHDR } from '../packet/ipv6-headers.js';
import { openPacket, readPacket, type PacketAccess } from './packet.js';
import { NF_CONTEXT } from './structs.js';

const HEADER = 40;
const DYNPTR = -16;
const BYTES = -24;
/** Headers left. */
const LEFT = -32;

/**
 * `ipv6_headers(ctx, flow, next)` for a program behind the IP stack: ipv6_find_hdr(skb, &thoff, -1, &fragoff, NULL) of
 * net/ipv6/exthdrs_core.c; `next` is the next header that the IPv6 header names. Stores proto, l4found, fragoff and
 * FLOW_THOFF (0 where no transport header was found); returns 1 where the headers are more than can be read, else 0.
 *
 * r6 = flow, r7 = the packet (at sockets the context), r8 = next header, r9 = offset.
 */
export function netfilterIpv6HeadersFunction(hook: Hook, layout: FlowLayout): Code {
  const code = new Code();
  const given = code.label('given');
  const loop = code.label('headers');
  const authentication = code.label('authentication');
  const fragment = code.label('fragment');
  const advance = code.label('advance');
  const broken = code.label('broken');
  const found = code.label('found');
  const generic = code.label('generic');
  const unreadable = code.label('unreadable');
  const access: PacketAccess = { hook, packet: R7, dynptr: DYNPTR, flow: { reg: R6, offset: 0 } };
  const read = (bytes: number): void => readPacket(code, access, { to: BYTES, from: { reg: R9 }, bytes }, broken);
  const put = (field: Field, register: number): void => {
    const offset = layout.offsets.get(field);
    if (offset !== undefined) code.emit(store(storedBytes(field, 'v6') as AccessSize, R6, offset, register));
  };
  const hasFound = layout.offsets.get('l4found');

  code.emit(jump64('jne', R2, 0, given), mov64(R0, 0), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R2)), isSocketHook(hook) ? mov64(R7, reg(R1)) : load(8, R7, R1, NF_CONTEXT.skb));
  code.emit(mov64(R8, reg(R3)), mov64(R9, HEADER));
  openPacket(code, access, unreadable);
  code.emit(mov64(R1, MAX_EXTENSION_HEADERS), store(8, R10, LEFT, R1));

  code.place(loop);
  // Through memory the verifier forgets how the values came about: all ways to the next header are one state.
  code.emit(store(4, R6, FLOW_THOFF, R9), jump64('jgt', R8, 63, found));
  code.emit(mov64(R1, 1), alu64('lsh', R1, reg(R8)), lddw(R2, EXTENSION_MASK), alu64('and', R1, reg(R2)));
  code.emit(jump64('jeq', R1, 0, found), load(4, R9, R6, FLOW_THOFF));
  read(2);
  code.emit(load(1, R2, R10, BYTES + 1));
  code.emit(jump32('jeq', R8, NEXTHDR.FRAGMENT, fragment), jump32('jeq', R8, NEXTHDR.AUTH, authentication));
  // A routing header is read up to its fourth byte.
  code.emit(jump32('jne', R8, NEXTHDR.ROUTING, generic));
  read(4);
  code.emit(load(1, R2, R10, BYTES + 1));
  code.place(generic);
  code.emit(alu64('add', R2, 1), alu64('lsh', R2, 3));
  code.place(advance);
  code.emit(alu64('add', R9, reg(R2)), load(1, R8, R10, BYTES));
  code.emit(load(8, R1, R10, LEFT), alu64('sub', R1, 1), store(8, R10, LEFT, R1));
  code.emit(jump64('jne', R1, 0, loop), goto(unreadable));

  code.place(authentication);
  code.emit(alu64('add', R2, 2), alu64('lsh', R2, 2), goto(advance));

  code.place(fragment);
  read(4);
  code.emit(load(2, R1, R10, BYTES + 2), toBigEndian(R1, 16), alu32('and', R1, 0xfff8), mov64(R2, 8));
  code.emit(jump32('jeq', R1, 0, advance), load(1, R3, R10, BYTES));
  // A later fragment: the header behind it is known by name alone, and only if it is no extension header.
  for (const header of EXTENSION_HEADERS) code.emit(jump32('jeq', R3, header, broken));
  put('fragoff', R1);
  put('proto', R3);
  code.emit(storeImm(4, R6, FLOW_THOFF, 0));
  if (hasFound !== undefined) code.emit(storeImm(1, R6, hasFound, 1));
  code.emit(mov64(R0, 0), exit());

  code.place(found);
  put('proto', R8);
  if (hasFound !== undefined) code.emit(storeImm(1, R6, hasFound, 1));
  code.emit(mov64(R0, 0), exit());
  code.place(broken);
  code.emit(storeImm(4, R6, FLOW_THOFF, 0), mov64(R0, 0), exit());
  code.place(unreadable);
  code.emit(mov64(R0, 1), exit());
  return code;
}
