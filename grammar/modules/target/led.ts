import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { UINT32, wholeNumber } from '../value/number.js';
import { flag, text } from '../value/text.js';

/** For ever. */
const INFINITE = UINT32;

const delay: ValueType<number> = {
  arity: 1,
  placeholder: 'milliseconds|inf',
  parse: ([word]) => {
    const value = /^inf/i.test(word) ? INFINITE : wholeNumber(word, 0, UINT32);
    return value === undefined ? { error: `"${word}" is neither "inf" nor a number in 0-${UINT32}` } : { value };
  },
  // As the tool does: signed, so that what means "inf" cannot be read back.
  print: (value) => [String(value | 0)],
};

const OPTIONS = {
  trigger: option('--led-trigger-id', text({ placeholder: 'name', max: 16 }), {
    required: true,
    doc: 'the trigger is called netfilter-name',
  }),
  delay: option('--led-delay', delay, { doc: 'how long the LED stays on, 0 if left out' }),
  blink: option('--led-always-blink', flag, { doc: 'blink for each packet, even while the LED is on' }),
};

/** Light an LED of the machine (net/netfilter/xt_LED.c). */
export const led = defineVerbatimTarget({
  name: 'LED',
  families: ['v4', 'v6'],
  doc: 'light an LED and go on',
  options: OPTIONS,
  quoting: { [OPTIONS.trigger.flag]: 'always' },
  print: ({ trigger, delay: given, blink }, context) => [
    OPTIONS.trigger.flag,
    trigger?.value ?? '',
    ...(given === undefined || given.value === 0 ? [] : [OPTIONS.delay.flag, ...delay.print(given.value, context)]),
    ...(blink === undefined ? [] : [OPTIONS.blink.flag]),
  ],
});
