import {
  alu32,
  alu64,
  goto,
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
  R7,
  R8,
  R9,
  reg,
  store,
  storeImm,
} from '../../bytecode/instruction.js';
import {
  BLOCK_BITS,
  CHILD,
  ENTRY,
  ENTRY_BYTES,
  INDEX,
  LIST,
  listBytes,
  NOTHING,
  PLACE_BITS,
  PLACE_UNIT_BITS,
  SEARCH,
  SEARCH_BYTES,
  SEARCH_CUTS,
  SLOT_BITS,
  SLOT_MASK,
  RECORD_UNIT_BITS,
  type Access,
  type RecordLayout,
} from '../../classify/index.js';
import type { Code } from '../code.js';
import { type LookupShape } from './lookup-shape.js';

/** Stack that the functions around a walk keep for themselves. */
export const LOCAL_BYTES = 16;

/** Where the numbers begin on the stack that branches and lists ask for, a u32 each. */
const numbersAt = ({ numbers }: LookupShape): number => -LOCAL_BYTES - 8 * Math.ceil(Math.max(1, numbers.length) / 2);

/**
 * Down from the number of a branch, or of a list, in r8: leaves for `found` with that of the list, or for `lost`. r6 = flow, r7 = table,
 * r9 = 0; all but r6 and r7 are clobbered.
 */
export function emitWalk(code: Code, shape: LookupShape, size: number): void {
  const { numbers, depth } = shape;
  // Who asks says by its own number what it asks for, so that nobody waits for the table to find the value.
  if (numbers.length === 0) code.emit(storeImm(4, R10, numbersAt(shape), 0));
  numbers.forEach((access, slot) => {
    emitValue(code, R0, access);
    code.emit(store(4, R10, numbersAt(shape) + 4 * slot, R0));
  });
  code.emit(jump32('jset', R8, CHILD.list, 'found'));
  code.place('branch');
  emitNumber(code, shape, R0);
  emitPlace(code, R5);
  code.emit(jump64('jgt', R5, size - SEARCH_BYTES, 'lost'), alu64('add', R5, reg(R7)));
  code.emit(jump32('jset', R8, CHILD.index, 'index'));
  // r3 = the cuts that the value is not below, without jumps.
  for (let cut = 0; cut < SEARCH_CUTS; cut++) {
    const to = cut === 0 ? R3 : R1;
    code.emit(load(4, to, R5, SEARCH.cuts + 4 * cut), alu64('sub', to, reg(R0)), alu64('rsh', to, 63));
    if (cut > 0) code.emit(alu64('add', R3, reg(R1)));
  }
  code.emit(alu64('lsh', R3, 2), alu64('add', R5, reg(R3)), load(4, R8, R5, SEARCH.children));
  code.place('next');
  code.emit(jump32('jset', R8, CHILD.list, 'found'), alu64('add', R9, 1), jump64('jle', R9, depth, 'branch'));
  code.emit(goto('lost'));
  code.place('index');
  code.emit(load(4, R1, R5, INDEX.shift), alu64('rsh', R0, reg(R1)), alu64('lsh', R0, 2));
  emitPlace(code, R8);
  code.emit(alu64('add', R8, reg(R0)), jump64('jgt', R8, size - INDEX.children - 4, 'lost'), alu64('add', R8, reg(R7)));
  code.emit(load(4, R8, R8, INDEX.children), goto('next'));
}

/** The number that the child in r8 asks for. */
function emitNumber(code: Code, shape: LookupShape, to: number): void {
  code.emit(mov64(to, reg(R8)), alu64('and', to, SLOT_MASK));
  code.emit(
    jump64('jgt', to, (Math.max(1, shape.numbers.length) - 1) << SLOT_BITS, 'lost'),
    alu64('add', to, reg(R10)),
  );
  code.emit(load(4, to, to, numbersAt(shape)));
}

/** Byte offset of the child in r8. */
function emitPlace(code: Code, to: number): void {
  if (to !== R8) code.emit(mov64(to, reg(R8)));
  code.emit(alu64('rsh', to, PLACE_BITS), alu64('lsh', to, PLACE_UNIT_BITS));
}

/** What stands around {@link emitFirst}. */
export interface FirstCode {
  /** With r3 = address of the list: leaves for `lost` where all of it comes behind what is known. */
  skip(): void;
  /** With r1 = address of the entry's record, and r8 = the list's offset; `at`: of the entry in the list. */
  matched(at: number): void;
}

/**
 * The first entry of the list in r8 whose instance the packet is inside of; the last entry has room for all. r6 = flow, r7 = table;
 * r0 and r2–r5 are clobbered.
 */
export function emitFirst(code: Code, shape: LookupShape, size: number, { skip, matched }: FirstCode): void {
  const { records, candidates } = shape;
  emitNumber(code, shape, R5);
  emitPlace(code, R8);
  code.emit(jump64('jeq', R8, NOTHING_AT, 'lost'), jump64('jgt', R8, size - listBytes(candidates), 'lost'));
  code.emit(mov64(R3, reg(R7)), alu64('add', R3, reg(R8)));
  skip();
  for (let entry = 0; entry <= candidates; entry++) {
    const other = entry === candidates ? 'lost' : code.label('entry');
    const at = LIST.entries + ENTRY_BYTES * entry;
    // The lowest bits of r1 are how many of the difference do not matter.
    code.emit(load(4, R2, R3, at + ENTRY.value), alu64('xor', R2, reg(R5)), load(4, R1, R3, at + ENTRY.record));
    code.emit(alu64('rsh', R2, reg(R1)), jump64('jne', R2, 0, other));
    emitRecordOffset(code, R1);
    code.emit(jump64('jgt', R1, size - records.bytes, 'lost'), alu64('add', R1, reg(R7)));
    emitTests(code, records, R0, other);
    matched(at);
    if (other !== 'lost') code.place(other);
  }
}

/** Byte offset of the list without instances. */
const NOTHING_AT = (NOTHING >>> PLACE_BITS) << PLACE_UNIT_BITS;

/** Tests with one jump: with one each, the verifier would follow all the ways that lead to the next entry. */
const TESTS_AT_ONCE = 8;

/** Leaves for `other` unless the packet is inside of the record at r1. r6 = flow; `scratch`, r2 and r4 are clobbered. */
export function emitTests(code: Code, { tests }: RecordLayout, scratch: number, other: string): void {
  for (let from = 0; from < tests.length; from += TESTS_AT_ONCE) {
    // The sign of r2: whether a value lies outside, as a difference of 64 bits.
    tests.slice(from, from + TESTS_AT_ONCE).forEach(({ access, bytes, at }, index) => {
      const to = index === 0 ? R2 : R4;
      emitValue(code, scratch, access);
      code.emit(load(bytes, R4, R1, at), alu32('sub', scratch, reg(R4)), load(bytes, to, R1, at + bytes));
      code.emit(alu64('sub', to, reg(scratch)));
      if (index > 0) code.emit(alu64('or', R2, reg(R4)));
    });
    code.emit(jump64('jslt', R2, 0, other));
  }
}

/**
 * Jumps if a bit of the register is set; r1 is clobbered. The verifier does not learn which: it would follow both ways to the end instead
 * of one.
 */
export function emitIsSet(code: Code, register: number, bit: number, label: string): void {
  code.emit(
    mov64(R1, reg(register)),
    alu64('rsh', R1, Math.log2(bit)),
    alu64('and', R1, 1),
    jump64('jne', R1, 0, label),
  );
}

/** The second number of an entry → byte offset of its record. */
export function emitRecordOffset(code: Code, number: number): void {
  code.emit(alu64('rsh', number, BLOCK_BITS), alu64('lsh', number, RECORD_UNIT_BITS));
}

/** The number of a dimension; r6 = flow. */
export function emitValue(code: Code, to: number, { offset, shift, mask }: Access): void {
  const bytes = mask === 0xff ? 1 : mask === 0xffff ? 2 : 4;
  // The least significant byte of a word stands first.
  if (shift % (8 * bytes) === 0) {
    code.emit(load(bytes, to, R6, offset + shift / 8));
    if (bytes === 4 && mask !== 0xffff_ffff) code.emit(alu32('and', to, mask | 0));
    return;
  }
  code.emit(load(4, to, R6, offset));
  if (shift > 0) code.emit(alu32('rsh', to, shift));
  code.emit(alu32('and', to, mask | 0));
}
