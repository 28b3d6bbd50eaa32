import type { Condition, Opaque } from '../../grammar/model/condition.js';
import { contains } from '../../grammar/model/interval.js';
import { mayDrop, mayDropMatching, type PayloadTest } from '../../grammar/model/payload.js';
import type { PayloadAnswer } from './payload/index.js';
import type { FieldValues } from './read-fields.js';

/**
 * What a condition can come to, as a set of bits: one bit where everything is known, more where an opaque test has no
 * answer.
 */
export type Outcome = number;
export const NEVER: Outcome = 0;
export const NO: Outcome = 1;
export const YES: Outcome = 2;
/** The packet is dropped at once (`hotdrop` of struct xt_action_param). */
export const HOTDROP: Outcome = 4;
/** It holds, and has set `hotdrop`: the rule goes on with its other tests, and the packet is dropped behind it. */
export const DROPPING: Outcome = 8;

/** Answers an opaque test; undefined where it is not known. */
export type Answer = (test: Opaque) => boolean | undefined;

export interface ConditionView {
  readonly fields: FieldValues;
  /** The mark may have changed on the way; undefined where it is not known. */
  readonly mark: number | undefined;
  /** Something not understood may have rewritten the packet: no field is known. */
  readonly changed: boolean;
  readonly answer: Answer;
  /** Answers a test that walks over the packet; not known if left out. */
  readonly payload?: (test: PayloadTest) => PayloadAnswer;
}

/** What `condition` can come to. `all` and `any` stop where the kernel would: a hotdrop behind a failed test is none. */
export function outcomeOf(condition: Condition, view: ConditionView): Outcome {
  switch (condition.kind) {
    case 'in':
      return membership(condition, view);
    case 'not':
      return invert(outcomeOf(condition.of, view));
    case 'hotdrop':
      return afterHotdropTest(outcomeOf(condition.when, view));
    case 'opaque':
      return fromAnswer(view.answer(condition.test));
    case 'payload':
      return view.changed || view.payload === undefined
        ? possiblePayload(condition.test)
        : PAYLOAD_OUTCOMES[view.payload(condition.test)];
    case 'all':
      return inTurn(condition.of, view, YES, NO);
    case 'any':
      return inTurn(condition.of, view, NO, YES);
  }
}

const PAYLOAD_OUTCOMES: Readonly<Record<PayloadAnswer, Outcome>> = {
  no: NO,
  yes: YES,
  hotdrop: HOTDROP,
  dropping: DROPPING,
};

/** What the test can come to in a packet that is not known. */
function possiblePayload(test: PayloadTest): Outcome {
  const drops = mayDrop(test) ? HOTDROP : NEVER;
  return YES | NO | drops | (mayDropMatching(test) ? DROPPING : NEVER);
}

function fromAnswer(answer: boolean | undefined): Outcome {
  if (answer === undefined) return YES | NO;
  return answer ? YES : NO;
}

function membership(test: Extract<Condition, { kind: 'in' }>, view: ConditionView): Outcome {
  const value = fieldValue(test.field, view);
  if (value === undefined) return YES | NO;
  const masked = test.mask === undefined ? value : value & test.mask;
  return contains(test.set, masked) ? YES : NO;
}

/** The field as it stands where the condition is tested; undefined where it is not known. */
export function fieldValue(field: keyof FieldValues, view: ConditionView): bigint | undefined {
  if (field === 'mark') return view.mark === undefined ? undefined : BigInt(view.mark);
  // Interfaces are no part of the packet that a target could rewrite.
  if (view.changed && field !== 'iif' && field !== 'oif') return undefined;
  return view.fields[field];
}

function invert(outcome: Outcome): Outcome {
  return (outcome & HOTDROP) | ((outcome & YES) === 0 ? 0 : NO) | ((outcome & NO) === 0 ? 0 : YES);
}

function afterHotdropTest(when: Outcome): Outcome {
  return (when & HOTDROP) | ((when & YES) === 0 ? 0 : HOTDROP) | ((when & NO) === 0 ? 0 : YES);
}

/**
 * Tests one after the other while they come to `further`; ends with the first that comes to `end`. Behind one that is
 * dropping the packet the others are still tested, and the end is a hotdrop.
 */
function inTurn(parts: readonly Condition[], view: ConditionView, further: Outcome, end: Outcome): Outcome {
  let ended = NEVER;
  let here = further;
  for (const part of parts) {
    const outcome = outcomeOf(part, view);
    // As nearly always: all is known, and nothing drops the packet.
    if (here === further && outcome === further) continue;
    if (here === further && outcome === end) return ended | end;
    const dropping = (here & DROPPING) !== 0;
    if ((here & further) !== 0) ended |= outcome & (end | HOTDROP);
    if (dropping && (outcome & (end | HOTDROP)) !== 0) ended |= HOTDROP;
    let next = (here & further) === 0 ? NEVER : outcome & (further | DROPPING);
    if (dropping && (outcome & (further | DROPPING)) !== 0) next |= DROPPING;
    if (next === NEVER) return ended;
    here = next;
  }
  return ended | here;
}

/** Whether the outcome is one only. */
export function isCertain(outcome: Outcome): boolean {
  return outcome === YES || outcome === NO || outcome === HOTDROP || outcome === DROPPING;
}
