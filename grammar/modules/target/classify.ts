import { defineVerbatimTarget, option, type ValueType } from '../define.js';

/** Two hexadecimal numbers of 16 bits; what stands behind them is not looked at (`sscanf` of `%x:%x`). */
const trafficClass: ValueType<number> = {
  arity: 1,
  placeholder: 'major:minor',
  parse: ([word]) => {
    const found = /^\s*\+?(?:0[xX])?([0-9a-fA-F]+):\s*\+?(?:0[xX])?([0-9a-fA-F]+)/.exec(word);
    if (found === null) return { error: `"${word}" is not a class` };
    const [major, minor] = found.slice(1).map((digits) => parseInt(digits.slice(-4), 16));
    return { value: major * 0x10000 + minor };
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
});
