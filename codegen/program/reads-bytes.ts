import { visitCondition } from '../../grammar/model/condition-parts.js';
import type { Analysis } from './analysis.js';
import { readsAnything } from './payload/fields.js';

/** Whether some test may read any byte of the packet. */
export function readsBytes({ asking }: Pick<Analysis, 'asking'>): boolean {
  let found = false;
  for (const { meaning } of asking) {
    visitCondition(meaning.condition, { payload: (test) => (found ||= readsAnything(test)) });
  }
  return found;
}
