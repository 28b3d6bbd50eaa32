import { defineVerbatimTarget, isBefore, option, type OptionsOf } from '../define.js';
import type { MarkMask } from '../value/mark.js';
import { hex, number, UINT32 } from '../value/number.js';
import { flag } from '../value/text.js';
import { chosenXmark, XMARK_FORMS, xmarkOptions, xmarkWords } from '../value/xmark.js';

const mask = number({ max: UINT32, placeholder: 'mask', print: hex });
const shift = number({ max: 32, placeholder: 'bits' });
/** Bits that the kernel shifts at most. */
const MOST_SHIFTED = 31;

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
function shiftOf(options: Options): { readonly flag: string; readonly bits: number } {
  const { leftShift, rightShift } = options;
  const left = leftShift !== undefined && !isBefore(options, 'leftShift', 'rightShift');
  return {
    flag: left ? OPTIONS.leftShift.flag : OPTIONS.rightShift.flag,
    bits: (left ? leftShift : rightShift)?.value ?? 0,
  };
}

function shiftWords(options: Options): readonly string[] {
  const { flag: shifted, bits } = shiftOf(options);
  return bits === 0 ? [] : [shifted, String(bits)];
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

/** iptables takes a shift by all bits of the mark, the kernel does not (xt_connmark.c `connmark_tg_check`). */
function check(options: Options): readonly string[] {
  if (chosenXmark(options) === undefined && options.save === undefined && options.restore === undefined) {
    return ['one of --set-xmark, --set-mark, --and-mark, --or-mark, --xor-mark, --save-mark, --restore-mark is needed'];
  }
  const { flag: shifted, bits } = shiftOf(options);
  return bits > MOST_SHIFTED ? [`${shifted}: the kernel shifts by ${MOST_SHIFTED} bits at most, not by ${bits}`] : [];
}

/** Mark of the connection (net/netfilter/xt_connmark.c `connmark_tg_v2`). */
export const connmarkTarget = defineVerbatimTarget({
  name: 'CONNMARK',
  families: ['v4', 'v6'],
  doc: 'set the mark of the connection, or copy it from or to the packet',
  options: OPTIONS,
  check,
  print,
});
