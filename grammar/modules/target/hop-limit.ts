import { defineVerbatimTarget, option, type OptionsOf, type TargetModule } from '../define.js';
import { number, UINT8 } from '../value/number.js';

function hopOptions(prefix: '--ttl' | '--hl') {
  return {
    set: option(`${prefix}-set`, number({ max: UINT8 }), { excludes: ['decrease', 'increase'], doc: 'set to' }),
    decrease: option(`${prefix}-dec`, number({ min: 1, max: UINT8 }), {
      excludes: ['set', 'increase'],
      doc: 'decrease by',
    }),
    increase: option(`${prefix}-inc`, number({ min: 1, max: UINT8 }), {
      excludes: ['set', 'decrease'],
      doc: 'increase by',
    }),
  };
}

type HopOptions = ReturnType<typeof hopOptions>;

function hopTarget(name: 'TTL' | 'HL', family: 'v4' | 'v6', doc: string): TargetModule<HopOptions> {
  return defineVerbatimTarget({
    name,
    families: [family],
    tables: ['mangle'],
    doc,
    options: hopOptions(name === 'TTL' ? '--ttl' : '--hl'),
    change: ({ set, decrease, increase }: OptionsOf<HopOptions>) =>
      set === undefined
        ? { kind: 'hops', how: 'add', value: increase?.value ?? -(decrease?.value ?? 0) }
        : { kind: 'hops', how: 'set', value: set.value },
    check: ({ set, decrease, increase }: OptionsOf<HopOptions>) =>
      (set ?? decrease ?? increase) === undefined ? ['an action is needed'] : [],
  });
}

/** Change the time to live (net/netfilter/xt_HL.c `ttl_tg`). */
export const ttlTarget = hopTarget('TTL', 'v4', 'change the time to live and go on');

/** Change the hop limit (net/netfilter/xt_HL.c `hl_tg6`). */
export const hlTarget = hopTarget('HL', 'v6', 'change the hop limit and go on');
