/** TCPMSS: the segment size that a SYN announces is lowered, or the option is added. */
import { DEFAULT_SEGMENT_SIZE } from '../../../grammar/model/change.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import {
  alu32,
  alu64,
  callHelper,
  goto,
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
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
  toBigEndian,
} from '../../bytecode/instruction.js';
import { Code } from '../code.js';
import { FLOW_L3, FLOW_LENGTH, MAX_OPTION_BYTES, type FlowLayout } from '../flow.js';
import { htons, SK_BUFF } from '../packet/entry.js';
import {
  TCP,
  MSS,
  PSEUDO_HEADER,
  SLOT,
  OPTION_BYTES,
  SIZE,
  widthOf,
  emitStart,
  emitTransportLength,
  emitEnd,
  emitLoad,
  emitStore,
  emitSum,
  emitOptions,
  emitLoadOptions,
  emitStoreOptions,
  emitKinds,
  emitWalk,
} from './tcp-header.js';

/** xt_TCPMSS.c tcpmss_mangle_packet, tcpmss_tg4 and tcpmss_tg6. */
export function segmentSizeFunction(layout: FlowLayout, family: Family): Code {
  const code = new Code();
  const absent = code.label('absent');
  const found = code.label('found');
  const other = code.label('other');
  emitStart(code);
  code.emit(alu64('and', R3, 0xffff), store(8, R10, SIZE, R3));
  emitOptions(code, layout, absent);
  emitWalk(code, layout, {
    behind: MSS.bytes - 1,
    end: absent,
    each: () => {
      code.emit(jump64('jne', R4, MSS.kind, other), jump64('jeq', R5, MSS.bytes, found));
      code.place(other);
    },
  });
  code.place(found);
  const at = layout.optionBytes ?? 0;
  code.emit(mov64(R0, reg(R7)), alu64('add', R0, reg(R1)), mov64(R8, reg(R1)), load(1, R3, R0, at + 2));
  code.emit(load(1, R4, R0, at + 3), alu64('lsh', R3, 8), alu64('or', R3, reg(R4)), load(8, R4, R10, SIZE));
  // Never increased.
  code.emit(jump64('jle', R3, reg(R4), 'same'), toBigEndian(R3, 16), toBigEndian(R4, 16), store(2, R10, SLOT, R4));
  emitSum(code, 2);
  code.emit(alu64('add', R8, reg(R9)));
  emitStore(code, R8, TCP.header + 2, 2);
  code.emit(goto('same'));
  code.place(absent);
  emitNewOption(code, layout, family);
  emitEnd(code);
  return code;
}

/** Puts the option in front of the others, where there is room in the header and no data behind it. */
function emitNewOption(code: Code, layout: FlowLayout, family: Family): void {
  const lengthAt = family === 'v4' ? 2 : 4;
  const moved = code.label('moved');
  const small = code.label('small');
  code.emit(load(8, R8, R10, OPTION_BYTES), jump64('jge', R8, MAX_OPTION_BYTES, 'same'));
  code.emit(mov64(R2, reg(R8)), alu64('add', R2, TCP.header));
  emitTransportLength(code, R1);
  code.emit(jump64('jgt', R1, reg(R2), 'same'));
  emitGrow(code);
  code.emit(jump64('jeq', R8, 0, moved));
  emitStoreOptions(code, layout, TCP.header + MSS.bytes);
  code.place(moved);
  code.emit(load(8, R3, R10, SIZE), jump64('jle', R3, DEFAULT_SEGMENT_SIZE[family], small));
  code.emit(mov64(R3, DEFAULT_SEGMENT_SIZE[family]));
  code.place(small);
  code.emit(toBigEndian(R3, 16), store(2, R10, SIZE, R3));
  emitTransportLength(code, R3);
  code.emit(mov64(R4, reg(R3)), alu64('add', R4, MSS.bytes), toBigEndian(R3, 16), toBigEndian(R4, 16));
  emitSum(code, 2 | PSEUDO_HEADER);
  code.emit(
    storeImm(2, R10, SLOT, htons((MSS.kind << 8) | MSS.bytes)),
    load(2, R3, R10, SIZE),
    store(2, R10, SLOT + 2, R3),
  );
  code.emit(load(4, R4, R10, SLOT), mov64(R3, 0));
  emitSum(code, 4);
  emitStore(code, R9, TCP.header, MSS.bytes);
  emitLoad(code, R9, TCP.lengthAndFlags, 2);
  // The header's length is the upper half of the first byte.
  code.emit(load(2, R3, R10, SLOT), mov64(R4, reg(R3)), alu64('add', R4, 0x10), alu64('and', R4, 0xffff));
  code.emit(store(2, R10, SLOT, R4));
  emitSum(code, 2);
  emitStore(code, R9, TCP.lengthAndFlags, 2);
  code.emit(load(4, R8, R7, FLOW_L3));
  emitLoad(code, R8, lengthAt, 2);
  code.emit(load(2, R3, R10, SLOT), mov64(R4, reg(R3)), toBigEndian(R4, 16), alu32('add', R4, MSS.bytes));
  code.emit(toBigEndian(R4, 16), store(2, R10, SLOT, R4));
  if (family === 'v4') {
    code.emit(mov64(R1, reg(R6)), mov64(R2, reg(R8)), alu64('add', R2, 10), mov64(R5, 2));
    code.emit(callHelper('l3_csum_replace'), jump64('jne', R0, 0, 'failed'));
  }
  emitStore(code, R8, lengthAt, 2);
  emitLonger(code, layout);
}

/**
 * Four bytes more at the end of the packet; what Ethernet has put behind it goes. Growing makes a sum over the whole packet, which
 * a card has given, forgotten, so that nothing needs to be added to it.
 */
function emitGrow(code: Code): void {
  const plain = code.label('plain');
  const size = (more: number): void => {
    code.emit(
      load(4, R2, R7, FLOW_L3),
      load(4, R1, R7, FLOW_LENGTH),
      alu64('add', R2, reg(R1)),
      alu64('add', R2, more),
    );
  };
  const change = (): void => {
    code.emit(mov64(R1, reg(R6)), mov64(R3, 0), callHelper('skb_change_tail'), jump64('jne', R0, 0, 'failed'));
  };
  size(0);
  code.emit(load(4, R1, R6, SK_BUFF.len), jump64('jle', R1, reg(R2), plain));
  change();
  code.place(plain);
  size(MSS.bytes);
  change();
}

/** What the flow knows of a packet with one option more. */
function emitLonger(code: Code, layout: FlowLayout): void {
  code.emit(load(4, R1, R7, FLOW_LENGTH), alu64('add', R1, MSS.bytes), store(4, R7, FLOW_LENGTH, R1));
  const add = (field: Field, more: number): void => {
    const at = layout.offsets.get(field);
    if (at !== undefined)
      code.emit(load(widthOf(field), R1, R7, at), alu64('add', R1, more), store(widthOf(field), R7, at, R1));
  };
  add('length', MSS.bytes);
  add('l4len', MSS.bytes);
  add('tcp.doff', 1);
  code.emit(load(8, R8, R10, OPTION_BYTES), alu64('add', R8, MSS.bytes), jump64('jgt', R8, MAX_OPTION_BYTES, 'failed'));
  emitLoadOptions(code, layout);
  emitKinds(code, layout);
}
