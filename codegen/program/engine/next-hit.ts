import {
  alu32,
  alu64,
  callFunction,
  exit,
  goto,
  jump32,
  jump64,
  load,
  loadDataAddress,
  mov32,
  mov64,
  R0,
  R1,
  R10,
  R2,
  R3,
  R5,
  R6,
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import { END, ENTRY, ENTRY_BYTES, HIT_BYTES } from '../../classify/index.js';
import { Code } from '../code.js';
import { emitCount } from '../counters.js';
import { VERDICT } from '../verdict.js';
import { TABLE, nextEntry, placeOf, type LookupShape, type ObjectShape } from './lookup-shape.js';
import { emitIsSet, emitTests, emitRecordOffset } from './lookup-walk.js';
import { ACTION_MASK, COUNTED, FINAL, MAX_GROUPS } from './segment.js';

/** `(flow, at, least) → at`: the first entry from here on whose instance the packet is inside of, of no rule before `least`. */
export function nextEntryFunction({ records, candidates }: LookupShape, size: number): Code {
  const code = new Code();
  code.emit(mov64(R0, 0), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  code.emit(mov64(R6, reg(R1)), mov32(R8, reg(R2)), mov32(R9, reg(R3)), loadDataAddress(R7, TABLE));
  // r0 = entries so far. What the entry says of the list's key, its record says, too.
  code.place('entry');
  code.emit(jump64('jgt', R8, size - ENTRY_BYTES, 'lost'), mov64(R3, reg(R7)), alu64('add', R3, reg(R8)));
  code.emit(load(4, R1, R3, ENTRY.record));
  emitRecordOffset(code, R1);
  code.emit(jump64('jgt', R1, size - records.bytes, 'lost'), alu64('add', R1, reg(R7)));
  code.emit(load(4, R2, R1, 4), jump64('jlt', R2, reg(R9), 'other'));
  emitTests(code, records, R3, 'other');
  code.emit(mov64(R0, reg(R8)), exit());
  code.place('other');
  code.emit(alu64('add', R8, ENTRY_BYTES), alu64('add', R0, 1), jump64('jle', R0, candidates, 'entry'));
  code.place('lost');
  // The list without entries.
  code.emit(mov64(R0, 0), exit());
  return code;
}

/**
 * `(flow, places) → action`: takes the hits in order of rule, counts those that say so, and returns the first action
 * that is more than counting; 0 at the end of all lists. Hits of one rule in several lists are one. The least of the
 * hits is found without jumps: neither the processor nor the verifier would know which way they go.
 */
export function nextHitFunction(
  { layout, hits }: LookupShape,
  { size, counters, times }: ObjectShape,
  groups: number,
): Code {
  const code = new Code();
  // `entry` = where the group stands in its list, `record` = address of the record; r5 = table.
  const toRecord = (group: number, entry: number, record: number): void => {
    code.emit(load(4, entry, R7, placeOf(group)), jump64('jgt', entry, size - ENTRY_BYTES, 'lost'));
    code.emit(mov64(record, reg(R5)), alu64('add', record, reg(entry)), load(4, record, record, ENTRY.record));
    emitRecordOffset(code, record);
    code.emit(jump64('jgt', record, size - HIT_BYTES, 'lost'), alu64('add', record, reg(R5)));
  };
  code.emit(mov64(R0, 0), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  code.emit(jump64('jne', R2, 0, 'places'), exit());
  code.place('places');
  // r6 = flow, r7 = places, r8 = hit, r9 = its action; r5 = table.
  code.emit(mov64(R6, reg(R1)), mov64(R7, reg(R2)), storeImm(8, R10, STEPS, 0));
  code.place('next');
  code.emit(loadDataAddress(R5, TABLE));
  for (let group = 0; group < groups; group++) {
    const to = group === 0 ? R8 : R2;
    toRecord(group, R1, R2);
    if (hits > 1) code.emit(load(4, R3, R2, 4), store(4, R10, RULES + 4 * group, R3));
    code.emit(load(8, to, R2, 0));
    if (group === 0) continue;
    // r8 = min(r8, r2): both are positive.
    code.emit(mov64(R3, reg(R2)), alu64('sub', R3, reg(R8)), alu64('arsh', R3, 63));
    code.emit(alu64('xor', R2, reg(R8)), alu64('and', R2, reg(R3)), alu64('xor', R8, reg(R2)));
  }
  code.emit(mov32(R9, reg(R8)), alu64('rsh', R8, 32));
  code.emit(mov64(R0, VERDICT.NEXT), jump32('jeq', R8, END, 'out'));
  // Behind a final rule nothing is asked for.
  emitIsSet(code, R9, FINAL, 'advanced');
  if (hits > 1) {
    for (let group = 0; group < groups; group++) {
      const ahead = code.label('ahead');
      code.emit(load(4, R3, R10, RULES + 4 * group), jump64('jgt', R3, reg(R8), ahead));
      code.emit(mov64(R1, reg(R6)), load(4, R2, R7, placeOf(group)), mov64(R3, reg(R8)), alu64('add', R3, 1));
      code.emit(callFunction(nextEntry(layout)));
      code.emit(store(4, R7, placeOf(group), R0));
      code.place(ahead);
    }
  }
  code.place('advanced');
  emitIsSet(code, R9, COUNTED, 'count');
  code.emit(goto('counted'));
  code.place('count');
  emitCount(code, { key: reg(R8), counters, times }, R6);
  code.place('counted');
  code.emit(mov32(R0, reg(R9)), alu32('and', R0, ACTION_MASK), jump64('jne', R0, VERDICT.NEXT, 'out'));
  code.emit(load(8, R1, R10, STEPS), alu64('add', R1, 1), store(8, R10, STEPS, R1));
  code.emit(jump64('jle', R1, hits, 'next'));
  // Never come to: no list leaves the table, and all of them together are shorter.
  code.place('lost');
  code.emit(mov64(R0, VERDICT.DROP));
  code.place('out');
  code.emit(exit());
  return code;
}

/** Stack of {@link nextHit} below the counters' key: steps so far, and a u32 for each group, the rule of its hit. */
const STEPS = -16;
const RULES = STEPS - 4 * MAX_GROUPS;
