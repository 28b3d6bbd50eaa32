import { describe, expect, it } from 'vitest';
import type { BuiltinChain } from '../../../grammar/model/family.js';
import { describeStep, evaluate, RulesetFaultError, surroundingsOracle } from '../../../src/evaluate/index.js';
import { filterTable, packetOf, rulesetOf } from './helpers.js';

function explain(rules: readonly string[], text: string, chain: BuiltinChain = 'INPUT'): readonly string[] {
  const { packet, family, surroundings } = packetOf(text);
  const ruleset = filterTable(family, rules, 'DROP');
  const oracle = surroundingsOracle(surroundings, packet, family);
  const { trace } = evaluate({ ruleset, table: 'filter', chain, packet, oracle, trace: true });
  return trace.map((step) => describeStep(step, family));
}

/** Why the first rule did not match. */
function reason(rule: string, text: string): string {
  const [step] = explain([rule], text);
  return step.replace(/^.*? – no match: |^.*? → /, '');
}

const TCP = 'tcp 198.51.100.7:4000 > 192.0.2.1:22';

describe('the steps of a packet', () => {
  it('names every rule that was tried', () => {
    const rules = [
      ':U',
      '-A INPUT -p udp -j ACCEPT',
      '-A INPUT -j U',
      '-A U -s 10.0.0.0/8 -j ACCEPT',
      '-A INPUT -p tcp --dport 80 -j ACCEPT',
    ];
    expect(explain(rules, TCP)).toEqual([
      'INPUT 1: -A INPUT -p udp -j ACCEPT – no match: protocol is 6, wants protocol 17',
      'INPUT 2: -A INPUT -j U → jumps to U',
      'U 1: -A U -s 10.0.0.0/8 -j ACCEPT – no match: source is 198.51.100.7, wants source 10.0.0.0/8',
      'U ends: back to INPUT 3',
      'INPUT 3: -A INPUT -p tcp --dport 80 -j ACCEPT – no match: destination port is 22, wants destination port 80',
      'INPUT: policy DROP',
    ]);
  });

  it('keeps none unless asked', () => {
    const { packet } = packetOf(TCP);
    const ruleset = filterTable('v4', ['-A INPUT -p udp']);
    expect(evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet }).trace).toEqual([]);
  });

  it.each([
    {
      rule: '-A INPUT -p tcp ! --dport 22',
      packet: TCP,
      want: 'destination port is 22, wants not destination port 22',
    },
    {
      rule: '-A INPUT -i eth+',
      packet: `${TCP} in wlan0`,
      want: 'input interface is wlan0, wants input interface eth+',
    },
    { rule: '-A INPUT -i eth0', packet: TCP, want: 'input interface is (none), wants input interface eth0' },
    {
      rule: '-A INPUT -p tcp --syn',
      packet: `${TCP} ACK,PSH`,
      want: 'TCP flags is PSH,ACK, wants TCP flags & 0x17 SYN',
    },
    { rule: '-A INPUT -f', packet: TCP, want: 'fragment offset is 0, wants fragment offset 1 or more' },
    {
      rule: '-A INPUT -p tcp -m multiport --dports 1,2,3:5,7,9,11',
      packet: TCP,
      want: 'destination port is 22, wants destination port 1–5, 7, 9, 11',
    },
    {
      rule: '-A INPUT -m conntrack --ctstate NEW',
      packet: `${TCP} state ESTABLISHED`,
      want: 'wants connection state NEW',
    },
    {
      rule: '-A INPUT -p tcp --dport 1',
      packet: `${TCP} cut 3`,
      want: 'dropped at once by tcp: bytes of transport header and payload is 3, needs bytes of transport header and payload 20 or more',
    },
    {
      rule: '-A INPUT -p tcp --dport 1',
      packet: `${TCP} frag 8`,
      want: 'dropped at once by tcp: fragment offset is 1',
    },
    { rule: '-A INPUT -p tcp -j REJECT --reject-with tcp-reset', packet: TCP, want: 'REJECT with tcp-reset' },
  ])('$rule: $want', ({ rule, packet, want }) => {
    expect(reason(rule, packet)).toBe(want);
  });
});

describe('tables that the kernel refuses', () => {
  const { packet } = packetOf(TCP);
  const code = (lines: readonly string[]): string => {
    const ruleset = rulesetOf('v4', ['*filter', ...lines, 'COMMIT']);
    try {
      evaluate({ ruleset, table: 'filter', chain: 'INPUT', packet });
      return 'none';
    } catch (error) {
      if (error instanceof RulesetFaultError) return error.code;
      throw error;
    }
  };

  it('a loop that no hook reaches is none', () => {
    expect(code([':A - [0:0]', ':B - [0:0]', '-A A -j B', '-A B -j A', '-A INPUT -j ACCEPT'])).toBe('none');
  });

  it('a table that is not there', () => {
    expect(() => evaluate({ ruleset: rulesetOf('v4', []), table: 'nat', chain: 'INPUT', packet })).toThrow(
      RulesetFaultError,
    );
  });

  it('a loop', () => {
    const { ruleset } = { ruleset: filterTable('v4', [':A', ':B', '-A A -j B', '-A B -j ACCEPT', '-A INPUT -j A']) };
    const [table] = ruleset.tables;
    // The parser refuses loops itself: one is made by hand.
    const looped = table.chains.map((chain) =>
      chain.name === 'B' ? { ...chain, rules: table.chains.find(({ name }) => name === 'INPUT')?.rules ?? [] } : chain,
    );
    const broken = { ...ruleset, tables: [{ ...table, chains: looped }] };
    expect(() => evaluate({ ruleset: broken, table: 'filter', chain: 'INPUT', packet })).toThrow(
      expect.objectContaining({ code: 'chain-loop' }),
    );
  });
});
