import { describe, expect, it } from 'vitest';
import { analyse, type ChainOptions } from '../../../codegen/program/analysis.js';
import { compile } from '../../../codegen/program/index.js';
import { filterText, rulesetOf } from './rulesets.js';

const CHECK = '-m recent --rcheck --name x';
const SET = '-m recent --set --name x';
const LIMIT = '-m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name h';

function text(rules: readonly string[], others = ''): string {
  return others + filterText({ rules, userChains: ['U', 'UNUSED'] });
}

const MANGLE = `*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING ${SET}\nCOMMIT\n`;
const XDP: ChainOptions = { hook: 'xdp', chain: 'INPUT' };
const NETFILTER: ChainOptions = { hook: 'netfilter', chain: 'INPUT' };

function reasons(dump: string, options: ChainOptions): readonly string[] {
  const result = analyse(rulesetOf(dump), options);
  if (!result.ok) throw new Error('no analysis');
  return result.analysis.rules.flatMap(({ undecided }) => undecided.map(({ reason }) => reason));
}

describe('lists and tables that rules share', () => {
  it.each([
    { name: 'all rules of a list in one chain', rules: [`-A INPUT ${CHECK} -j DROP`, `-A INPUT ${SET}`], want: [] },
    {
      name: 'a rule that packets never come to',
      rules: [`-A INPUT ${CHECK} -j DROP`, `-A UNUSED ${SET}`],
      want: [],
    },
    {
      name: 'a rule of another hook',
      rules: [`-A INPUT ${CHECK} -j DROP`, '-A OUTPUT -j U', `-A U ${SET}`],
      want: ['list x of recent is shared with rule 1 of chain U in table filter, which is judged elsewhere'],
    },
    {
      name: 'which is in the object at netfilter',
      rules: [`-A INPUT ${CHECK} -j DROP`, '-A OUTPUT -j U', `-A U ${SET}`],
      place: NETFILTER,
      want: [],
    },
    {
      name: 'unless that has one chain alone',
      rules: [`-A INPUT ${CHECK} -j DROP`, '-A OUTPUT -j U', `-A U ${SET}`],
      place: { ...NETFILTER, together: ['INPUT'] } satisfies ChainOptions,
      want: ['list x of recent is shared with rule 1 of chain U in table filter, which is judged elsewhere'],
    },
    {
      name: 'a rule of another table',
      rules: [`-A INPUT ${CHECK} -j DROP`],
      others: MANGLE,
      place: NETFILTER,
      want: ['list x of recent is shared with rule 1 of chain PREROUTING in table mangle, which is judged elsewhere'],
    },
    {
      name: 'different masks',
      rules: [`-A INPUT ${CHECK} --mask 255.255.255.0 -j DROP`],
      others: '',
      more: `-A INPUT ${SET}`,
      want: Array<string>(2).fill(
        'rules on list x of recent have different masks, and which one holds depends on what was loaded first',
      ),
    },
    {
      name: 'more packets than a function can look at',
      rules: [`-A INPUT ${CHECK} --seconds 9 --hitcount 5000 -j DROP`],
      want: ['list x of recent remembers more than 2048 packets of an address'],
    },
    {
      name: 'the TTL of what is sent',
      rules: [`-A OUTPUT ${CHECK} --rttl -j DROP`],
      place: { hook: 'netfilter', chain: 'OUTPUT' } satisfies ChainOptions,
      want: ['the TTL in list x of recent depends on whether a packet that leaves has a socket'],
    },
    { name: 'one table for two rules', rules: [`-A INPUT ${LIMIT}`, `-A INPUT -p tcp ${LIMIT}`], want: [] },
    {
      name: 'one table for two rates',
      rules: [`-A INPUT ${LIMIT} --hashlimit-burst 9`],
      more: `-A INPUT ${LIMIT}`,
      want: Array<string>(2).fill(
        'rules on table h of hashlimit differ, and it is as the one says that was loaded first',
      ),
    },
    {
      name: 'a table of two hooks',
      rules: [`-A INPUT ${LIMIT}`, `-A FORWARD ${LIMIT}`],
      want: ['table h of hashlimit is shared with rule 1 of chain FORWARD in table filter, which is judged elsewhere'],
    },
  ])('$name', ({ rules, more, others, place = XDP, want }) => {
    expect(reasons(text([...rules, ...(more === undefined ? [] : [more])], others), place)).toEqual(want);
  });

  it('are left undecided in early objects, each by its reason', () => {
    const rules = [
      `-A INPUT ${SET}`,
      `-A INPUT ${LIMIT} -j ACCEPT`,
      '-A INPUT -m quota --quota 5 -j ACCEPT',
      '-A INPUT -m statistic --mode nth --every 2 --packet 0 -j ACCEPT',
    ];
    expect(reasons(text(rules), { ...XDP, mode: 'early' })).toEqual([
      'the list of addresses is written by the packets that come to the rule itself',
      'a rate is that of the packets that come to the rule itself',
      'a quota is spent by the packets that come to the rule itself',
      'packets are counted at the rule itself',
    ]);
    expect(compile(rulesetOf(text(rules)), { ...XDP, mode: 'early' }).ok).toBe(true);
  });

  it('are asked even where the rest of the rule never holds', () => {
    const rules = [`-A OUTPUT -m recent --set --name x -m physdev --physdev-in eth0 -j DROP`];
    const result = analyse(rulesetOf(text(rules)), { hook: 'netfilter', chain: 'OUTPUT' });
    if (!result.ok) throw new Error('no analysis');
    const [{ meaning }] = result.analysis.rules;
    expect(meaning.condition).toMatchObject({ kind: 'all', of: [{ kind: 'opaque', test: { name: 'recent' } }, {}] });
  });

  it.each([
    { name: 'a list', rule: SET, want: 'drop' },
    { name: 'a limit, which pieces only make stricter', rule: '-m limit --limit 1/s', want: 'judge' },
  ])('pieces of datagrams that the chain sees whole: $name', ({ rule, want }) => {
    const result = analyse(rulesetOf(text([`-A INPUT ${rule}`])), XDP);
    expect(result.ok && result.analysis.fragments).toBe(want);
  });
});
