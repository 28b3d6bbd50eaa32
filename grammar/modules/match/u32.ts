import { FALSE, invertIf, payload } from '../../model/condition.js';
import { defineMatch, option } from '../define.js';
import { u32Tests, type U32Operator } from '../value/u32-tests.js';

const OPERATIONS = { '&': 'and', '<<': 'shl', '>>': 'shr', '@': 'at' } as const satisfies Record<U32Operator, string>;

/** Words of the packet, anywhere in it (net/netfilter/xt_u32.c). */
export const u32 = defineMatch({
  name: 'u32',
  families: ['v4', 'v6'],
  doc: 'words of four bytes anywhere in the packet',
  options: { tests: option('--u32', u32Tests, { invertible: true, required: true, doc: 'tests that must all hold' }) },
  condition: ({ tests }) => {
    if (tests === undefined) return FALSE;
    const locations = tests.value.map(({ offset, steps, ranges }) => ({
      start: offset,
      steps: steps.map(({ operator, number }) => ({ op: OPERATIONS[operator], number })),
      ranges,
    }));
    return invertIf(tests.inverted, payload({ kind: 'u32', locations }));
  },
});
