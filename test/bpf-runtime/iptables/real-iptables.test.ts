import { describe, expect, it } from 'vitest';
import { RealIptables } from '../../../bpf-runtime/iptables/real-iptables.js';
import { RuntimeError } from '../../../bpf-runtime/system/error.js';
import type { Packet } from '../../../grammar/model/packet.js';
import { echo, frame4, frame6, packet, SYN, tcp, udp } from './frames.js';
import { able, ableNft, CASES, reset, RULES, withEngine, words } from './judged.js';

describe.skipIf(!able)('real iptables (skipped without root or iptables-legacy)', () => {
  describe.each([
    ['INPUT', '-i'],
    ['FORWARD', '-i'],
    ['OUTPUT', '-o'],
  ] as const)('at %s', (chain, flag) => {
    it('gives verdict and rule, and counts what iptables counts', () => {
      withEngine({ ruleset: RULES(chain, flag), family: 'v4', chain }, (engine) => {
        const packets = CASES.map(({ frame, device = 'eth0', mark = 0 }) => {
          if (chain === 'INPUT') return packet(frame, device, '', mark);
          return chain === 'FORWARD' ? packet(frame, device, 'eth1', mark) : packet(frame, '', device, mark);
        });
        const got = words(engine, packets);
        expect(CASES.map(({ name }, i) => [name, got[i]])).toEqual(CASES.map((c) => [c.name, c[chain]]));
        const counters = engine.counters();
        const policy = got.filter((word) => word === 'drop policy').length;
        expect(counters.get(chain)?.policy?.packets).toBe(BigInt(policy));
        expect(counters.get('web')?.rules).toEqual([
          { packets: 1n, bytes: 40n },
          { packets: 1n, bytes: 40n },
        ]);
        expect(
          counters
            .get(chain)
            ?.rules.map(({ packets }) => packets)
            .slice(0, 7),
        ).toEqual([1n, 2n, 1n, 1n, 1n, 1n, 1n]);
        expect([...counters.keys()].sort()).toEqual(['FORWARD', 'INPUT', 'OUTPUT', 'web']);
        engine.resetCounters();
        expect(engine.counter({ chain: 'web', number: 1 })).toEqual({ packets: 0n, bytes: 0n });
      });
    });

    it('keeps what REJECT answers, with whole checksums', () => {
      withEngine(
        { ruleset: RULES(chain, flag), family: 'v4', chain, captureReplies: true, local: ['192.0.2.0/24'] },
        (engine) => {
          const frames = [frame4({ protocol: 17 }, udp(1, 53)), reset, frame4({ protocol: 6 }, tcp(1, 22))];
          const [icmp, rst, none] = engine.judge(
            frames.map((frame) => (chain === 'OUTPUT' ? packet(frame, '', 'eth0') : packet(frame, 'eth0', 'eth1'))),
          );
          // Type 3, code 3, with the header of what it answers, to its source.
          expect(icmp.reply?.slice(16, 22)).toEqual(Uint8Array.of(198, 51, 100, 7, 3, 3));
          expect(icmp.reply?.slice(28, 56)).toEqual(withTtl(frames[0].slice(14), chain === 'FORWARD' ? 63 : 64));
          expect(rst.reply?.slice(12, 24)).toEqual(Uint8Array.of(192, 0, 2, 1, 198, 51, 100, 7, 0, 113, 0, 1));
          expect(rst.reply?.[33]).toBe(0x14);
          expect(tcpSum(rst.reply ?? new Uint8Array(0))).toBe(0xffff);
          expect(none.reply).toBeUndefined();
        },
      );
    });
  });

  it('reassembles fragments before INPUT and judges the datagram at its last piece', () => {
    const ruleset = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -m udp --dport 53 -j DROP\nCOMMIT\n';
    const data = Array.from({ length: 64 }, () => 7);
    const whole = udp(1, 53, data);
    const first = packet(frame4({ protocol: 17, id: 9, fragment: 0x2000 }, whole.slice(0, 40)));
    const last = packet(frame4({ protocol: 17, id: 9, fragment: 5 }, whole.slice(40)));
    withEngine({ ruleset, family: 'v4', chain: 'INPUT' }, (engine) => {
      expect(words(engine, [first, last, last, first])).toEqual(['- stack', 'drop INPUT 1', '- stack', 'drop INPUT 1']);
      expect(engine.counter({ chain: 'INPUT', number: 1 })).toEqual({ packets: 2n, bytes: 2n * 92n });
    });
    withEngine({ ruleset: ruleset.replaceAll('INPUT', 'FORWARD'), family: 'v4', chain: 'FORWARD' }, (engine) => {
      const out = [first, last].map((p) => ({ ...p, outInterface: 'eth1' }));
      expect(words(engine, out)).toEqual(['drop FORWARD 1', 'accept policy']);
    });
  });

  it('keeps memory between packets: limit and connection tracking', () => {
    const ruleset = `*filter
:INPUT DROP [0:0]
-A INPUT -p icmp -m limit --limit 1/hour --limit-burst 2 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p udp -m conntrack --ctstate NEW -m udp --dport 53 -j ACCEPT
-A INPUT -m conntrack --ctstate UNTRACKED -j REJECT
COMMIT
`;
    const ping = packet(frame4({ protocol: 1 }, echo()));
    const ack = packet(frame4({ protocol: 6, validTcp: true }, tcp(1, 80, 0x14)));
    const query = packet(frame4({ protocol: 17 }, udp(1, 53)));
    const packets = [ping, ping, ping, ack, query, query];
    withEngine({ ruleset, family: 'v4', chain: 'INPUT' }, (engine) => {
      // The second query meets the entry that the first one left: still NEW, for nobody has answered.
      expect(words(engine, packets)).toEqual([
        'accept INPUT 1',
        'accept INPUT 1',
        'drop policy',
        'drop INPUT 3',
        'accept INPUT 4',
        'accept INPUT 4',
      ]);
      const back = packet(frame4({ protocol: 17, from: '192.0.2.1', to: '198.51.100.7' }, udp(53, 1)));
      expect(words(engine, [back, query])).toEqual(['accept INPUT 2', 'accept INPUT 2']);
    });
    withEngine({ ruleset, family: 'v4', chain: 'INPUT', notrack: true }, (engine) => {
      expect(words(engine, [ack, query])).toEqual(['reject INPUT 5', 'reject INPUT 5']);
    });
  });

  it('judges in PREROUTING of table raw and mangle, whose other chains share user chains', () => {
    const raw = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:shared - [0:0]
-A PREROUTING -p udp -j shared
-A PREROUTING -p tcp -m tcp --dport 22 -j DROP
-A shared -p udp -m udp --dport 53 -j ACCEPT
-A shared -j MARK --set-xmark 0x1/0xffffffff
-A OUTPUT -j shared
COMMIT
`;
    const packets = [53, 54].map((port) => packet(frame4({ protocol: 17 }, udp(1, port))));
    const ssh = packet(frame4({ protocol: 6 }, tcp(1, 22)));
    for (const table of ['raw', 'mangle'] as const) {
      const ruleset = raw.replace('raw', table);
      withEngine({ ruleset, family: 'v4', chain: 'PREROUTING', table }, (engine) => {
        expect(words(engine, [...packets, ssh])).toEqual(['accept shared 1', 'accept policy', 'drop PREROUTING 2']);
        expect(
          engine
            .counters()
            .get('shared')
            ?.rules.map(({ packets: n }) => n),
        ).toEqual([1n, 1n]);
        expect(engine.counters().get('OUTPUT')?.rules).toEqual([{ packets: 0n, bytes: 0n }]);
        expect(engine.counters().get('PREROUTING')?.policy?.packets).toBe(1n);
      });
    }
  });

  it('judges IPv6 at INPUT, FORWARD and OUTPUT', () => {
    for (const chain of ['INPUT', 'FORWARD', 'OUTPUT'] as const) {
      const ruleset = `*filter
:${chain} ACCEPT [0:0]
-A ${chain} -p tcp -m tcp --dport 22 -j DROP
-A ${chain} -p udp -m udp --dport 53 -j REJECT --reject-with icmp6-port-unreachable
-A ${chain} -s 2001:db8:1::/48 -j ACCEPT
COMMIT
`;
      const make = (from: string, next: number, payload: number[]): Packet => {
        const frame = frame6(from, '2001:db8::1', next, payload);
        return chain === 'OUTPUT'
          ? packet(frame, '', 'eth0')
          : packet(frame, 'eth0', chain === 'FORWARD' ? 'eth1' : '');
      };
      const options = { ruleset, family: 'v6', chain, captureReplies: true, local: ['2001:db8::/64'] } as const;
      withEngine(options, (engine) => {
        const packets = [
          make('2001:db8:2::7', 6, tcp(1, 22)),
          make('2001:db8:2::7', 17, udp(1, 53)),
          make('2001:db8:1::7', 17, udp(1, 54)),
          make('2001:db8:2::7', 17, udp(1, 54)),
          make('2001:db8:2::7', 60, [6, 0, 1, 4, 0, 0, 0, 0, ...tcp(1, 22)]),
          make('2001:db8:2::7', 6, tcp(1, 22).slice(0, 8)),
        ];
        expect(words(engine, packets)).toEqual([
          `drop ${chain} 1`,
          `reject ${chain} 2`,
          `accept ${chain} 3`,
          'accept policy',
          `drop ${chain} 1`,
          'drop hotdrop',
        ]);
        const [, answer] = engine.judge(packets.slice(0, 2));
        expect(answer.reply?.slice(40, 42)).toEqual(Uint8Array.of(1, 4));
      });
    }
  });

  it('brings packets in by lo as a host does: any IPv4 address, ::1, no Ethernet address to match', () => {
    const ruleset = `*filter
:INPUT DROP [0:0]
-A INPUT -i lo -m mac --mac-source 02:00:00:00:00:01 -j DROP
-A INPUT -i lo -m pkttype --pkt-type unicast -j ACCEPT
COMMIT
`;
    withEngine({ ruleset, family: 'v4', chain: 'INPUT' }, (engine) => {
      const frames = [
        frame4({ protocol: 17, from: '127.0.0.1', to: '127.0.0.1' }, udp(1, 2)),
        frame4({ protocol: 1 }, echo()),
      ];
      const packets = frames.map((frame) => packet(frame, 'lo'));
      expect(words(engine, [...packets, packet(new Uint8Array(14), 'lo')])).toEqual([
        'accept INPUT 2',
        'accept INPUT 2',
        '- stack',
      ]);
      expect(words(engine, [packet(frames[1], 'lo', '', 3)])).toEqual(['accept INPUT 2']);
    });
    withEngine({ ruleset, family: 'v6', chain: 'INPUT' }, (engine) => {
      const frames = [frame6('::1', '::1', 17, udp(1, 2)), frame6('2001:db8::7', '2001:db8::1', 17, udp(1, 2))];
      expect(
        words(
          engine,
          frames.map((frame) => packet(frame, 'lo')),
        ),
      ).toEqual(['accept INPUT 2', 'accept INPUT 2']);
      expect(words(engine, [packet(frames[0], 'eth0')])).toEqual(['- stack']);
    });
    for (const family of ['v4', 'v6'] as const) {
      const forward = ruleset.replaceAll('INPUT', 'FORWARD');
      withEngine({ ruleset: forward, family, chain: 'FORWARD' }, (engine) => {
        const frame =
          family === 'v4' ? frame4({ protocol: 17 }, udp(1, 2)) : frame6('2001:db8::7', '2001:db8:1::1', 17, udp(1, 2));
        expect(words(engine, [packet(frame, 'lo', 'eth1'), packet(frame, 'eth1', 'lo')])).toEqual([
          'accept FORWARD 2',
          'drop policy',
        ]);
      });
    }
    const raw = '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i lo -j DROP\nCOMMIT\n';
    withEngine({ ruleset: raw, family: 'v4', chain: 'PREROUTING', table: 'raw' }, (engine) => {
      expect(words(engine, [packet(frame4({ protocol: 1 }, echo()), 'lo')])).toEqual(['drop PREROUTING 1']);
    });
  });

  it('takes a file written by hand: rules that become several, insertions, a family mark', () => {
    const ruleset = `*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.1,10.0.0.2 -j DROP
-I INPUT 1 -p icmp -j ACCEPT
-A INPUT -6 -p tcp -j DROP
--append INPUT --protocol udp --jump REJECT
-A INPUT -j ACCEPT -p tcp --dport 80
COMMIT
`;
    withEngine({ ruleset, family: 'v4', chain: 'INPUT' }, (engine) => {
      const packets = [
        packet(frame4({ protocol: 1 }, echo())),
        packet(frame4({ protocol: 6, from: '10.0.0.2' }, tcp(1, 80))),
        packet(frame4({ protocol: 17 }, udp(1, 53))),
        packet(frame4({ protocol: 6 }, tcp(1, 80, SYN))),
      ];
      expect(words(engine, packets)).toEqual(['accept INPUT 1', 'drop INPUT 3', 'reject INPUT 4', 'accept INPUT 5']);
    });
  });

  it('refuses what the tool refuses, and targets whose verdict is not known', () => {
    const create = (body: string) => () =>
      RealIptables.create({ ruleset: `*filter\n:U - [0:0]\n${body}\nCOMMIT\n`, family: 'v4', chain: 'INPUT' });
    expect(create('-A INPUT -p tcp --dport 99999 -j DROP')).toThrow(RuntimeError);
    expect(create('-A INPUT -j NFQUEUE --queue-num 3')).toThrow(/INPUT, rule 1: what target NFQUEUE/);
    create('-A U -j NFQUEUE --queue-num 3')().close();
  });

  it('judges 2,000 packets and counts each of them once', () => {
    withEngine({ ruleset: RULES('INPUT', '-i'), family: 'v4', chain: 'INPUT' }, (engine) => {
      const packets = Array.from({ length: 2000 }, (_, i) => {
        const ports = [22, 53, 99, 113, 80];
        const from = i % 3 === 0 ? '10.0.0.9' : '198.51.100.7';
        const tcpPacket = i % 2 === 0;
        const payload = tcpPacket ? tcp(i + 1, ports[i % 5]) : udp(i + 1, ports[i % 5]);
        return packet(frame4({ protocol: tcpPacket ? 6 : 17, from, id: i + 1 }, payload), `eth${i % 2}`);
      });
      const got = words(engine, packets);
      const tally = new Map<string, bigint>();
      for (const word of got) tally.set(word, (tally.get(word) ?? 0n) + 1n);
      const counters = engine.counters();
      expect(tally.get('drop policy')).toBe(counters.get('INPUT')?.policy?.packets);
      expect(tally.get('drop web 1')).toBe(counters.get('web')?.rules[0].packets);
      expect(tally.get('accept web 2')).toBe(counters.get('web')?.rules[1].packets);
      expect(tally.get('reject INPUT 3')).toBe(counters.get('INPUT')?.rules[2].packets);
      expect(tally.get('reject INPUT 4')).toBe(counters.get('INPUT')?.rules[3].packets);
      expect([...tally.values()].reduce((sum, n) => sum + n, 0n)).toBe(2000n);
    });
  });

  it.skipIf(!ableNft)('judges with the nft variant, too (skipped without iptables-nft)', () => {
    withEngine({ ruleset: RULES('INPUT', '-i'), family: 'v4', chain: 'INPUT', variant: 'nft' }, (engine) => {
      const got = words(
        engine,
        CASES.map(({ frame, device = 'eth0', mark = 0 }) => packet(frame, device, '', mark)),
      );
      // iptables-nft compiles the port test to a read of two bytes, for which ten bytes of a TCP header are enough.
      const want = CASES.map((c) => [c.name, c.name === 'cut TCP header' ? 'accept web 2' : c.INPUT]);
      expect(CASES.map(({ name }, i) => [name, got[i]])).toEqual(want);
    });
  });
});

function withTtl(packetBytes: Uint8Array, ttl: number): Uint8Array {
  const bytes = packetBytes.slice();
  const difference = bytes[8] - ttl;
  bytes[8] = ttl;
  const sum = ((bytes[10] << 8) | bytes[11]) + (difference << 8);
  bytes[10] = ((sum & 0xffff) + (sum >>> 16)) >> 8;
  bytes[11] = ((sum & 0xffff) + (sum >>> 16)) & 0xff;
  return bytes;
}

/** One's complement sum of the pseudo header and the segment: 0xffff where the checksum is right. */
function tcpSum(bytes: Uint8Array): number {
  let sum = 6 + bytes.length - 20;
  for (let i = 12; i < bytes.length; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
