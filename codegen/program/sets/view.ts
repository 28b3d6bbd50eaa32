import { any, FALSE, opaque, type Condition, type Opaque } from '../../../grammar/model/condition.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Field } from '../../../grammar/model/fields.js';
import type { SetTest } from '../../../grammar/model/ip-set.js';
import { canMatch, undecidedSet } from '../../../grammar/sets/decidable.js';
import { isIngress, type Answer, type View } from '../place.js';
import { ELEMENT_PARTS } from '../../../grammar/sets/types.js';
import { setFields } from './function.js';

/** Fields that a test on a set reads; none where the view could not answer it. */
export function setTestFields(test: Opaque, family: Family): readonly Field[] {
  if ((test.name !== 'set' && test.name !== 'counted-set') || undecidedSet(test.test, family) !== undefined) return [];
  const { set, directions } = test.test;
  return set === undefined || set.type === 'other' ? [] : setFields(set, directions, family);
}

/**
 * A test on a set as a view answers it: a list becomes the tests on its sets, and a set that can have no such packet
 * none at all. `rewritten` says whether a field is not known for certain.
 */
export function answerSet(test: SetTest, view: View, rewritten: (field: Field) => boolean): Answer {
  const why = undecidedSet(test, view.family);
  if (why !== undefined) return why;
  const { set } = test;
  if (set === undefined || set.type === 'other' || !canMatch(set, test, view.family)) return { condition: FALSE };
  const leaves = set.type === 'list:set' ? set.sets : [set];
  const tests: Condition[] = [];
  for (const leaf of leaves) {
    if (leaf.type === 'other' || !canMatch(leaf, test, view.family)) continue;
    // What this host sends has no link header yet.
    if (!isIngress(view) && ELEMENT_PARTS[leaf.type].some(({ kind }) => kind === 'mac')) continue;
    if (setFields(leaf, test.directions, view.family).some(rewritten)) {
      const reason = `addresses may be rewritten before the chain (${view.rewrittenBy})`;
      return { reason, advice: 'use exact mode' };
    }
    const name = leaf.comparedBy === undefined ? 'set' : 'counted-set';
    tests.push(opaque({ name, test: { ...test, name: leaf.name, set: leaf } }));
  }
  return { condition: any(...tests) };
}
