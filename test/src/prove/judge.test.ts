import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/prove/judge.js';
import { filterDump, jobOf, type JobOptions } from './support.js';

const INPUT: JobOptions = { hook: 'xdp', chain: 'INPUT' };

describe('judge', () => {
  const proved: readonly {
    name: string;
    rules: readonly string[];
    options?: JobOptions;
    chains?: readonly string[];
  }[] = [
    { name: 'no rule', rules: [] },
    { name: 'addresses', rules: ['-A INPUT -s 10.0.0.0/8 ! -d 192.0.2.1/32 -j ACCEPT'] },
    { name: 'masks that are no prefix', rules: ['-A INPUT -s 10.0.0.1/255.0.0.255 -j ACCEPT'] },
    {
      name: 'ports, at tc',
      rules: ['-A INPUT -p tcp ! --dport 22:80 -j ACCEPT'],
      options: { hook: 'tc', chain: 'INPUT' },
    },
    { name: 'flags and fragments', rules: ['-A INPUT -p tcp --syn -j ACCEPT', '-A INPUT -f -j ACCEPT'] },
    { name: 'interfaces', rules: ['-A INPUT -i eth+ -j ACCEPT', '-A INPUT ! -i lo -p icmp -j ACCEPT'] },
    {
      name: 'chains',
      rules: [
        '-A INPUT -p udp -j one',
        '-A INPUT -p tcp -g two',
        '-A one -s 10.0.0.0/8 -j RETURN',
        '-A one -m length --length 100:200',
        '-A one -j two',
        '-A two -p udp --sport 53 -j ACCEPT',
      ],
      chains: ['one', 'two'],
      options: { hook: 'xdp', chain: 'INPUT', fragments: 'pass' },
    },
    {
      name: 'OUTPUT',
      rules: ['-A OUTPUT -o eth0 -d 192.0.2.0/24 -j ACCEPT'],
      options: { hook: 'tc', chain: 'OUTPUT' },
    },
    { name: 'FORWARD', rules: ['-A FORWARD -m ttl --ttl-lt 5 -j ACCEPT'], options: { hook: 'xdp', chain: 'FORWARD' } },
  ];
  for (const { name, rules, options, chains } of proved) {
    it(`proves ${name}`, async () => {
      expect(await judge(jobOf(filterDump(rules, 'DROP', chains), options ?? INPUT))).toMatchObject({
        kind: 'proved',
        rules: expect.any(Number),
      });
    }, 60_000);
  }

  const refuted: readonly { name: string; rules: readonly string[]; instead: readonly string[] }[] = [
    {
      name: 'another mask',
      rules: ['-A INPUT -s 10.0.0.0/8 -j ACCEPT'],
      instead: ['-A INPUT -s 10.0.0.0/9 -j ACCEPT'],
    },
    {
      name: 'one port too many',
      rules: ['-A INPUT -p tcp --dport 22:80 -j ACCEPT'],
      instead: ['-A INPUT -p tcp --dport 22:81 -j ACCEPT'],
    },
    {
      name: 'an inversion that was dropped',
      rules: ['-A INPUT ! -i lo -j ACCEPT'],
      instead: ['-A INPUT -i lo -j ACCEPT'],
    },
    {
      name: 'a rule behind another one',
      rules: ['-A INPUT -s 192.0.2.7/32 -p udp -j ACCEPT', '-A INPUT -p udp -j DROP'],
      instead: ['-A INPUT -s 192.0.2.7/32 -p udp -j ACCEPT', '-A INPUT -p udp -j ACCEPT'],
    },
  ];
  for (const { name, rules, instead } of refuted) {
    it(`refutes ${name}, with a packet`, async () => {
      const judgement = await judge(jobOf(filterDump(rules), INPUT, filterDump(instead)));
      expect(judgement).toMatchObject({ kind: 'refuted', example: { what: 'verdict' } });
    }, 60_000);
  }

  it('does not say "proved" of a difference that it cannot show', async () => {
    const rules = ['-A INPUT -m limit --limit 1/sec -j ACCEPT'];
    expect(await judge(jobOf(filterDump(rules), INPUT))).toMatchObject({ kind: 'not-proved' });
  }, 60_000);
});
