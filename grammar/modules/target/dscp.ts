import { defineVerbatimTarget, option } from '../define.js';
import { dscpClass, dscpNumber } from '../value/dscp.js';

const DSCP_OPTIONS = {
  dscp: option('--set-dscp', dscpNumber, { excludes: ['dscpClass'], doc: 'code point, 0 to 0x3f' }),
  dscpClass: option('--set-dscp-class', dscpClass, { excludes: ['dscp'], doc: 'code point by class name' }),
};

/** Change the code point (net/netfilter/xt_DSCP.c `dscp_tg`). */
export const dscpTarget = defineVerbatimTarget({
  name: 'DSCP',
  families: ['v4', 'v6'],
  tables: ['mangle'],
  doc: 'change the differentiated services code point and go on',
  options: DSCP_OPTIONS,
  check: ({ dscp, dscpClass: named }) => ((dscp ?? named) === undefined ? ['--set-dscp is needed'] : []),
  change: ({ dscp, dscpClass: named }) => ({ kind: 'tos', clear: 0xfc, flip: ((dscp ?? named)?.value ?? 0) << 2 }),
  print: ({ dscp, dscpClass: named }, context) => {
    const given = dscp ?? named;
    return given === undefined ? [] : [DSCP_OPTIONS.dscp.flag, ...dscpNumber.print(given.value, context)];
  },
});
