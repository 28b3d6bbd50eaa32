import type { Field } from '../../../grammar/model/fields.js';
import {
  alu32,
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
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
  toBigEndian,
  type AccessSize,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { FLOW_FRAGMENT, FLOW_L3, FLOW_LENGTH, FLOW_THOFF, storedBytes, type FlowLayout } from '../flow.js';
import type { WireHook } from '../manifest.js';
import { SK_BUFF, XDP_MD } from './entry.js';

export const NEXTHDR = { HOP: 0, ROUTING: 43, FRAGMENT: 44, AUTH: 51, NONE: 59, DEST: 60 } as const;
/** Headers that ipv6_find_hdr steps over (net/ipv6/exthdrs_core.c ipv6_ext_hdr, without NONE, where it stops). */
export const EXTENSION_HEADERS = [NEXTHDR.HOP, NEXTHDR.DEST, NEXTHDR.ROUTING, NEXTHDR.FRAGMENT, NEXTHDR.AUTH] as const;
export const EXTENSION_MASK = EXTENSION_HEADERS.reduce((mask, header) => mask | (1n << BigInt(header)), 0n);
export const IPV6_HEADERS = 'ipv6_headers';

const HEADER = 40;
/** More headers than fit a frame of 4 KiB; a packet with more of them is dropped, as what it hides is not known. */
export const MAX_EXTENSION_HEADERS = 512;
/** Reserved bits between offset and M flag (RFC 8200 4.5). */
const FRAGMENT_RESERVED = 0x6;
/** Offset from the IP header beyond which a packet pointer is no use to the verifier. */
const MAX_OFFSET = 0xfe00;

/**
 * `ipv6_headers(ctx, flow)`: ipv6_find_hdr(skb, &thoff, -1, &fragoff, NULL) of net/ipv6/exthdrs_core.c. Stores proto,
 * l4found, fragoff and FLOW_THOFF (0 where no transport header was found); returns 1 where the headers are more than
 * can be read, else 0. A function of its own, so that its many states do not multiply those of the entry.
 *
 * r6 = flow, r7 = IP header, r8 = end of the linear packet, r9 = offset, r5 = next header, r4 = headers left,
 * r3 = packet length.
 */
export function ipv6HeadersFunction(hook: WireHook, layout: FlowLayout): Code {
  const code = new Code();
  const given = code.label('given');
  const loop = code.label('headers');
  const generic = code.label('generic');
  const authentication = code.label('authentication');
  const fragment = code.label('fragment');
  const routing = code.label('routing');
  const advance = code.label('advance');
  const broken = code.label('broken');
  const found = code.label('found');
  const unreadable = code.label('unreadable');
  const put = (field: Field, register: number): void => {
    const offset = layout.offsets.get(field);
    if (offset !== undefined) code.emit(store(storedBytes(field, 'v6') as AccessSize, R6, offset, register));
  };
  const hasFound = layout.offsets.get('l4found');

  code.emit(jump64('jne', R2, 0, given), mov64(R0, 0), exit());
  code.place(given);
  code.emit(mov64(R6, reg(R2)), storeImm(4, R6, FLOW_THOFF, 0));
  code.emit(load(4, R7, R1, hook === 'xdp' ? XDP_MD.data : SK_BUFF.data));
  code.emit(load(4, R8, R1, hook === 'xdp' ? XDP_MD.data_end : SK_BUFF.data_end));
  code.emit(load(4, R2, R6, FLOW_L3), jump64('jgt', R2, 64, unreadable), alu64('add', R7, reg(R2)));
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, HEADER), jump64('jgt', R1, reg(R8), unreadable));
  code.emit(load(4, R3, R6, FLOW_LENGTH), mov64(R9, HEADER), load(1, R5, R7, 6), mov64(R4, MAX_EXTENSION_HEADERS));

  // The offset goes through memory, and the header's kind through a bit mask: the verifier forgets how they came
  // about, so that all ways to the next header are one state.
  code.place(loop);
  code.emit(store(4, R6, FLOW_THOFF, R9), jump64('jgt', R5, 63, found));
  code.emit(mov64(R1, 1), alu64('lsh', R1, reg(R5)), lddw(R2, EXTENSION_MASK), alu64('and', R1, reg(R2)));
  code.emit(jump64('jeq', R1, 0, found), load(4, R9, R6, FLOW_THOFF));
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, 2), jump64('jgt', R1, reg(R3), broken));
  code.emit(jump64('jgt', R9, MAX_OFFSET, unreadable));
  code.emit(mov64(R1, reg(R7)), alu64('add', R1, reg(R9)));
  code.emit(mov64(R2, reg(R1)), alu64('add', R2, 2), jump64('jgt', R2, reg(R8), unreadable));
  code.emit(load(1, R0, R1, 0), load(1, R2, R1, 1));
  code.emit(jump32('jeq', R5, NEXTHDR.FRAGMENT, fragment), jump32('jeq', R5, NEXTHDR.AUTH, authentication));
  code.emit(jump32('jeq', R5, NEXTHDR.ROUTING, routing));
  code.place(generic);
  code.emit(alu64('add', R2, 1), alu64('lsh', R2, 3));
  code.place(advance);
  code.emit(alu64('add', R9, reg(R2)), mov64(R5, reg(R0)), alu64('sub', R4, 1));
  code.emit(jump64('jne', R4, 0, loop), goto(unreadable));

  code.place(routing);
  code.emit(mov64(R1, reg(R9)), alu64('add', R1, 4), jump64('jgt', R1, reg(R3), broken), goto(generic));

  code.place(authentication);
  code.emit(alu64('add', R2, 2), alu64('lsh', R2, 2), goto(advance));

  code.place(fragment);
  code.emit(mov64(R2, reg(R9)), alu64('add', R2, 4), jump64('jgt', R2, reg(R3), broken));
  code.emit(mov64(R2, reg(R1)), alu64('add', R2, 4), jump64('jgt', R2, reg(R8), unreadable));
  code.emit(load(2, R1, R1, 2), toBigEndian(R1, 16), mov64(R2, reg(R1)), alu32('and', R2, ~FRAGMENT_RESERVED));
  code.emit(load(4, R9, R6, FLOW_FRAGMENT), alu64('or', R9, reg(R2)), store(4, R6, FLOW_FRAGMENT, R9));
  code.emit(load(4, R9, R6, FLOW_THOFF), jump64('jgt', R9, MAX_OFFSET, unreadable));
  code.emit(alu32('and', R1, 0xfff8), mov64(R2, 8));
  code.emit(jump32('jeq', R1, 0, advance));
  // A later fragment: the header behind it is known by name alone, and only if it is no extension header.
  for (const header of EXTENSION_HEADERS) code.emit(jump32('jeq', R0, header, broken));
  put('fragoff', R1);
  put('proto', R0);
  code.emit(storeImm(4, R6, FLOW_THOFF, 0));
  if (hasFound !== undefined) code.emit(storeImm(1, R6, hasFound, 1));
  code.emit(mov64(R0, 0), exit());

  code.place(found);
  put('proto', R5);
  if (hasFound !== undefined) code.emit(storeImm(1, R6, hasFound, 1));
  code.emit(mov64(R0, 0), exit());
  code.place(broken);
  code.emit(storeImm(4, R6, FLOW_THOFF, 0), mov64(R0, 0), exit());
  code.place(unreadable);
  code.emit(mov64(R0, 1), exit());
  return code;
}
