/** TCPOPTSTRIP: options of some kinds become padding. */
import {
  alu64,
  goto,
  jump64,
  load,
  mov64,
  R0,
  R1,
  R10,
  R3,
  R4,
  R5,
  R7,
  R8,
  reg,
  storeImm,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { MAX_OPTION_BYTES, type FlowLayout } from '../flow.js';
import {
  TCP,
  NOP,
  OPTION_BYTES,
  emitStart,
  emitEnd,
  emitSum,
  emitOptions,
  emitStoreOptions,
  emitKinds,
  emitWalk,
} from './tcp-header.js';

/** xt_TCPOPTSTRIP.c tcpoptstrip_mangle_packet. */
export function stripFunction(layout: FlowLayout, kinds: readonly number[]): Code {
  const code = new Code();
  const walked = code.label('walked');
  const strip = code.label('strip');
  const next = code.label('next');
  const at = layout.optionBytes ?? 0;
  emitStart(code);
  emitOptions(code, layout, 'same');
  // r3: the bytes to overwrite.
  code.emit(mov64(R3, 0));
  emitWalk(code, layout, {
    behind: 1,
    end: walked,
    each: () => {
      code.emit(mov64(R0, reg(R1)), alu64('add', R0, reg(R5)), jump64('jgt', R0, reg(R8), walked));
      for (const kind of kinds) code.emit(jump64('jeq', R4, kind, strip));
      code.emit(goto(next));
      code.place(strip);
      code.emit(mov64(R0, 1), alu64('lsh', R0, reg(R5)), alu64('sub', R0, 1), alu64('lsh', R0, reg(R1)));
      code.emit(alu64('or', R3, reg(R0)));
      code.place(next);
    },
  });
  code.place(walked);
  code.emit(jump64('jeq', R3, 0, 'same'), mov64(R8, reg(R3)));
  for (let byte = 0; byte < MAX_OPTION_BYTES; byte++) {
    const kept = code.label('kept');
    const shift = byte % 2 === 0 ? 0 : 8;
    code.emit(mov64(R1, reg(R8)), alu64('rsh', R1, byte), alu64('and', R1, 1), jump64('jeq', R1, 0, kept));
    code.emit(load(1, R3, R7, at + byte), alu64('lsh', R3, shift), mov64(R4, NOP << shift));
    emitSum(code, 2);
    code.emit(storeImm(1, R7, at + byte, NOP));
    code.place(kept);
  }
  emitStoreOptions(code, layout, TCP.header);
  code.emit(load(8, R8, R10, OPTION_BYTES));
  emitKinds(code, layout);
  emitEnd(code);
  return code;
}
