import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';

/**
 * Whether asking does nothing but answer, and answers the same wherever the rule stands: no memory changes, no packet is dropped,
 * no chance and no clock is asked. Such tests of one rule may be asked in any order.
 */
export function isPure(condition: Condition): boolean {
  switch (condition.kind) {
    case 'in':
      return true;
    case 'opaque':
      return isLasting(condition.test);
    case 'not':
      return isPure(condition.of);
    case 'all':
    case 'any':
      return condition.of.every(isPure);
    case 'hotdrop':
    case 'payload':
      return false;
  }
}

/** Whether the answer hangs on the packet, its connection, its devices and its socket alone. */
export function isLasting(test: Opaque): boolean {
  switch (test.name) {
    case 'ctstate':
    case 'addrtype':
    case 'owner':
    case 'devgroup':
      return true;
    case 'conntrack':
    case 'limit':
    case 'recent':
    case 'hashlimit':
    case 'quota':
    case 'nth':
    case 'connlimit':
    case 'time':
    case 'cpu':
    case 'random':
    case 'bridge-port':
    case 'set':
    case 'counted-set':
    case 'module':
      return false;
  }
}

/** Whether a condition asks for a field. */
export function asksFor(condition: Condition, fields: ReadonlySet<Field>): boolean {
  if (fields.size === 0) return false;
  let found = false;
  visitCondition(condition, { field: (field) => (found ||= fields.has(field)) });
  return found;
}
