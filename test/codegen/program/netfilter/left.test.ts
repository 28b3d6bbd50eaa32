import { describe, expect, it } from 'vitest';
import { analyse, compile } from '../../../../codegen/program/index.js';
import { residualFilter, residualText } from '../../../../codegen/program/netfilter/residual.js';
import type { Ruleset } from '../../../../grammar/model/ruleset.js';
import { rulesetOf } from '../../../src/evaluate/helpers.js';

const MSS = '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu';

function rules(...lines: readonly string[]): Ruleset {
  const chains = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':u - [0:0]', ':v - [0:0]'];
  return rulesetOf('v4', ['*filter', ...chains, ...lines, 'COMMIT']);
}

/** Lines that iptables keeps, without the ones that every table has. */
function residualOf(ruleset: Ruleset): readonly string[] {
  const result = compile(ruleset, { hook: 'netfilter' });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('; '));
  return residualFilter(result.manifest, '/p').split('\n').slice(1, -2);
}

describe('what iptables keeps for an object at netfilter', () => {
  const chains = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];

  it.each<{ name: string; have: readonly string[]; want: readonly string[] }>([
    { name: 'nothing', have: ['-A INPUT -p tcp -j DROP'], want: [] },
    {
      name: 'the bits of the mark that some rule changes',
      have: ['-A INPUT -p tcp -j MARK --set-xmark 0x1/0x3', '-A INPUT -p udp -j MARK --xor-mark 0x80000000'],
      want: [
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_mark_0 -j MARK --xor-mark 0x1',
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_mark_1 -j MARK --xor-mark 0x2',
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_mark_31 -j MARK --xor-mark 0x80000000',
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_accept',
      ],
    },
    {
      name: 'targets that end, each once, behind REJECT',
      have: [
        '-A INPUT -p udp -j NFQUEUE --queue-num 3',
        '-A OUTPUT -p udp -j NFQUEUE --queue-num 3',
        '-A OUTPUT -p icmp -j QUEUE',
        '-A OUTPUT -j REJECT --reject-with icmp-host-prohibited',
      ],
      want: [
        '-A OUTPUT -m bpf --object-pinned /p/ipt2bpf_reject_icmp_host_prohibited -j REJECT --reject-with icmp-host-prohibited',
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_end_0 -j NFQUEUE --queue-num 3',
        '-A OUTPUT -m bpf --object-pinned /p/ipt2bpf_end_0 -j NFQUEUE --queue-num 3',
        '-A OUTPUT -m bpf --object-pinned /p/ipt2bpf_end_1 -j QUEUE',
      ],
    },
    {
      name: 'targets that go on, in their order; dropped packets too where they last',
      have: [
        '-A FORWARD -j u',
        '-A FORWARD -p tcp -j TEE --gateway 10.0.0.9',
        '-A FORWARD -p tcp -j DROP',
        '-A u -j AUDIT --type accept',
      ],
      want: [
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_target_0 -j AUDIT --type accept',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_target_1 -j TEE --gateway 10.0.0.9',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_drop -j DROP',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_accept',
      ],
    },
    {
      name: 'targets of chains that have others, in front of what ends each way',
      have: [
        '-A INPUT -p tcp -j TEE --gateway 10.0.0.9',
        '-A FORWARD -p udp -j TEE --gateway 10.0.0.9',
        '-A FORWARD -p udp -j LED --led-trigger-id a',
        '-A OUTPUT -j REJECT --reject-with icmp-host-prohibited',
      ],
      want: [
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_target_0 -j TEE --gateway 10.0.0.9',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_target_0 -j TEE --gateway 10.0.0.9',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_target_1 -j LED --led-trigger-id a',
        '-A OUTPUT -m bpf --object-pinned /p/ipt2bpf_reject_icmp_host_prohibited -j REJECT --reject-with icmp-host-prohibited',
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_drop -j DROP',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_drop -j DROP',
        '-A INPUT -m bpf --object-pinned /p/ipt2bpf_accept',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_accept',
      ],
    },
    {
      name: 'a mark in one chain, a target in another',
      have: ['-A OUTPUT -p tcp -j CLASSIFY --set-class 0001:0002', '-A FORWARD -p tcp -j MARK --set-xmark 0x1/0x1'],
      want: [
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_mark_0 -j MARK --xor-mark 0x1',
        '-A OUTPUT -m bpf --object-pinned /p/ipt2bpf_target_0 -j CLASSIFY --set-class 0001:0002',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_accept',
        '-A OUTPUT -m bpf --object-pinned /p/ipt2bpf_accept',
      ],
    },
    {
      name: 'one target in several rules, in a chain of its own where it wants a protocol',
      have: [`-A FORWARD -o eth0 ${MSS}`, `-A FORWARD -o eth1 ${MSS}`],
      want: [
        ':ipt2bpf-target-0 - [0:0]',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_target_0 -j ipt2bpf-target-0',
        '-A FORWARD -m bpf --object-pinned /p/ipt2bpf_accept',
        '-A ipt2bpf-target-0 -p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --clamp-mss-to-pmtu',
      ],
    },
  ])('$name', ({ have, want }) => {
    const [declared, others] = [true, false].map((chain) => want.filter((line) => line.startsWith(':') === chain));
    expect(residualOf(rules(...have))).toEqual([...chains, ...declared, ...others]);
  });
});

describe('targets that iptables cannot perform behind the program', () => {
  it.each<{ name: string; have: readonly string[]; want: string }>([
    {
      name: 'an order that is not always the same',
      have: [
        '-A FORWARD -j u',
        '-A FORWARD -j v',
        '-A FORWARD -j u',
        '-A u -j TEE --gateway 10.0.0.9',
        '-A v -j LED --led-trigger-id x',
      ],
      want: 'packets may come to it twice, or in another order than to other targets',
    },
    {
      name: 'twice, where once is not the same',
      have: ['-A FORWARD -j u', '-A FORWARD -j u', '-A u -j TEE --gateway 10.0.0.9'],
      want: 'packets may come to it twice, or in another order than to other targets',
    },
    {
      name: 'a mark that changes',
      have: ['-A FORWARD -j AUDIT --type accept', '-A FORWARD -j MARK --set-mark 1'],
      want: 'other rules of the chain change the mark that it sees',
    },
    {
      name: 'a length that changes',
      have: [`-A FORWARD ${MSS}`, '-A FORWARD -m length --length 100:200 -j DROP'],
      want: 'rules of the chain ask for the length or the TCP options of the packet, which it changes',
    },
    {
      name: 'bytes that change',
      have: [`-A FORWARD ${MSS}`, '-A FORWARD -m u32 --u32 0=0 -j DROP'],
      want: 'rules of the chain ask for bytes of the packet, which it changes',
    },
    {
      name: 'a set that changes',
      have: ['-A FORWARD -j SET --add-set s src', '-A FORWARD -m set --match-set s src -j DROP'],
      want: 'rules of the chain ask for what it changes (-m set)',
    },
  ])('$name', ({ have, want }) => {
    const result = analyse(rules(...have), { hook: 'netfilter', chain: 'FORWARD' });
    if (!result.ok) throw new Error('nothing to analyse');
    const reasons = result.analysis.rules.flatMap(({ undecided }) => undecided.map(({ reason }) => reason));
    expect(reasons).toContainEqual(expect.stringContaining(want));
  });

  it('knows one target that may be met again', () => {
    const have = ['-A FORWARD -j u', '-A FORWARD -j u', `-A u ${MSS}`];
    expect(compile(rules(...have), { hook: 'netfilter' }).ok).toBe(true);
  });
});

describe('what iptables keeps beside an object of one chain', () => {
  it('is the other chains with all that packets come to from there, and other tables', () => {
    const ruleset = rulesetOf('v4', [
      '*raw',
      '-A PREROUTING -i lo -j NOTRACK',
      'COMMIT',
      '*filter',
      ':INPUT DROP [0:0]',
      ':OUTPUT DROP [0:0]',
      ':u - [0:0]',
      ':v - [0:0]',
      ':w - [0:0]',
      '-A INPUT -p tcp -j u',
      '-A INPUT -j w',
      '-A OUTPUT -p udp -g u',
      '-A u -p udp -m udp --dport 7 -j v',
      '-A v -j ACCEPT',
      'COMMIT',
    ]);
    const result = compile(ruleset, { hook: 'netfilter', chain: 'INPUT' });
    if (!result.ok) throw new Error('refused');
    expect(residualText(ruleset, result.manifest, '/p').split('\n')).toEqual([
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD ACCEPT [0:0]',
      ':OUTPUT DROP [0:0]',
      ':u - [0:0]',
      ':v - [0:0]',
      '-A OUTPUT -p udp -g u',
      '-A u -p udp -m udp --dport 7 -j v',
      '-A v -j ACCEPT',
      'COMMIT',
      '*raw',
      ':PREROUTING ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      '-A PREROUTING -i lo -j NOTRACK',
      'COMMIT',
      '',
    ]);
  });
});
