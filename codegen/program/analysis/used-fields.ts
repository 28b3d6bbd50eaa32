import { visitCondition } from '../../../grammar/model/condition-parts.js';
import type { Opaque } from '../../../grammar/model/condition.js';
import type { Field } from '../../../grammar/model/fields.js';
import { changeFields } from '../changes/kinds.js';
import { LOGGED_FIELDS } from '../log.js';
import type { Mode, RejectPolicy } from '../manifest.js';
import { memoryFields } from '../memory-tests.js';
import type { LeftPlan } from '../netfilter/left.js';
import { parsedFields } from '../netfilter/parsed.js';
import { SEGMENT_SIZE_FIELDS } from '../netfilter/segment-size.js';
import { payloadFields } from '../payload/fields.js';
import { isWireView, type View } from '../place.js';
import { rejectFields } from '../reject/index.js';
import { setTestFields } from '../sets/view.js';
import type { RuleAnalysis } from './rule.js';

/** Fields that events show. */
export function addLogged(used: Set<Field>, { chain }: View): void {
  for (const field of LOGGED_FIELDS) used.add(field);
  if (chain !== 'OUTPUT') used.add('iif');
  if (chain === 'FORWARD' || chain === 'OUTPUT') used.add('oif');
}

/** Fields that the code of an opaque test reads. */
function opaqueFields(test: Opaque, { family }: View): readonly Field[] {
  // What a device is like is read where its name is.
  if (test.name === 'devgroup') return [test.which === 'in' ? 'iif' : 'oif'];
  const parsed = test.name === 'connlimit' ? parsedFields(family) : [];
  return [...memoryFields(test, family), ...setTestFields(test, family), ...parsed];
}

/** Fields that the program of these rules reads. */
export function usedFields(
  rules: readonly RuleAnalysis[],
  view: View,
  mode: Mode,
  reject: RejectPolicy,
  left: LeftPlan | undefined,
): Set<Field> {
  const used = new Set<Field>(left?.goingOn.some(({ segmentSize }) => segmentSize) ? SEGMENT_SIZE_FIELDS : []);
  for (const { rule, meaning } of rules) {
    visitCondition(meaning.condition, {
      field: (field) => used.add(field),
      payload: (test) => payloadFields(test).forEach((field) => used.add(field)),
      opaque: (test) => opaqueFields(test, view).forEach((field) => used.add(field)),
    });
    const effect = rule.rule.target.effect;
    if (mode === 'exact' && effect.kind === 'log') {
      addLogged(used, view);
    }
    if (mode === 'exact' && effect.kind === 'mark') used.add('mark');
    if (mode === 'exact' && view.hook === 'tc' && effect.kind === 'opaque' && effect.change !== undefined) {
      for (const field of changeFields(effect.change)) used.add(field);
    }
    if (mode === 'exact' && effect.kind === 'reject' && reject === 'answer' && isWireView(view)) {
      for (const field of rejectFields(view.family)) used.add(field);
    }
  }
  return used;
}
