import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import { fieldBits, fieldLimit, type Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';
import { complement, type Interval, type IntervalSet } from '../../grammar/model/interval.js';
import {
  alu32,
  alu64,
  goto,
  jump32,
  jump64,
  lddw,
  load,
  mov32,
  mov64,
  R1,
  R2,
  R3,
  reg,
  type AccessSize,
} from '../bytecode/instruction.js';
import type { Code } from './code.js';
import { storedBytes, type FlowLayout } from './flow.js';

/** Where a condition's code reads and where it goes. Register `flow` points to struct flow; r1–r3 are scratch. */
export interface ConditionContext {
  readonly code: Code;
  readonly family: Family;
  readonly layout: FlowLayout;
  /** Register that holds the pointer to struct flow. */
  readonly flow: number;
  /** Where a hotdrop goes. */
  readonly hotdrop: string;
  /** Emits an opaque test: jump to one of the two labels. */
  opaque(test: Opaque, ifTrue: string, ifFalse: string): void;
  /** Emits a test that walks over the packet: jump to one of the two labels, or leave. */
  payload?(test: PayloadTest, ifTrue: string, ifFalse: string): void;
}

/**
 * Code that goes to `ifTrue` or `ifFalse`; control falls through for the one that `next` names, whose label the
 * caller places right behind. Each test loads its field anew: see {@link FlowLayout}.
 */
export function emitCondition(
  context: ConditionContext,
  condition: Condition,
  ifTrue: string,
  ifFalse: string,
  next: 'true' | 'false',
): void {
  const { code } = context;
  switch (condition.kind) {
    case 'in':
      emitMembership(context, condition, ifTrue, ifFalse, next);
      return;
    case 'not':
      emitCondition(context, condition.of, ifFalse, ifTrue, next === 'true' ? 'false' : 'true');
      return;
    case 'hotdrop': {
      const passed = code.label('whole');
      emitCondition(context, condition.when, context.hotdrop, passed, 'false');
      code.place(passed);
      if (next === 'false') code.emit(goto(ifTrue));
      return;
    }
    case 'opaque':
      context.opaque(condition.test, ifTrue, ifFalse);
      code.emit(goto(next === 'true' ? ifTrue : ifFalse));
      return;
    case 'payload':
      if (context.payload === undefined) throw new Error(`no function answers ${condition.test.kind}`);
      context.payload(condition.test, ifTrue, ifFalse);
      code.emit(goto(next === 'true' ? ifTrue : ifFalse));
      return;
    case 'all':
      emitSequence(context, condition.of, ifTrue, ifFalse, next, 'all');
      return;
    case 'any':
      emitSequence(context, condition.of, ifTrue, ifFalse, next, 'any');
      return;
  }
}

function emitSequence(
  context: ConditionContext,
  parts: readonly Condition[],
  ifTrue: string,
  ifFalse: string,
  next: 'true' | 'false',
  kind: 'all' | 'any',
): void {
  const { code } = context;
  if (parts.length === 0) {
    code.emit(goto(kind === 'all' ? ifTrue : ifFalse));
    return;
  }
  for (let index = 0; index < parts.length - 1; index++) {
    const part = parts[index];
    if (kind === 'all' && fallsThrough(part, context.family)) {
      emitCondition(context, part, NOWHERE, ifFalse, 'true');
      continue;
    }
    const further = code.label('and');
    if (kind === 'all') emitCondition(context, part, further, ifFalse, 'true');
    else emitCondition(context, part, ifTrue, further, 'false');
    code.place(further);
  }
  emitCondition(context, parts[parts.length - 1], ifTrue, ifFalse, next);
}

/** A label that no code has. */
const NOWHERE = 'nowhere';

/** Whether the code of a test reaches what is behind it by falling through alone: its label is spared. */
function fallsThrough(part: Condition, family: Family): boolean {
  return (
    part.kind === 'in' &&
    isOneInterval(part.set, fieldLimit(part.field, family)) &&
    storedBytes(part.field, family) <= 8
  );
}

function isOneInterval(set: IntervalSet, full: bigint): boolean {
  return set.length === 1 && (set[0].lo > 0n || set[0].hi < full);
}

type Membership = Extract<Condition, { kind: 'in' }>;

function emitMembership(
  context: ConditionContext,
  test: Membership,
  ifTrue: string,
  ifFalse: string,
  next: 'true' | 'false',
): void {
  const bits = fieldBits(test.field, context.family);
  const bytes = storedBytes(test.field, context.family);
  const offset = offsetOf(context.layout, test.field);
  const full = fieldLimit(test.field, context.family);
  // Of one interval, the complement has as many or more, but where it is everything.
  const outside = isOneInterval(test.set, full) ? test.set : complement(test.set, bits);
  const inverted = outside.length < test.set.length;
  const yes = inverted ? ifFalse : ifTrue;
  const no = inverted ? ifTrue : ifFalse;
  const fallsToYes = (next === 'true') !== inverted;
  const set = inverted ? outside : test.set;
  if (bytes > 8) {
    emitWide(context, { set, mask: test.mask, bits, offset }, yes, no);
    context.code.emit(goto(fallsToYes ? yes : no));
    return;
  }
  const { code } = context;
  code.emit(load(bytes as AccessSize, R1, context.flow, offset));
  const mask = (test.mask ?? full) & full;
  if (mask !== full) emitMask(code, bytes, mask);
  if (set.length === 0) {
    code.emit(goto(no));
    return;
  }
  set.forEach((interval, index) => {
    if (index === set.length - 1 && fallsToYes) jumpIfOutside(code, bytes, interval, full, no);
    else jumpIfInside(code, bytes, interval, full, yes);
  });
}

function offsetOf(layout: FlowLayout, field: Field): number {
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is tested but not in the flow`);
  return offset;
}

const fitsSigned32 = (value: bigint): boolean => value < 1n << 31n;

/** r1 &= mask, for a field of up to 8 bytes. */
function emitMask(code: Code, bytes: number, mask: bigint): void {
  if (bytes <= 4) code.emit(alu32('and', R1, Number(BigInt.asIntN(32, mask))));
  else if (fitsSigned32(mask)) code.emit(alu64('and', R1, Number(mask)));
  else code.emit(lddw(R2, mask), alu64('and', R1, reg(R2)));
}

/** Compares r1 (or r2 for a shifted range) with a value of the field's width. */
function compare(
  code: Code,
  bytes: number,
  op: 'jeq' | 'jne' | 'jle' | 'jgt' | 'jge' | 'jlt',
  value: bigint,
  label: string,
): void {
  if (bytes <= 4) code.emit(jump32(op, R1, Number(BigInt.asIntN(32, value)), label));
  else if (fitsSigned32(value)) code.emit(jump64(op, R1, Number(value), label));
  else code.emit(lddw(R3, value), jump64(op, R1, reg(R3), label));
}

function compareRange(code: Code, bytes: number, interval: Interval, op: 'jle' | 'jgt', label: string): void {
  const { lo } = interval;
  const span = interval.hi - lo;
  if (bytes <= 4) {
    code.emit(mov32(R2, reg(R1)), alu32('sub', R2, Number(BigInt.asIntN(32, lo))));
    code.emit(jump32(op, R2, Number(BigInt.asIntN(32, span)), label));
    return;
  }
  code.emit(mov64(R2, reg(R1)), lddw(R3, lo), alu64('sub', R2, reg(R3)), lddw(R3, span));
  code.emit(jump64(op, R2, reg(R3), label));
}

function jumpIfInside(code: Code, bytes: number, interval: Interval, full: bigint, label: string): void {
  if (interval.lo === interval.hi) compare(code, bytes, 'jeq', interval.lo, label);
  else if (interval.lo === 0n && interval.hi >= full) code.emit(goto(label));
  else if (interval.lo === 0n) compare(code, bytes, 'jle', interval.hi, label);
  else if (interval.hi >= full) compare(code, bytes, 'jge', interval.lo, label);
  else compareRange(code, bytes, interval, 'jle', label);
}

function jumpIfOutside(code: Code, bytes: number, interval: Interval, full: bigint, label: string): void {
  if (interval.lo === interval.hi) compare(code, bytes, 'jne', interval.lo, label);
  else if (interval.lo === 0n && interval.hi >= full) return;
  else if (interval.lo === 0n) compare(code, bytes, 'jgt', interval.hi, label);
  else if (interval.hi >= full) compare(code, bytes, 'jlt', interval.lo, label);
  else compareRange(code, bytes, interval, 'jgt', label);
}

interface WideTest {
  readonly set: IntervalSet;
  readonly mask: bigint | undefined;
  readonly bits: number;
  readonly offset: number;
}

/** Fields of several 64-bit words: equality under a mask word by word, other intervals by comparing words in turn. */
function emitWide(context: ConditionContext, test: WideTest, yes: string, no: string): void {
  const { code } = context;
  const full = (1n << BigInt(test.bits)) - 1n;
  for (const interval of test.set) {
    const other = code.label('other');
    const block = test.mask === undefined ? prefixMask(interval, full) : undefined;
    if (interval.lo === interval.hi) {
      emitWideEqual(context, test, interval.lo, test.mask ?? full, other);
    } else if (block !== undefined) {
      emitWideEqual(context, test, interval.lo, block, other);
    } else {
      emitWideBound(context, test, interval.lo, 'jgt', 'jlt', other);
      emitWideBound(context, test, interval.hi, 'jlt', 'jgt', other);
    }
    code.emit(goto(yes));
    code.place(other);
  }
  code.emit(goto(no));
}

/** The mask under which an aligned block of addresses is one value; undefined if the interval is no such block. */
function prefixMask(interval: Interval, full: bigint): bigint | undefined {
  const span = interval.hi - interval.lo;
  const aligned = (span & (span + 1n)) === 0n && (interval.lo & span) === 0n;
  return aligned ? full ^ span : undefined;
}

const WORD = (1n << 64n) - 1n;

function wordOf(value: bigint, bits: number, index: number): bigint {
  return (value >> BigInt(bits - 64 * (index + 1))) & WORD;
}

/** r1 = word of the field under `mask`. */
function loadWord(context: ConditionContext, test: WideTest, index: number, mask: bigint): void {
  const { code } = context;
  code.emit(load(8, R1, context.flow, test.offset + 8 * index));
  if (mask !== WORD) emitMask(code, 8, mask);
}

function emitWideEqual(context: ConditionContext, test: WideTest, value: bigint, mask: bigint, no: string): void {
  // What the mask cuts off would not be compared.
  if ((value & mask) !== value) context.code.emit(goto(no));
  for (let index = 0; index < test.bits / 64; index++) {
    const wordMask = wordOf(mask, test.bits, index);
    if (wordMask === 0n) continue;
    loadWord(context, test, index, wordMask);
    compare(context.code, 8, 'jne', wordOf(value, test.bits, index), no);
  }
}

/** Falls through where the field is on the inner side of `bound` (or on it), else goes to `no`. */
function emitWideBound(
  context: ConditionContext,
  test: WideTest,
  bound: bigint,
  inner: 'jgt' | 'jlt',
  outer: 'jgt' | 'jlt',
  no: string,
): void {
  const { code } = context;
  const inside = code.label('inside');
  const words = test.bits / 64;
  for (let index = 0; index < words; index++) {
    const word = wordOf(bound, test.bits, index);
    loadWord(context, test, index, test.mask === undefined ? WORD : wordOf(test.mask, test.bits, index));
    compare(code, 8, outer, word, no);
    if (index < words - 1) compare(code, 8, inner, word, inside);
  }
  code.place(inside);
}
