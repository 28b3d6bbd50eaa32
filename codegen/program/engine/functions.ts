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
  END,
  ENTRY,
  ENTRY_BYTES,
  HIT_BYTES,
  INDEX,
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
import type { FunctionSpec, ParamSpec } from '../../object/spec.js';
import { Code } from '../code.js';
import { emitCount } from '../counters.js';
import { VERDICT } from '../verdict.js';
import { ACTION_MASK, COUNTED, FINAL, MAX_GROUPS } from './segment.js';

/** The object's constant data: all diagrams of all its programs. */
export const TABLE = 'diagrams';

/** What the functions of one layout of records have to reach. */
export interface LookupShape {
  /** Number of the layout. */
  readonly layout: number;
  readonly records: RecordLayout;
  /** The numbers that branches and lists ask for, by slot. */
  readonly numbers: readonly Access[];
  /** Most branches on one way, and entries of one list. */
  readonly depth: number;
  readonly candidates: number;
  /** Hits that a packet has, at most. */
  readonly hits: number;
  /** Whether some stretch is final, which takes the first hit alone. */
  readonly final: boolean;
  /** Numbers of groups that some look-up of other stretches walks. */
  readonly groups: readonly number[];
}

/** Name of the function that finds the first hit of a diagram whose rules are all final. */
export const findRule = (layout: number): string => `find_rule_${layout}`;
export const findRules = (layout: number): string => `find_rules_${layout}`;
const nextEntry = (layout: number): string => `next_entry_${layout}`;
/** Name of the function that takes the next hit from the lists of so many groups. */
export const nextHit = (layout: number, groups: number): string => `next_rule_${layout}_of_${groups}`;
/** Bytes of the places in the lists that {@link nextHit} moves on: a u32 for each group. */
export const PLACES_BYTES = 4 * MAX_GROUPS;

/** What the functions have to know of the object. */
export interface ObjectShape {
  /** Bytes of the table, and of struct flow. */
  readonly size: number;
  readonly flowBytes: number;
  /** How many counters it has. */
  readonly counters: number;
}

/** Functions of an object with diagrams. */
export function engineFunctions(
  shapes: readonly LookupShape[],
  { size, flowBytes, counters }: ObjectShape,
): readonly Omit<FunctionSpec, 'linkage'>[] {
  const flow: ParamSpec = { name: 'flow', type: { kind: 'memory', struct: 'flow', bytes: flowBytes } };
  const places: ParamSpec = { name: 'places', type: { kind: 'memory', struct: 'places', bytes: PLACES_BYTES } };
  const place: ParamSpec = { name: 'place', type: { kind: 'memory', struct: 'place', bytes: 4 } };
  const int = (name: string): ParamSpec => ({ name, type: { kind: 'int' } });
  return shapes.flatMap((shape) => [
    ...(shape.final
      ? [
          {
            name: findRule(shape.layout),
            params: [flow, int('root'), int('hit')],
            instructions: findFinalFunction(shape, size).finish(),
          },
        ]
      : []),
    ...(shape.groups.length > 0
      ? [
          {
            name: findRules(shape.layout),
            params: [flow, place, int('root'), int('bound')],
            instructions: findFunction(shape, size).finish(),
          },
        ]
      : []),
    ...(shape.groups.length > 0 && shape.hits > 1
      ? [
          {
            name: nextEntry(shape.layout),
            params: [flow, int('at'), int('least')],
            instructions: nextEntryFunction(shape, size).finish(),
          },
        ]
      : []),
    ...shape.groups.map((groups) => ({
      name: nextHit(shape.layout, groups),
      params: [flow, places],
      instructions: nextHitFunction(shape, size, groups, counters).finish(),
    })),
  ]);
}

/**
 * `(flow, place, root, bound) → bound`: down one diagram to the packet's list, whose first entry with an instance that the packet
 * is inside of becomes the place; the bound is the first final rule known, this one's or the one given. Nothing of what is read
 * from the table is known to the verifier, so every offset is compared with the table's size; outside of it the place
 * stays as it is.
 */
function findFunction(shape: LookupShape, size: number): Code {
  const code = new Code();
  code.emit(mov64(R0, reg(R4)), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  code.emit(jump64('jne', R2, 0, 'there'), exit());
  code.place('there');
  // r6 = flow, r7 = table, r8 = branch, r9 = branches so far.
  code.emit(mov64(R6, reg(R1)), store(8, R10, PLACE, R2), store(8, R10, BOUND, R4));
  code.emit(loadDataAddress(R7, TABLE), mov32(R8, reg(R3)), mov64(R9, 0));
  emitWalk(code, shape, size);
  code.place('lost');
  code.emit(load(8, R0, R10, BOUND), exit());
  code.place('found');
  emitFirst(code, shape, size, (entry) => {
    code.emit(alu64('add', R8, ENTRY_BYTES * entry), goto('hit'));
  });
  code.place('hit');
  code.emit(load(8, R3, R10, PLACE), store(4, R3, 0, R8), load(8, R0, R10, BOUND));
  code.emit(load(4, R3, R1, 0), load(4, R2, R1, 4), jump32('jset', R3, FINAL, 'final'), goto('out'));
  code.place('final');
  code.emit(jump64('jge', R2, reg(R0), 'out'), mov64(R0, reg(R2)));
  code.place('out');
  code.emit(exit());
  return code;
}

/** Stack of {@link findFunction}. */
const PLACE = -8;
const BOUND = -16;

/**
 * `(flow, root, hit) → hit`: down one diagram whose rules are all final to the first instance that the packet is inside of; the
 * result is the lesser of its hit (u64 rule << 32 | action) and the one given.
 */
function findFinalFunction(shape: LookupShape, size: number): Code {
  const code = new Code();
  code.emit(mov64(R0, reg(R3)), jump64('jne', R1, 0, 'flow'), exit());
  code.place('flow');
  // r6 = flow, r7 = table, r8 = branch, r9 = branches so far.
  code.emit(mov64(R6, reg(R1)), store(8, R10, HIT, R3));
  code.emit(loadDataAddress(R7, TABLE), mov32(R8, reg(R2)), mov64(R9, 0));
  emitWalk(code, shape, size);
  code.place('lost');
  code.emit(load(8, R0, R10, HIT), exit());
  code.place('found');
  emitFirst(code, shape, size, () => code.emit(goto('hit')));
  code.place('hit');
  code.emit(load(8, R1, R1, 0), load(8, R0, R10, HIT), jump64('jge', R1, reg(R0), 'out'), mov64(R0, reg(R1)));
  code.place('out');
  code.emit(exit());
  return code;
}

/** Stack of {@link findFinalFunction}. */
const HIT = -8;

/** Where the numbers begin on the stack that branches and lists ask for, a u32 each. */
const numbersAt = ({ numbers }: LookupShape): number => BOUND - 8 * Math.ceil(Math.max(1, numbers.length) / 2);

/**
 * Down from the number of a branch, or of a list, in r8: leaves for `found` with that of the list, or for `lost`. r6 = flow, r7 = table,
 * r9 = 0; all but r6 and r7 are clobbered.
 */
function emitWalk(code: Code, shape: LookupShape, size: number): void {
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

/**
 * The first entry of the list in r8 whose instance the packet is inside of: `matched` with r1 = address of its record, and r8 = the list's
 * offset; the last entry has room for all. r6 = flow, r7 = table; r0 and r2–r5 are clobbered.
 */
function emitFirst(
  code: Code,
  { records, candidates, ...shape }: LookupShape,
  size: number,
  matched: (entry: number) => void,
): void {
  emitNumber(code, { records, candidates, ...shape }, R5);
  emitPlace(code, R8);
  code.emit(jump64('jgt', R8, size - ENTRY_BYTES * (candidates + 1), 'lost'), mov64(R3, reg(R7)));
  code.emit(alu64('add', R3, reg(R8)));
  for (let entry = 0; entry <= candidates; entry++) {
    const other = entry === candidates ? 'lost' : code.label('entry');
    const at = ENTRY_BYTES * entry;
    // The lowest bits of r1 are how many of the difference do not matter.
    code.emit(load(4, R2, R3, at + ENTRY.value), alu64('xor', R2, reg(R5)), load(4, R1, R3, at + ENTRY.record));
    code.emit(alu64('rsh', R2, reg(R1)), jump64('jne', R2, 0, other));
    emitRecordOffset(code, R1);
    code.emit(jump64('jgt', R1, size - records.bytes, 'lost'), alu64('add', R1, reg(R7)));
    emitTests(code, records, R0, other);
    matched(entry);
    if (other !== 'lost') code.place(other);
  }
}

/** Tests with one jump: with one each, the verifier would follow all the ways that lead to the next entry. */
const TESTS_AT_ONCE = 8;

/** Leaves for `other` unless the packet is inside of the record at r1. r6 = flow; `scratch`, r2 and r4 are clobbered. */
function emitTests(code: Code, { tests }: RecordLayout, scratch: number, other: string): void {
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

/** The second number of an entry → byte offset of its record. */
function emitRecordOffset(code: Code, number: number): void {
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

/** `(flow, at, least) → at`: the first entry from here on whose instance the packet is inside of, of no rule before `least`. */
function nextEntryFunction({ records, candidates }: LookupShape, size: number): Code {
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
function nextHitFunction({ layout, hits }: LookupShape, size: number, groups: number, counters: number): Code {
  const code = new Code();
  // `entry` = where the group stands in its list, `record` = address of the record; r5 = table.
  const toRecord = (group: number, entry: number, record: number): void => {
    code.emit(load(4, entry, R7, 4 * group), jump64('jgt', entry, size - ENTRY_BYTES, 'lost'));
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
      code.emit(mov64(R1, reg(R6)), load(4, R2, R7, 4 * group), mov64(R3, reg(R8)), alu64('add', R3, 1));
      code.emit(callFunction(nextEntry(layout)));
      code.emit(store(4, R7, 4 * group, R0));
      code.place(ahead);
    }
  }
  code.place('advanced');
  emitIsSet(code, R9, COUNTED, 'count');
  code.emit(goto('counted'));
  code.place('count');
  emitCount(code, { key: reg(R8), counters }, R6);
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

/**
 * Jumps if a bit of the register is set. The verifier does not learn which: it would follow both ways to the end instead
 * of one.
 */
function emitIsSet(code: Code, register: number, bit: number, label: string): void {
  code.emit(
    mov64(R1, reg(register)),
    alu64('rsh', R1, Math.log2(bit)),
    alu64('and', R1, 1),
    jump64('jne', R1, 0, label),
  );
}

/** Stack of {@link nextHit} below the counters' key: steps so far, and a u32 for each group, the rule of its hit. */
const STEPS = -16;
const RULES = STEPS - 4 * MAX_GROUPS;
