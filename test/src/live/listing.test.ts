import { describe, expect, it } from 'vitest';
import { run } from '../../../bpf-runtime/system/command.js';
import { SequenceHost } from '../../../bpf-runtime/netfilter/sequence-host.js';
import { attach } from '../../../src/live/attach.js';
import { countedRuleset, listText, plainListText, saveText } from '../../../src/live/listing.js';
import { metricsText } from '../../../src/live/metrics.js';
import { readStatus } from '../../../src/live/status.js';
import { frame4, packet, tcp, udp } from '../../bpf-runtime/iptables/frames.js';
import { able, objectOf, withHost } from './support.js';

const DUMP = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:logged - [0:0]
:unused - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -m comment --comment "the \\"office\\"" -j logged
-A INPUT -p udp -m multiport --dports 1,2 -j ACCEPT
-A INPUT -p udp -m udp --dport 3 -j REJECT --reject-with icmp-port-unreachable
-A logged -m limit --limit 6/min -j LOG --log-prefix "ssh: " --log-level 5
-A logged -j ACCEPT
-A unused -p icmp -m icmp --icmp-type 8 -j DROP
-A unused -s 192.0.2.9/32 -j RETURN
COMMIT
`;
const PACKETS = [tcp(1000, 22), tcp(1001, 23), udp(1000, 1), udp(1000, 2), udp(1000, 2), udp(1000, 3), udp(9, 9)].map(
  (payload) => packet(frame4({ protocol: payload.length === 20 ? 6 : 17, validTcp: payload.length === 20 }, payload)),
);

describe.skipIf(!able)('the listing of a running ruleset (skipped without root, nft or iptables)', () => {
  it('is what iptables prints of the same rules after the same packets', () => {
    const real = SequenceHost.create({ family: 'v4', ruleset: DUMP, variant: 'nft', local: ['192.0.2.0/24'] });
    try {
      real.judgeSequence(PACKETS);
      const [wantList, wantExact, wantSave] = real.testbed.run(() => [
        run('iptables-nft', ['-L', '-v', '-n', '--line-numbers']),
        run('iptables-nft', ['-L', '-n', '--line-numbers', '-v', '-x']),
        run('iptables-nft-save', ['-c', '-t', 'filter']),
      ]);
      withHost(({ base, host, inside }) => {
        inside(() => attach(objectOf(DUMP), { base, devices: [] }));
        host.judgeSequence(PACKETS);
        const [{ manifest, counters }] = readStatus(base).deployments;
        const ruleset = countedRuleset(manifest, counters);
        expect(listText(ruleset, manifest, { verbose: true, exact: false })).toBe(wantList);
        expect(listText(ruleset, manifest, { verbose: true, exact: true })).toBe(wantExact);
        expect(saveText(ruleset)).toBe(wantSave.replace(/^#.*\n/gm, ''));
        expect(plainListText(ruleset)).toContain('Chain INPUT (policy DROP 2 packets');
        expect(metricsText(readStatus(base))).toContain(
          'ipt2bpf_rule_packets_total{name="filter-v4",chain="INPUT",number="4",rule="-A INPUT -p udp -m multiport --dports 1,2 -j ACCEPT"} 3\n',
        );
      });
    } finally {
      real.close();
    }
  });
});
