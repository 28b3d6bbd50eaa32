import { describe, expect, it } from 'vitest';
import { compile } from '../../../codegen/program/index.js';
import { generatePackets } from '../../../src/verify/generate.js';
import { verify } from '../../../src/verify/verify.js';
import { filterTable } from '../evaluate/helpers.js';

const RULES = [
  '-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A OUTPUT -o eth1 -m conntrack --ctstate UNTRACKED -j DROP',
  '-A OUTPUT -m conntrack ! --ctstate NEW,UNTRACKED -j DROP',
  '-A OUTPUT -m conntrack --ctstate DNAT -j ACCEPT',
  '-A OUTPUT -p udp -m state --state NEW -j ACCEPT',
];

describe('states of packets that leave, at tc', () => {
  it.each(['v4', 'v6'] as const)('as the reference has them: %s', async (family) => {
    const ruleset = filterTable(family, RULES, 'DROP');
    const job = { table: 'filter', chain: 'OUTPUT' } as const;
    const packets = generatePackets(ruleset, { ...job, count: 300, seed: 3 });
    const result = await verify(ruleset, '', packets, { ...job, hook: 'tc', engines: ['interpreter'] });
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    const [{ verdicts, mismatches }] = result.engines;
    expect(mismatches).toEqual([]);
    expect(Math.min(verdicts.accept, verdicts.drop)).toBeGreaterThan(20);
  });

  it('early objects drop by them, too', async () => {
    const ruleset = filterTable('v4', ['-A OUTPUT -m owner --uid-owner 0 -p udp -j ACCEPT', ...RULES], 'DROP');
    const job = { table: 'filter', chain: 'OUTPUT' } as const;
    const packets = generatePackets(ruleset, { ...job, count: 300, seed: 3 });
    const how = { ...job, hook: 'tc', mode: 'early', engines: ['interpreter'] } as const;
    const result = await verify(ruleset, '', packets, how);
    if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
    const [{ verdicts, mismatches }] = result.engines;
    expect(mismatches).toEqual([]);
    expect(Math.min(verdicts.accept, verdicts.drop)).toBeGreaterThan(20);
  });

  it.each([
    ['tc', '-m conntrack --ctstate SNAT', /behind the chain, in POSTROUTING/],
    ['cgroup', '-m conntrack --ctstate NEW,SNAT', /behind the chain, in POSTROUTING/],
    ['tc', '-m owner --uid-owner 0', /the socket of a packet is not known at tc/],
    ['tc', '-m conntrack --ctdir REPLY', /is not translated/],
  ] as const)('what is not known there is refused: %s, %s', (hook, words, want) => {
    const result = compile(filterTable('v4', [`-A OUTPUT ${words} -j ACCEPT`]), { hook, chain: 'OUTPUT' });
    expect(result.ok).toBe(false);
    expect(result.diagnostics.map(({ message }) => message).join()).toMatch(want);
  });
});
