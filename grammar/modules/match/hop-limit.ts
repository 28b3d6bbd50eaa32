import { inSet, invertIf, TRUE, type Condition } from '../../model/condition.js';
import { intervals, single, type IntervalSet } from '../../model/interval.js';
import type { Given, OptionsOf } from '../define.js';
import { defineMatch, option, type MatchModule } from '../define.js';
import { number, UINT8 } from '../value/number.js';

const byte = number({ max: UINT8 });

/** Numbers from `lo` to `hi`, none if they are the wrong way round. */
function between(lo: number, hi: number): IntervalSet {
  return lo > hi ? [] : intervals([lo, hi]);
}

/** The options of ttl and hl, which differ in their names alone; `short` is `--ttl` or `--hl`. */
function hopOptions(short: '--ttl' | '--hl') {
  return {
    equal: option(`${short}-eq`, byte, { invertible: true, excludes: ['plain', 'below', 'above'], doc: 'this value' }),
    // The short form is the same option, but the tool takes no "!" before it.
    plain: option(short, byte, { excludes: ['equal', 'below', 'above'], doc: `same as ${short}-eq` }),
    below: option(`${short}-lt`, byte, { excludes: ['equal', 'plain', 'above'], doc: 'less than this value' }),
    above: option(`${short}-gt`, byte, { excludes: ['equal', 'plain', 'below'], doc: 'more than this value' }),
  };
}

type HopOptions = ReturnType<typeof hopOptions>;

function hopCondition({ equal, plain, below, above }: OptionsOf<HopOptions>): Condition {
  const exact: Given<number> | undefined = equal ?? plain;
  if (exact !== undefined) return invertIf(exact.inverted, inSet('ttl', single(exact.value)));
  if (below !== undefined) return inSet('ttl', between(0, below.value - 1));
  if (above !== undefined) return inSet('ttl', between(above.value + 1, UINT8));
  return TRUE;
}

function hopMatch(name: 'ttl' | 'hl', family: 'v4' | 'v6', doc: string): MatchModule<HopOptions> {
  const options = hopOptions(`--${name}`);
  return defineMatch({
    name,
    families: [family],
    doc,
    options,
    check: ({ equal, plain, below, above }) =>
      (equal ?? plain ?? below ?? above) === undefined
        ? [`one of --${name}-eq, --${name}-lt, --${name}-gt is needed`]
        : [],
    print: ({ equal, plain, below, above }) => {
      const exact = equal ?? plain;
      if (exact !== undefined) return [...(exact.inverted ? ['!'] : []), `--${name}-eq`, String(exact.value)];
      if (below !== undefined) return [`--${name}-lt`, String(below.value)];
      return above === undefined ? [] : [`--${name}-gt`, String(above.value)];
    },
    condition: hopCondition,
  });
}

/** Time to live (net/netfilter/xt_hl.c `ttl_mt`). */
export const ttl = hopMatch('ttl', 'v4', 'time to live');

/** Hop limit (net/netfilter/xt_hl.c `hl_mt6`). */
export const hl = hopMatch('hl', 'v6', 'hop limit');
