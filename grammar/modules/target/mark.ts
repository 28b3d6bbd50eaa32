import { defineTarget } from '../define.js';
import { chosenXmark, xmarkOptions, xmarkWords } from '../value/xmark.js';

/** `mark = (mark & ~mask) ^ value` (net/netfilter/xt_mark.c `mark_tg`). */
export const markTarget = defineTarget({
  name: 'MARK',
  families: ['v4', 'v6'],
  doc: 'change the packet mark and go on',
  options: xmarkOptions(),
  check: (options) =>
    chosenXmark(options) === undefined
      ? ['one of --set-xmark, --set-mark, --and-mark, --or-mark, --xor-mark is needed']
      : [],
  print: (options) => {
    const xmark = chosenXmark(options);
    return xmark === undefined ? [] : xmarkWords(xmark);
  },
  effect: (options) => {
    const { value, mask } = chosenXmark(options) ?? { value: 0, mask: 0 };
    return { kind: 'mark', clear: mask, flip: value };
  },
});
