import {
  alu64,
  exit,
  goto,
  jump32,
  jump64,
  load,
  mov32,
  R0,
  R1,
  R10,
  R3,
  R8,
  R9,
  reg,
  store,
  mov64,
} from '../../bytecode/instruction.js';
import type { Code } from '../code.js';
import type { WireHook } from '../manifest.js';
import { BUFFER, ENDS, OWN, PayloadCode } from './payload-code.js';

export const REWRITTEN_OPTIONS = 'rewritten_options';

const HEADER = 20;
const MAX_OPTIONS = 40;
const END = OWN - 8;
/** Options into which the stack writes on the way (include/uapi/linux/ip.h): record route, timestamp, source routes. */
export const REWRITTEN = [7, 68, 131, 137] as const;

/**
 * `rewritten_options(ctx, flow, ihl)`: 1 where the IPv4 header has options that __ip_options_compile (net/ipv4/
 * ip_options.c) writes into between PREROUTING and the chain, so that their bytes and the header's checksum are not
 * those of the wire; else 0. r8 = offset of the option, r9 = end of the header.
 */
export function rewrittenOptionsFunction(hook: WireHook): Code {
  const payload = new PayloadCode(hook, (code) => code.emit(store(8, R10, END, R3)));
  const { code } = payload;
  const none = code.label('none');
  const single = code.label('single');
  code.emit(load(8, R9, R10, END), mov64(R8, HEADER));
  const loop = payload.loop(MAX_OPTIONS, none);
  payload.forget(R8);
  code.emit(jump64('jge', R8, reg(R9), none));
  payload.read(reg(R8), 1, none);
  code.emit(load(1, R1, R10, BUFFER), jump32('jeq', R1, 0, none), jump32('jeq', R1, 1, single));
  for (const option of REWRITTEN) code.emit(jump32('jeq', R1, option, ENDS.yes));
  payload.read(reg(R8), 2, none);
  code.emit(load(1, R1, R10, BUFFER + 1), jump32('jlt', R1, 2, none), alu64('add', R8, reg(R1)), goto(loop));
  code.place(single);
  code.emit(alu64('add', R8, 1), goto(loop));
  code.place(none);
  code.emit(mov32(R0, 0), exit());
  code.place(ENDS.yes);
  code.emit(mov32(R0, 1), exit());
  code.place(ENDS.no);
  code.place(ENDS.unknown);
  code.emit(mov32(R0, 0), exit());
  return code;
}
