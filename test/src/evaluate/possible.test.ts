import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Opaque } from '../../../grammar/model/condition.js';
import {
  evaluate,
  possibleVerdicts,
  type Evaluation,
  type Oracle,
  type PossibleVerdicts,
} from '../../../src/evaluate/index.js';
import { filterTable, packetOf, rulesetOf } from './helpers.js';

function text({ accept, drop, reject }: PossibleVerdicts): string {
  return [...(accept ? ['accept'] : []), ...(drop ? ['drop'] : []), ...[...reject].sort()].join(' ');
}

function possible(rules: readonly string[], packet: string, policy: 'ACCEPT' | 'DROP', oracle?: Oracle): string {
  const { packet: frame, family } = packetOf(packet);
  const ruleset = filterTable(family, rules, policy);
  return text(possibleVerdicts({ ruleset, table: 'filter', chain: 'INPUT', packet: frame, ...(oracle && { oracle }) }));
}

const TCP = 'tcp 198.51.100.7:4000 > 192.0.2.1:22';
const NEW = '-m conntrack --ctstate NEW';

interface Row {
  readonly name: string;
  readonly rules: readonly string[];
  readonly policy: 'ACCEPT' | 'DROP';
  readonly packet?: string;
  readonly want: string;
}

describe('possibleVerdicts', () => {
  it.each<Row>([
    { name: 'nothing unknown', rules: ['-A INPUT -p tcp -j DROP'], policy: 'ACCEPT', want: 'drop' },
    { name: 'an unknown match', rules: [`-A INPUT ${NEW} -j ACCEPT`], policy: 'DROP', want: 'accept drop' },
    { name: 'one verdict on both ways', rules: [`-A INPUT ${NEW} -j DROP`], policy: 'DROP', want: 'drop' },
    {
      name: 'an unknown match that is not reached',
      rules: ['-A INPUT -j DROP', `-A INPUT ${NEW} -j ACCEPT`],
      policy: 'ACCEPT',
      want: 'drop',
    },
    { name: 'beside a test that fails', rules: [`-A INPUT -p udp ${NEW} -j ACCEPT`], policy: 'DROP', want: 'drop' },
    {
      name: 'behind it in the same rule',
      rules: [`-A INPUT ${NEW} -p tcp -m tcp --dport 80 -j ACCEPT`],
      policy: 'DROP',
      want: 'drop',
    },
    {
      name: 'a hotdrop behind an unknown match',
      rules: [`-A INPUT -p tcp ${NEW} -m tcp --dport 80 -j ACCEPT`],
      policy: 'ACCEPT',
      packet: `${TCP} cut 3`,
      want: 'accept drop',
    },
    {
      name: 'a hotdrop in front',
      rules: [`-A INPUT -p tcp --dport 22 ${NEW} -j ACCEPT`],
      policy: 'ACCEPT',
      packet: `${TCP} cut 3`,
      want: 'drop',
    },
    {
      name: 'an unknown jump',
      rules: [':U', `-A INPUT ${NEW} -j U`, '-A U -j REJECT'],
      policy: 'DROP',
      want: 'drop icmp-port-unreachable',
    },
    {
      name: 'an unknown return',
      rules: [':U', '-A INPUT -j U', '-A INPUT -j DROP', `-A U ${NEW} -j RETURN`, '-A U -j ACCEPT'],
      policy: 'ACCEPT',
      want: 'accept drop',
    },
    {
      name: 'an unknown goto',
      rules: [':U', `-A INPUT ${NEW} -g U`, '-A INPUT -j DROP', '-A U'],
      policy: 'ACCEPT',
      want: 'accept drop',
    },
    {
      name: 'a goto returns past its chain',
      rules: [':U', ':V', '-A INPUT -j U', '-A INPUT -j DROP', `-A U ${NEW} -g V`, '-A U -j DROP', '-A V'],
      policy: 'ACCEPT',
      want: 'drop',
    },
    {
      name: 'the same test answered differently',
      rules: [`-A INPUT ${NEW} -j DROP`, `-A INPUT -m conntrack ! --ctstate NEW -j DROP`],
      policy: 'ACCEPT',
      want: 'accept drop',
    },
    {
      name: 'limit is not known',
      rules: ['-A INPUT -m limit --limit 1/s -j DROP'],
      policy: 'ACCEPT',
      want: 'accept drop',
    },
    {
      name: 'a target that is not understood',
      rules: ['-A INPUT -j NFQUEUE --queue-num 1', '-A INPUT -j DROP'],
      policy: 'DROP',
      want: 'accept drop',
    },
    {
      name: 'a target that is not understood and not reached',
      rules: ['-A INPUT -p udp -j NFQUEUE --queue-num 1', '-A INPUT -j DROP'],
      policy: 'ACCEPT',
      want: 'drop',
    },
  ])('$name', ({ rules, policy, want, packet = TCP }) => {
    expect(possible(rules, packet, policy)).toBe(want);
  });

  it('takes the answers that are known', () => {
    const oracle: Oracle = (test) => (test.name === 'ctstate' ? test.states.includes('NEW') : undefined);
    const rules = [`-A INPUT ${NEW} -j DROP`, '-A INPUT -m limit --limit 1/s -j ACCEPT'];
    expect(possible(rules, TCP, 'ACCEPT', oracle)).toBe('drop');
  });

  it('explores chains and not ways: sixty chains that each jump twice to the next', () => {
    const depth = 60;
    const rules = Array.from({ length: depth }, (_, i) => `:C${i}`);
    rules.push('-A INPUT -j C0');
    for (let i = 0; i + 1 < depth; i++) rules.push(`-A C${i} ${NEW} -j C${i + 1}`, `-A C${i} -j C${i + 1}`);
    rules.push(`-A C${depth - 1} ${NEW} -j DROP`);
    expect(possible(rules, TCP, 'ACCEPT')).toBe('accept drop');
  });
});

describe('marks on ways that meet', () => {
  const mangle = (rules: readonly string[]): string => {
    const ruleset = rulesetOf('v4', ['*mangle', ...rules, 'COMMIT']);
    const { packet } = packetOf(TCP);
    return text(possibleVerdicts({ ruleset, table: 'mangle', chain: 'INPUT', packet }));
  };

  it.each([
    {
      name: 'a mark set on one way alone is not known later',
      rules: [`-A INPUT ${NEW} -j MARK --set-mark 1`, '-A INPUT -m mark --mark 1 -j DROP'],
      want: 'accept drop',
    },
    {
      name: 'a mark set on every way is',
      rules: ['-A INPUT -j MARK --set-mark 1', '-A INPUT -m mark --mark 1 -j DROP'],
      want: 'drop',
    },
    {
      name: 'a mark that both ways set alike is',
      rules: [
        `-A INPUT ${NEW} -j MARK --set-mark 1`,
        '-A INPUT -j MARK --set-mark 1',
        '-A INPUT -m mark --mark 1 -j DROP',
      ],
      want: 'drop',
    },
    {
      name: 'a mark set in a chain that returns',
      rules: [':U - [0:0]', `-A INPUT ${NEW} -j U`, '-A INPUT -m mark ! --mark 1 -j DROP', '-A U -j MARK --set-mark 1'],
      want: 'accept drop',
    },
  ])('$name', ({ rules, want }) => {
    expect(mangle(rules)).toBe(want);
  });
});

/** Rules over chains U → V and INPUT with unknown tests, and a packet that meets some of them. */
const target = fc.constantFrom('-j ACCEPT', '-j DROP', '-j RETURN', '-j REJECT', '', '-j LOG');
const test = fc.constantFrom(NEW, '-p tcp --dport 22', '-p udp', '-m limit --limit 1/s', '! -s 198.51.100.7', '');
const rule = fc.tuple(test, target).map((words) => words.filter((word) => word !== '').join(' '));
const table = fc
  .tuple(
    fc.array(fc.oneof(rule, fc.constantFrom('-j U', `${NEW} -j U`, '-g U', `${NEW} -g V`)), { maxLength: 5 }),
    fc.array(fc.oneof(rule, fc.constantFrom('-j V', `${NEW} -g V`)), { maxLength: 4 }),
    fc.array(rule, { maxLength: 3 }),
  )
  .map(([input, u, v]) => [
    ':U',
    ':V',
    ...input.map((words) => `-A INPUT ${words}`),
    ...u.map((words) => `-A U ${words}`),
    ...v.map((words) => `-A V ${words}`),
  ]);

describe('possibleVerdicts and evaluate', () => {
  it('every answer of the unknown tests leads to one of the possible verdicts, and some answer to each', () => {
    fc.assert(
      fc.property(table, fc.constantFrom('ACCEPT', 'DROP'), (rules, policy) => {
        const { packet, family } = packetOf(TCP);
        const ruleset = filterTable(family, rules, policy);
        const input = { ruleset, table: 'filter', chain: 'INPUT', packet } as const;
        const found = new Set<string>();
        // At most ten tests are met on one way: every string of answers is tried.
        const ways: boolean[][] = [[]];
        for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
          const answers = [...way];
          let asked = 0;
          const oracle: Oracle = (_test: Opaque) => answers[asked++];
          const result: Evaluation = evaluate({ ...input, oracle });
          if (result.kind === 'decided') {
            found.add(typeof result.verdict === 'string' ? result.verdict : result.verdict.reject);
          } else {
            ways.push([...way, true], [...way, false]);
          }
        }
        const all = possibleVerdicts(input);
        const possibilities = [...(all.accept ? ['accept'] : []), ...(all.drop ? ['drop'] : []), ...all.reject];
        expect(possibilities.sort()).toEqual([...found].sort());
      }),
      { numRuns: 150 },
    );
  });
});
