import type { ValueType } from '../define.js';
import { isPrefix } from './text.js';

/** Units of an interval in a second (XT_LIMIT_SCALE). */
export const SCALE = 10000;

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['second', 1],
  ['minute', 60],
  ['hour', 3600],
  ['day', 86400],
];

/** Printed names, the longest first. */
const PRINTED: readonly (readonly [name: string, interval: number])[] = [
  ['day', SCALE * 86400],
  ['hour', SCALE * 3600],
  ['min', SCALE * 60],
  ['sec', SCALE],
];

/** The unit that shows the interval with the least loss (iptables libxt_limit.c `print_rate`). */
function printRate(interval: number): string {
  let best = PRINTED[0];
  for (const unit of PRINTED.slice(1)) {
    if (interval > unit[1] || Math.floor(unit[1] / interval) < unit[1] % interval) break;
    best = unit;
  }
  return `${Math.floor(best[1] / interval)}/${best[0]}`;
}

/** `number[/unit]` as the interval between two packets in 1/10000 s, cut to whole units as the tool does. */
export const rate: ValueType<number> = {
  arity: 1,
  placeholder: 'rate[/second|minute|hour|day]',
  parse: ([word]) => {
    const slash = word.indexOf('/');
    const name = slash < 0 ? 'second' : word.slice(slash + 1);
    const unit = name === '' ? undefined : UNITS.find(([unitName]) => isPrefix(name, unitName));
    if (unit === undefined) {
      return { error: `"${word}" is not a rate`, hint: 'the units are /second, /minute, /hour and /day' };
    }
    // Like atoi: what stands behind the digits is not looked at.
    const count = Number(/^\s*\+?(\d+)/.exec(word)?.[1] ?? 0);
    if (count === 0) return { error: `"${word}" is not a rate` };
    const interval = Math.floor((SCALE * unit[1]) / count);
    if (interval === 0) return { error: `"${word}" is faster than ${SCALE} a second` };
    return { value: interval };
  },
  print: (interval) => [printRate(interval)],
};
