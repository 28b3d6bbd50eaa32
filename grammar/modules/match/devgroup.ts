import { all, invertIf, opaque, type Condition } from '../../model/condition.js';
import type { BuiltinChain } from '../../model/family.js';
import { defineMatch, isEmpty, option, type Given } from '../define.js';
import type { MarkMask } from '../value/mark.js';
import { namedMask } from '../value/named-mask.js';

const group = namedMask('group', new Map([['default', 0]]));

/** In the order in which they are printed. */
const OPTIONS = {
  source: option('--src-group', group, { invertible: true, doc: 'group of the input interface' }),
  destination: option('--dst-group', group, { invertible: true, doc: 'group of the output interface' }),
};

const INWARD: readonly BuiltinChain[] = ['PREROUTING', 'INPUT', 'FORWARD'];
const OUTWARD: readonly BuiltinChain[] = ['FORWARD', 'OUTPUT', 'POSTROUTING'];

function inGroup(which: 'in' | 'out', given: Given<MarkMask> | undefined): readonly Condition[] {
  return given === undefined ? [] : [invertIf(given.inverted, opaque({ name: 'devgroup', which, ...given.value }))];
}

/** Group of a network interface (net/netfilter/xt_devgroup.c). */
export const devgroup = defineMatch({
  name: 'devgroup',
  families: ['v4', 'v6'],
  doc: 'group of the input or output interface',
  options: OPTIONS,
  hooksFor: ({ source, destination }) => {
    if (source === undefined) return OUTWARD;
    return destination === undefined ? INWARD : ['FORWARD'];
  },
  check: (options) => (isEmpty(options) ? ['--src-group or --dst-group is needed'] : []),
  condition: ({ source, destination }) => all(...inGroup('in', source), ...inGroup('out', destination)),
});
