import { defineVerbatimTarget, option, optionWords, type OptionsOf, type ValueType } from '../define.js';
import { number, parseNumberRange, printNumberRange, UINT16, type NumberRange } from '../value/number.js';
import { flag } from '../value/text.js';

const queues: ValueType<NumberRange> = {
  arity: 1,
  placeholder: 'first:last',
  parse: ([word], context) => {
    const range = parseNumberRange(word, UINT16 - 1, context);
    if ('error' in range) return range;
    const isRange = word.includes(':') && range.value.lo < range.value.hi;
    return isRange ? range : { error: `"${word}" is not a range of queues` };
  },
  print: (range) => [printNumberRange(range)],
};

const OPTIONS = {
  number: option('--queue-num', number({ max: UINT16 }), { excludes: ['balance'], doc: 'queue, 0 if left out' }),
  balance: option('--queue-balance', queues, { excludes: ['number'], doc: 'queues to choose from' }),
  bypass: option('--queue-bypass', flag, { doc: 'accept where no program listens' }),
  fanout: option('--queue-cpu-fanout', flag, { doc: 'choose the queue by the processor' }),
};

function check({ fanout, balance }: OptionsOf<typeof OPTIONS>): string[] {
  return fanout !== undefined && balance === undefined ? ['--queue-cpu-fanout needs --queue-balance'] : [];
}

/** Let a program decide (net/netfilter/xt_NFQUEUE.c, revision 3). */
export const nfqueue = defineVerbatimTarget({
  name: 'NFQUEUE',
  families: ['v4', 'v6'],
  doc: 'let a program decide',
  options: OPTIONS,
  check,
  print: ({ number: queue, balance, bypass, fanout }, context) => [
    ...(balance === undefined
      ? [OPTIONS.number.flag, String(queue?.value ?? 0)]
      : optionWords(OPTIONS.balance, balance, context)),
    ...(bypass === undefined ? [] : [OPTIONS.bypass.flag]),
    ...(fanout === undefined ? [] : [OPTIONS.fanout.flag]),
  ],
});
