import { findTable, type Chain } from '../../grammar/model/ruleset.js';
import { MOST_VISITS } from '../evaluate/index.js';
import type { VerifyJob } from './job.js';

/** Why iptables is not asked: it would hold the machine up for as long as it walks. */
export const ENDLESS = `one packet may walk through chains more than ${MOST_VISITS} times`;

/** Whether a packet that meets every jump is on its way through the chains for so long that no kernel should be asked for it. */
export function isEndless({ ruleset, table, chain }: Pick<VerifyJob, 'ruleset' | 'table' | 'chain'>): boolean {
  const found = findTable(ruleset, table);
  const chains = new Map((found?.chains ?? []).map((one) => [one.name, one]));
  const start = chains.get(chain);
  const visits = new Map<Chain, number>();
  const count = (one: Chain): number => {
    const known = visits.get(one);
    if (known !== undefined) return known;
    let sum = 1;
    for (const { target } of one.rules) {
      const next = target.effect.kind === 'jump' ? chains.get(target.effect.chain) : undefined;
      if (next !== undefined) sum += count(next);
    }
    visits.set(one, sum);
    return sum;
  };
  return start !== undefined && count(start) > MOST_VISITS;
}
