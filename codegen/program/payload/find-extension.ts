import {
  alu64,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R8,
  R9,
  reg,
  store,
  toBigEndian,
  exit,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import type { Hook } from '../manifest.js';
import { EXTENSION_MASK, MAX_EXTENSION_HEADERS, NEXTHDR } from '../packet/ipv6-headers.js';
import { BUFFER, ENDS, OWN, PayloadCode } from './payload-code.js';

export const FIND_EXTENSION = 'find_extension';
/** What it returns where it returns no offset. */
export const FOUND = { ABSENT: 0, BROKEN: 1, UNKNOWN: 2 } as const;

const HEADER = 40;
const TARGET = OWN - 8;

/**
 * `find_extension(ctx, flow, target)`: ipv6_find_hdr(skb, &offset, target, NULL, NULL) of net/ipv6/exthdrs_core.c for an
 * extension header. Returns its offset from the IP header, or one of {@link FOUND}. r8 = offset, r9 = next header.
 */
export function findExtensionFunction(hook: Hook): Code {
  const payload = new PayloadCode(hook, (code) => code.emit(store(8, R10, TARGET, R3)));
  const { code } = payload;
  const sized = code.label('sized');
  const advance = code.label('advance');
  const absent = code.label('absent');
  const broken = code.label('broken');
  const found = code.label('found');
  payload.read(6, 1, broken);
  code.emit(load(1, R9, R10, BUFFER), mov64(R8, HEADER));
  const loop = payload.loop(MAX_EXTENSION_HEADERS);
  payload.forget(R8);
  payload.forgetBuffer(R8);
  code.emit(jump64('jgt', R9, 63, absent), mov64(R1, 1), alu64('lsh', R1, reg(R9)), lddw(R2, EXTENSION_MASK));
  code.emit(alu64('and', R1, reg(R2)), jump64('jeq', R1, 0, absent));
  payload.read(reg(R8), 2, broken);
  const plain = code.label('plain');
  const fragment = code.label('fragment');
  code.emit(jump32('jeq', R9, NEXTHDR.FRAGMENT, fragment), jump32('jne', R9, NEXTHDR.ROUTING, plain));
  payload.read(reg(R8), 4, broken);
  code.emit(goto(plain));
  code.place(fragment);
  payload.read(reg(R8), 4, broken);
  code.emit(load(2, R1, R10, BUFFER + 2), toBigEndian(R1, 16), alu64('and', R1, 0xfff8));
  code.emit(jump64('jeq', R1, 0, plain), load(8, R1, R10, TARGET), jump64('jeq', R1, reg(R9), found), goto(absent));
  code.place(plain);
  code.emit(load(8, R1, R10, TARGET), jump32('jeq', R1, reg(R9), found));
  code.emit(load(1, R1, R10, BUFFER + 1), mov64(R2, 8), jump32('jeq', R9, NEXTHDR.FRAGMENT, advance));
  code.emit(mov64(R2, reg(R1)), jump32('jne', R9, NEXTHDR.AUTH, sized));
  code.emit(alu64('add', R2, 2), alu64('lsh', R2, 2), goto(advance));
  code.place(sized);
  code.emit(alu64('add', R2, 1), alu64('lsh', R2, 3));
  code.place(advance);
  code.emit(alu64('add', R8, reg(R2)), load(1, R9, R10, BUFFER), goto(loop));
  code.place(found);
  code.emit(mov64(R0, reg(R8)), exit());
  code.place(absent);
  code.emit(mov32(R0, FOUND.ABSENT), exit());
  code.place(broken);
  code.emit(mov32(R0, FOUND.BROKEN), exit());
  code.place(ENDS.unknown);
  code.emit(mov32(R0, FOUND.UNKNOWN), exit());
  return code;
}
