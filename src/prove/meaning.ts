import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import { FALSE, not, TRUE, type Ref } from './bdd.js';
import type { Bits, Words } from './words.js';

/** What a condition comes to: exactly one of the three holds. Behind `hot` the packet is dropped at once. */
export interface Meaning {
  readonly yes: Ref;
  readonly no: Ref;
  readonly hot: Ref;
}

/** A test with memory, as a rule asks it: whatever it answers, program and rules get the same answer. */
export interface Asked {
  readonly test: Opaque;
  /** Which packets it is asked for. */
  readonly here: Ref;
  readonly answer: Ref;
}

/** What the reference reads and is told. */
export interface Reading {
  readonly words: Words;
  /** The value of a field, least significant bit first. */
  field(field: Field): Bits;
  /** `here`: which packets come to the test. */
  opaque(test: Opaque, here: Ref): Ref;
  payload(test: PayloadTest): Meaning;
}

/**
 * The reference semantics of conditions (src/evaluate/outcome.ts) on symbols. Tests are taken in turn, and stop where
 * the kernel stops: what is behind a test that fails drops nothing. `come`: which packets come to the condition.
 */
export function meaningOf(condition: Condition, reading: Reading, come: Ref = TRUE): Meaning {
  const { bdd } = reading.words;
  switch (condition.kind) {
    case 'in':
      return decided(membership(condition, reading));
    case 'not': {
      const { yes, no, hot } = meaningOf(condition.of, reading, come);
      return { yes: no, no: yes, hot };
    }
    case 'hotdrop': {
      const when = meaningOf(condition.when, reading, come);
      return { yes: when.no, no: FALSE, hot: bdd.or(when.hot, when.yes) };
    }
    case 'opaque':
      return decided(reading.opaque(condition.test, come));
    case 'payload':
      return reading.payload(condition.test);
    case 'all': {
      let here: Ref = TRUE;
      let hot: Ref = FALSE;
      for (const part of condition.of) {
        const meaning = meaningOf(part, reading, bdd.and(come, here));
        hot = bdd.or(hot, bdd.and(here, meaning.hot));
        here = bdd.and(here, meaning.yes);
        if (here === FALSE) break;
      }
      return { yes: here, no: not(bdd.or(here, hot)), hot };
    }
    case 'any': {
      let here: Ref = TRUE;
      let hot: Ref = FALSE;
      for (const part of condition.of) {
        const meaning = meaningOf(part, reading, bdd.and(come, here));
        hot = bdd.or(hot, bdd.and(here, meaning.hot));
        here = bdd.and(here, meaning.no);
        if (here === FALSE) break;
      }
      return { yes: not(bdd.or(here, hot)), no: here, hot };
    }
  }
}

function decided(yes: Ref): Meaning {
  return { yes, no: not(yes), hot: FALSE };
}

function membership(test: Extract<Condition, { kind: 'in' }>, { words, field }: Reading): Ref {
  let bits = field(test.field);
  const { mask } = test;
  if (mask !== undefined) bits = bits.map((bit, i) => (((mask >> BigInt(i)) & 1n) === 1n ? bit : FALSE));
  const most = (1n << BigInt(bits.length)) - 1n;
  let inside: Ref = FALSE;
  for (const { lo, hi } of test.set) {
    if (lo > most) break;
    inside = words.bdd.or(inside, words.within(bits, lo, hi > most ? most : hi));
  }
  return inside;
}
