import { inSet, invertIf, TRUE, type Condition } from '../../model/condition.js';
import { single } from '../../model/interval.js';
import { defineMatch, option, type MatchModule, type OptionsOf, type OptionSpec } from '../define.js';
import { number, rangeSet, UINT8 } from '../value/number.js';

const byte = number({ max: UINT8 });

/** The same three tests under two names. */
interface HopOptions extends Record<string, OptionSpec<number>> {
  readonly equal: OptionSpec<number>;
  readonly below: OptionSpec<number>;
  readonly above: OptionSpec<number>;
}

function hopOptions(name: 'ttl' | 'hl'): HopOptions {
  return {
    equal: option(`--${name}-eq`, byte, {
      aliases: [`--${name}`],
      invertible: true,
      excludes: ['below', 'above'],
      doc: 'this value',
    }),
    below: option(`--${name}-lt`, byte, { excludes: ['equal', 'above'], doc: 'less than this value' }),
    above: option(`--${name}-gt`, byte, { excludes: ['equal', 'below'], doc: 'more than this value' }),
  };
}

function hopCondition({ equal, below, above }: OptionsOf<HopOptions>): Condition {
  if (equal !== undefined) return invertIf(equal.inverted, inSet('ttl', single(equal.value)));
  if (below !== undefined) return inSet('ttl', rangeSet({ lo: 0, hi: below.value - 1 }));
  if (above !== undefined) return inSet('ttl', rangeSet({ lo: above.value + 1, hi: UINT8 }));
  return TRUE;
}

function hopMatch(name: 'ttl' | 'hl', family: 'v4' | 'v6', doc: string): MatchModule<HopOptions> {
  return defineMatch({
    name,
    families: [family],
    doc,
    options: hopOptions(name),
    check: ({ equal, below, above }) =>
      (equal ?? below ?? above) === undefined ? [`one of --${name}-eq, --${name}-lt, --${name}-gt is needed`] : [],
    condition: hopCondition,
  });
}

/** Time to live (net/netfilter/xt_hl.c `ttl_mt`). */
export const ttl = hopMatch('ttl', 'v4', 'time to live');

/** Hop limit (net/netfilter/xt_hl.c `hl_mt6`). */
export const hl = hopMatch('hl', 'v6', 'hop limit');
