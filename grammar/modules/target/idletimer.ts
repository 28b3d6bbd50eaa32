import { defineVerbatimTarget, option, type ValueType } from '../define.js';
import { number } from '../value/number.js';
import { flag, isProcName, text } from '../value/text.js';

/** Seconds whose milliseconds an `int` holds (`idletimer_tg_helper`). */
const LONGEST = Math.floor(0x7fffffff / 1000) - 1;

/** Files that /sys/class/xt_idletimer/timers has of its own. */
const TAKEN = ['power', 'subsystem', 'uevent'];

/** The kernel keeps 27 bytes and a NUL, and makes a file of that name (`idletimer_check_sysfs_name`). */
const kept = text({ placeholder: 'name', cut: 27 });

const label: ValueType<string> = {
  ...kept,
  parse: (words, context) => {
    const parsed = kept.parse(words, context);
    if ('error' in parsed) return parsed;
    const usable = isProcName(parsed.value) && !TAKEN.includes(parsed.value);
    return usable ? parsed : { error: `"${words[0]}" cannot be the name of a timer` };
  },
};

/** Start a timer anew that tells of itself in sysfs when it runs out (net/netfilter/xt_IDLETIMER.c). */
export const idletimer = defineVerbatimTarget({
  name: 'IDLETIMER',
  families: ['v4', 'v6'],
  doc: 'start a timer anew and go on',
  quoting: { '--label': 'bare' },
  options: {
    timeout: option('--timeout', number({ min: 1, max: LONGEST }), {
      required: true,
      doc: 'seconds until it runs out',
    }),
    label: option('--label', label, { required: true, doc: 'name of the timer' }),
    alarm: option('--alarm', flag, { doc: 'go on while the machine sleeps' }),
  },
});
