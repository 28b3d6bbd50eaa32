/** What a condition is made of. */
import type { Condition, Opaque } from './condition.js';
import type { Field } from './fields.js';
import type { PayloadTest } from './payload.js';

/** Whether a condition asks more than what fields hold: opaque tests, walks over the packet. */
export function asksMore(condition: Condition): boolean {
  switch (condition.kind) {
    case 'in':
      return false;
    case 'opaque':
    case 'payload':
      return true;
    case 'not':
      return asksMore(condition.of);
    case 'hotdrop':
      return asksMore(condition.when);
    case 'all':
    case 'any':
      return condition.of.some(asksMore);
  }
}

/** Calls back for every field and every test of a condition. */
export function visitCondition(
  condition: Condition,
  visit: { field?(field: Field): void; opaque?(test: Opaque): void; payload?(test: PayloadTest): void },
): void {
  switch (condition.kind) {
    case 'in':
      visit.field?.(condition.field);
      return;
    case 'opaque':
      visit.opaque?.(condition.test);
      return;
    case 'payload':
      visit.payload?.(condition.test);
      return;
    case 'not':
      return visitCondition(condition.of, visit);
    case 'hotdrop':
      return visitCondition(condition.when, visit);
    case 'all':
    case 'any':
      for (const part of condition.of) visitCondition(part, visit);
      return;
  }
}

/** Every opaque test of a condition, in order. */
export function opaqueTests(condition: Condition): readonly Opaque[] {
  const tests: Opaque[] = [];
  visitCondition(condition, { opaque: (test) => void tests.push(test) });
  return tests;
}

/** Every test of a condition that walks over the packet, in order. */
export function payloadTests(condition: Condition): readonly PayloadTest[] {
  const tests: PayloadTest[] = [];
  visitCondition(condition, { payload: (test) => void tests.push(test) });
  return tests;
}
