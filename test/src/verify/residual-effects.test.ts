import { describe, expect, it } from 'vitest';
import { hasCommand, run } from '../../../bpf-runtime/system/command.js';
import { compile } from '../../../codegen/program/index.js';
import { IptablesSequences, NetfilterMachine, type SequenceMachine } from '../../../src/verify/netfilter-machine.js';
import { packetOf, rulesetOf } from '../evaluate/helpers.js';

const able = process.getuid?.() === 0 && ['nft', 'iptables-legacy', 'ipset'].every((tool) => hasCommand(tool));

const LINES = [
  '*filter',
  ...['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`),
  '-A INPUT -p udp -j RATEEST --rateest-name ipt2bpf --rateest-interval 250ms --rateest-ewmalog 500ms',
  '-A INPUT -p tcp -m tcp --dport 23 -j SET --add-set seen src',
  '-A INPUT -p icmp -j SET --del-set seen src',
  '-A INPUT -p udp -s 198.51.100.9/32 -j DROP',
  '-A INPUT -p tcp -j REJECT',
  'COMMIT',
];
const IPSET = 'create seen hash:ip\nadd seen 198.51.100.5\n';

const PACKETS = [
  'udp 198.51.100.7:4000 > 192.0.2.1:53 in eth0',
  'udp 198.51.100.9:4000 > 192.0.2.1:53 in eth0',
  'udp 198.51.100.7:4000 > 192.0.2.1:54 in eth0',
  'tcp 198.51.100.8:4000 > 192.0.2.1:23 SYN in eth0',
  'tcp 198.51.100.6:4000 > 192.0.2.1:22 SYN in eth0',
  'icmp 198.51.100.5 > 192.0.2.1 in eth0',
].map((text) => packetOf(text).packet);

/** Members of the set behind the packets. */
function membersAfter(machine: SequenceMachine): readonly string[] {
  try {
    machine.judgeSequence(PACKETS);
    const saved = machine.inside(() => run('ipset', ['save', 'seen']));
    return saved.split('\n').filter((line) => line.startsWith('add'));
  } finally {
    machine.close();
  }
}

describe.skipIf(!able)('what targets leave behind (skipped without root, nft, iptables or ipset)', () => {
  it('is the same where iptables performs them for an object: SET beside RATEEST', () => {
    const ruleset = `${LINES.join('\n')}\n`;
    const judge = compile(rulesetOf('v4', LINES), { hook: 'netfilter' });
    if (!judge.ok) throw new Error(judge.diagnostics.map(({ message }) => message).join('; '));
    const options = { family: 'v4', ruleset, ipset: IPSET } as const;
    const want = membersAfter(new IptablesSequences(options));
    expect(want).toEqual(['add seen 198.51.100.8']);
    expect(membersAfter(new NetfilterMachine(judge, options))).toEqual(want);
  });
});
