import { defineVerbatimTarget, isBefore, option, type OptionsOf } from '../define.js';
import type { MarkMask } from '../value/mark.js';
import { hex, number, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';
import { chosenXmark, XMARK_FORMS, xmarkOptions, xmarkWords } from '../value/xmark.js';

const mask = number({ max: UINT32, placeholder: 'mask', print: hex });
const shift = number({ max: 32, placeholder: 'bits' });

const OPTIONS = {
  ...xmarkOptions(['save', 'restore']),
  save: option('--save-mark', flag, {
    excludes: [...XMARK_FORMS, 'restore'],
    doc: 'copy the packet mark to the connection',
  }),
  restore: option('--restore-mark', flag, {
    excludes: [...XMARK_FORMS, 'save'],
    doc: 'copy the mark of the connection to the packet',
  }),
  leftShift: option('--left-shift-mark', shift, { doc: 'shift left on the way' }),
  rightShift: option('--right-shift-mark', shift, { doc: 'shift right on the way' }),
  connectionMask: option('--ctmask', mask, { excludes: ['mask'], doc: 'bits of the connection mark' }),
  packetMask: option('--nfmask', mask, { excludes: ['mask'], doc: 'bits of the packet mark' }),
  mask: option('--mask', mask, { excludes: ['connectionMask', 'packetMask'], doc: 'bits of both marks' }),
};

type Options = OptionsOf<typeof OPTIONS>;

/** Of both shifts the last one counts. */
function shiftWords(options: Options): readonly string[] {
  const { leftShift, rightShift } = options;
  const left = leftShift !== undefined && !isBefore(options, 'leftShift', 'rightShift');
  const given = left ? leftShift : rightShift;
  if (given === undefined || given.value === 0) return [];
  return [left ? OPTIONS.leftShift.flag : OPTIONS.rightShift.flag, String(given.value)];
}

function copyWords(word: string, { mask: both, packetMask, connectionMask }: Options): readonly string[] {
  const packet = both?.value ?? packetMask?.value ?? UINT32;
  const connection = both?.value ?? connectionMask?.value ?? UINT32;
  return [word, OPTIONS.packetMask.flag, hex(packet), OPTIONS.connectionMask.flag, hex(connection)];
}

/** The forms of setting a mark keep its mask where --ctmask and --mask do, and of them all the last one counts. */
function setWords(xmark: MarkMask, options: Options): readonly string[] {
  const masks: readonly string[] = [...XMARK_FORMS, 'connectionMask', 'mask'];
  const last = Object.keys(options).findLast((key) => masks.includes(key));
  const { connectionMask, mask: both } = options;
  const given = last === 'mask' ? both : last === 'connectionMask' ? connectionMask : undefined;
  return xmarkWords({ value: xmark.value, mask: given?.value ?? xmark.mask });
}

function print(options: Options): readonly string[] {
  const shifted = shiftWords(options);
  if (options.save !== undefined) return [...copyWords(OPTIONS.save.flag, options), ...shifted];
  if (options.restore !== undefined) return [...copyWords(OPTIONS.restore.flag, options), ...shifted];
  const xmark = chosenXmark(options);
  return xmark === undefined ? [] : [...setWords(xmark, options), ...shifted];
}

/** Mark of the connection (net/netfilter/xt_connmark.c `connmark_tg_v2`). */
export const connmarkTarget = defineVerbatimTarget({
  name: 'CONNMARK',
  families: ['v4', 'v6'],
  doc: 'set the mark of the connection, or copy it from or to the packet',
  options: OPTIONS,
  check: (options) =>
    chosenXmark(options) === undefined && options.save === undefined && options.restore === undefined
      ? ['one of --set-xmark, --set-mark, --and-mark, --or-mark, --xor-mark, --save-mark, --restore-mark is needed']
      : [],
  print,
});
