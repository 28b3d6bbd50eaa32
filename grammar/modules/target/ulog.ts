import { defineVerbatimTarget, option } from '../define.js';
import { number, uint64 } from '../value/number.js';
import { messagePrefix } from '../value/text.js';

const DEFAULT_GROUP = 1;
const DEFAULT_THRESHOLD = 1;

const OPTIONS = {
  prefix: option('--ulog-prefix', messagePrefix(31), { doc: 'text before each message, cut to 31 bytes' }),
  group: option('--ulog-nlgroup', number({ min: 1, max: 32 }), { doc: 'netlink group, 1 if left out' }),
  range: option('--ulog-cprange', uint64, { doc: 'bytes of the packet to send, all if left out' }),
  threshold: option('--ulog-qthreshold', number({ min: 1, max: 50 }), {
    doc: 'packets to gather before sending, 1 if left out',
  }),
};

/** Send the packet to a program that listens: what NFLOG came from. Kernels before 3.17 have it. */
export const ulog = defineVerbatimTarget({
  name: 'ULOG',
  families: ['v4'],
  doc: 'send the packet to a logging program and go on',
  options: OPTIONS,
  print: ({ prefix: given, group, range, threshold }) => [
    ...(given === undefined ? [] : [OPTIONS.prefix.flag, given.value]),
    ...(group === undefined || group.value === DEFAULT_GROUP ? [] : [OPTIONS.group.flag, String(group.value)]),
    ...(range === undefined || range.value === 0n ? [] : [OPTIONS.range.flag, String(BigInt.asUintN(32, range.value))]),
    ...(threshold === undefined || threshold.value === DEFAULT_THRESHOLD
      ? []
      : [OPTIONS.threshold.flag, String(threshold.value)]),
  ],
});
