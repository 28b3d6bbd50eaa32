import { defineTarget, option } from '../define.js';
import { number, UINT16, UINT32 } from '../value/number.js';
import { messagePrefix } from '../value/text.js';

const OPTIONS = {
  prefix: option('--nflog-prefix', messagePrefix(63), { doc: 'text before each message, cut to 63 bytes' }),
  group: option('--nflog-group', number({ max: UINT16 }), { doc: 'netlink group, 0 if left out' }),
  size: option('--nflog-size', number({ max: UINT32 }), { excludes: ['range'], doc: 'bytes of the packet to send' }),
  range: option('--nflog-range', number({ max: UINT32 }), { excludes: ['size'], doc: 'without effect' }),
  threshold: option('--nflog-threshold', number({ max: UINT16 }), { doc: 'packets to gather before sending' }),
};

/** Send the packet to a program that listens, and go on (net/netfilter/xt_NFLOG.c). */
export const nflog = defineTarget({
  name: 'NFLOG',
  families: ['v4', 'v6'],
  doc: 'send the packet to a logging program and go on',
  options: OPTIONS,
  print: ({ prefix: text, group, size, range, threshold }) => {
    const unlessZero = (word: string, value: number | undefined): readonly string[] =>
      value === undefined || value === 0 ? [] : [word, String(value)];
    return [
      ...(text === undefined ? [] : [OPTIONS.prefix.flag, text.value]),
      ...unlessZero(OPTIONS.group.flag, group?.value),
      ...(size === undefined ? [] : [OPTIONS.size.flag, String(size.value)]),
      ...unlessZero(OPTIONS.range.flag, range?.value),
      ...unlessZero(OPTIONS.threshold.flag, threshold?.value),
    ];
  },
  effect: ({ prefix: text, group }) => ({
    kind: 'log',
    prefix: text?.value ?? '',
    level: 0,
    flags: 0,
    group: group?.value ?? 0,
  }),
});
