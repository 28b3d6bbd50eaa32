import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { scanWrapping } from '../value/number.js';

/** Two hexadecimal numbers of 16 bits; what stands behind them is not looked at (`sscanf` of `%x:%x`). */
const trafficClass: ValueType<number> = {
  arity: 1,
  placeholder: 'major:minor',
  parse: ([word]) => {
    const major = scanWrapping(word, 16);
    const minor = scanWrapping(major.rest.slice(1), 16);
    const read = major.rest.startsWith(':') && major.rest !== word && minor.rest !== major.rest.slice(1);
    if (!read) return { error: `"${word}" is not a class` };
    return { value: Number(BigInt.asUintN(16, major.value)) * 0x10000 + Number(BigInt.asUintN(16, minor.value)) };
  },
  print: (value) => {
    const digits = value.toString(16).padStart(8, '0');
    return [`${digits.slice(0, 4)}:${digits.slice(4)}`];
  },
};

/** Traffic control class (net/netfilter/xt_CLASSIFY.c). */
export const classify = defineVerbatimTarget({
  name: 'CLASSIFY',
  families: ['v4', 'v6'],
  hooks: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
  doc: 'set the traffic control class and go on',
  options: { class: option('--set-class', trafficClass, { required: true, doc: 'class in hexadecimal' }) },
  change: ({ class: given }) => (given === undefined ? undefined : { kind: 'class', value: given.value }),
});
