import type { Family } from '../../../grammar/model/family.js';

/** Milliseconds to wait, the packet in words, and `a`ccepted or `d`ropped. */
export type TimedPacket = readonly [waitMs: number, text: string, want: 'a' | 'd'];

/** A sequence of packets over time, for rules that remember. */
export interface TimedSequence {
  readonly name: string;
  readonly family?: Family;
  /** Policies of INPUT, FORWARD, OUTPUT; ACCEPT where left out. */
  readonly policies?: Readonly<Partial<Record<'INPUT' | 'FORWARD' | 'OUTPUT', 'DROP'>>>;
  readonly chains?: readonly string[];
  readonly rules: readonly string[];
  readonly packets: readonly TimedPacket[];
}

const HOST = { v4: '192.0.2.1', v6: '[2001:db8::1]' } as const;

function source(family: Family, host: number): string {
  return family === 'v4'
    ? `198.51.${100 + (host >> 8)}.${host & 0xff}`
    : `[2001:db8:${host > 255 ? 1 : 2}::${host.toString(16)}]`;
}

/** A datagram of host number `host` to a port of ours. */
function udp(host: number, port: number, more = '', family: Family = 'v4'): string {
  return `udp ${source(family, host)}:4000 > ${HOST[family]}:${port}${more} in eth0`;
}

function forwarded(host: number, port: number, more = ''): string {
  return `udp ${source('v4', host)}:4000 > 203.0.113.9:${port}${more} in eth0 out eth1`;
}

/** From here to another host. */
const sent = (host: number, port: number): string => `udp 192.0.2.1:4000 > ${source('v4', host)}:${port} out eth0`;

const times = (count: number, one: (index: number) => TimedPacket): readonly TimedPacket[] =>
  Array.from({ length: count }, (_, index) => one(index));

const both = (make: (family: Family) => TimedSequence): readonly TimedSequence[] => [make('v4'), make('v6')];

export const RECENT_SEQUENCES: readonly TimedSequence[] = [
  ...both((family) => ({
    name: 'port knocking in two steps, which time out',
    family,
    policies: { INPUT: 'DROP' },
    chains: ['GATE1', 'GATE2', 'OPEN'],
    rules: [
      '-A INPUT -p udp -m recent --rcheck --seconds 2 --name opened -j OPEN',
      '-A INPUT -p udp -m recent --rcheck --seconds 1 --name knocked -j GATE2',
      '-A INPUT -p udp -j GATE1',
      '-A GATE1 -p udp --dport 1111 -m recent --set --name knocked -j DROP',
      '-A GATE1 -j DROP',
      '-A GATE2 -m recent --remove --name knocked',
      '-A GATE2 -p udp --dport 2222 -m recent --set --name opened -j DROP',
      '-A GATE2 -j GATE1',
      '-A OPEN -p udp --dport 22 -j ACCEPT',
      '-A OPEN -j GATE1',
    ],
    packets: [
      [0, udp(7, 22, '', family), 'd'],
      [0, udp(7, 2222, '', family), 'd'],
      [0, udp(7, 22, '', family), 'd'],
      [0, udp(7, 1111, '', family), 'd'],
      [0, udp(8, 2222, '', family), 'd'],
      [0, udp(8, 22, '', family), 'd'],
      [300, udp(7, 2222, '', family), 'd'],
      [0, udp(7, 22, '', family), 'a'],
      [0, udp(8, 22, '', family), 'd'],
      [1500, udp(7, 22, '', family), 'a'],
      // The knock is older than a second now, and the door has closed.
      [800, udp(7, 22, '', family), 'd'],
      [0, udp(7, 1111, '', family), 'd'],
      [1300, udp(7, 2222, '', family), 'd'],
      [0, udp(7, 22, '', family), 'd'],
    ],
  })),
  {
    name: 'the fourth try within two seconds is refused, and each try counts anew',
    rules: [
      '-A INPUT -p udp --dport 22 -m recent --update --seconds 2 --hitcount 4 --name SSH -j DROP',
      '-A INPUT -p udp --dport 22 -m recent --set --name SSH -j ACCEPT',
    ],
    packets: [
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'd'],
      [0, udp(2, 22), 'a'],
      [1500, udp(1, 22), 'd'],
      // Of the five before, one is younger than two seconds.
      [1500, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'd'],
    ],
  },
  {
    name: 'set first, then rcheck: the packet itself counts',
    rules: [
      '-A INPUT -p udp --dport 22 -m recent --set --name SSH',
      '-A INPUT -p udp --dport 22 -m recent --rcheck --seconds 1 --hitcount 3 --name SSH -j DROP',
    ],
    packets: [
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'd'],
      [0, udp(2, 22), 'a'],
      [1300, udp(1, 22), 'a'],
      [0, udp(1, 22), 'a'],
      [0, udp(1, 22), 'd'],
    ],
  },
  {
    name: 'hitcount 1 alone keeps one packet of an address, in a ring of one',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent --update --hitcount 1 --seconds 1 --name tiny -j DROP',
      '-A INPUT -p udp --dport 2 -m recent --rcheck --hitcount 1 --name tiny -j DROP',
      '-A INPUT -p udp --dport 3 -m recent ! --rcheck --hitcount 1 --name tiny -j DROP',
    ],
    packets: [
      [0, udp(1, 1), 'a'],
      [0, udp(1, 2), 'a'],
      [0, udp(1, 3), 'd'],
    ],
  },
  {
    name: 'more than a hundred addresses: the one that was silent longest is forgotten',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent --set --name full -j ACCEPT',
      '-A INPUT -p udp --dport 2 -m recent --update --name full -j ACCEPT',
      '-A INPUT -p udp --dport 3 -m recent --rcheck --name full -j ACCEPT',
      '-A INPUT -p udp -j DROP',
    ],
    packets: [
      ...times(100, (index) => [0, udp(index, 1), 'a']),
      [0, udp(0, 3), 'a'],
      [0, udp(1, 2), 'a'],
      // Looking at 0 has not moved it, 1 was touched: 0 and then 2 go.
      [0, udp(200, 1), 'a'],
      [0, udp(0, 3), 'd'],
      [0, udp(1, 3), 'a'],
      [0, udp(201, 1), 'a'],
      [0, udp(2, 3), 'd'],
      [0, udp(3, 3), 'a'],
      ...times(97, (index) => [0, udp(index + 300, 1), 'a']),
      [0, udp(99, 3), 'd'],
      [0, udp(1, 3), 'a'],
      [0, udp(200, 3), 'a'],
      [0, udp(400, 1), 'a'],
      [0, udp(1, 3), 'd'],
      [0, udp(200, 3), 'a'],
    ],
  },
  {
    name: 'only with the TTL of the packet that was last',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent --set --name ttl -j ACCEPT',
      '-A INPUT -p udp --dport 2 -m recent --rcheck --rttl --name ttl -j ACCEPT',
      '-A INPUT -p udp --dport 3 -m recent --update --name ttl -j ACCEPT',
      '-A INPUT -p udp --dport 4 -m recent --update --rttl --seconds 60 --name ttl -j ACCEPT',
      '-A INPUT -p udp -j DROP',
      // One more before it was forwarded.
      '-A FORWARD -p udp --dport 2 -m recent --rcheck --rttl --name ttl -j ACCEPT',
      '-A FORWARD -p udp --dport 1 -m recent --set --name ttl -j ACCEPT',
      '-A FORWARD -p udp -j DROP',
    ],
    packets: [
      [0, udp(1, 1, ' ttl 64'), 'a'],
      [0, udp(1, 2, ' ttl 64'), 'a'],
      [0, udp(1, 2, ' ttl 63'), 'd'],
      [0, udp(1, 4, ' ttl 60'), 'd'],
      [0, udp(1, 3, ' ttl 60'), 'a'],
      [0, udp(1, 4, ' ttl 60'), 'a'],
      [0, udp(1, 2, ' ttl 64'), 'd'],
      [0, udp(1, 2, ' ttl 60'), 'a'],
      [0, forwarded(1, 2, ' ttl 60'), 'a'],
      [0, forwarded(1, 2, ' ttl 61'), 'd'],
      [0, forwarded(2, 1, ' ttl 255'), 'a'],
      [0, udp(2, 2, ' ttl 255'), 'a'],
      [0, udp(2, 2, ' ttl 254'), 'd'],
      [0, forwarded(2, 2, ' ttl 255'), 'a'],
    ],
  },
  {
    name: 'one list for chains of all hooks, by source here and by destination there',
    policies: { FORWARD: 'DROP' },
    chains: ['ban', 'unban'],
    rules: [
      '-A INPUT -p udp --dport 666 -j ban',
      '-A INPUT -p udp --dport 777 -j unban',
      '-A INPUT -p udp -m recent --rcheck --name banned -j DROP',
      '-A OUTPUT -p udp -m recent --rcheck --rdest --name banned -j DROP',
      '-A OUTPUT -p udp --dport 667 -m recent --set --rdest --name banned',
      '-A FORWARD -p udp --dport 666 -j ban',
      '-A FORWARD -m recent ! --rcheck --name banned -j ACCEPT',
      '-A ban -m recent --set --name banned -j DROP',
      '-A unban -m recent --remove --name banned -j ACCEPT',
      '-A unban -j DROP',
    ],
    packets: [
      [0, udp(1, 53), 'a'],
      [0, sent(1, 53), 'a'],
      [0, forwarded(1, 53), 'a'],
      [0, udp(1, 666), 'd'],
      [0, udp(1, 53), 'd'],
      [0, sent(1, 53), 'd'],
      [0, sent(2, 53), 'a'],
      [0, forwarded(1, 53), 'd'],
      [0, forwarded(3, 666), 'd'],
      [0, sent(3, 53), 'd'],
      [0, sent(4, 667), 'a'],
      [0, udp(4, 53), 'd'],
      [0, udp(1, 777), 'a'],
      [0, udp(1, 777), 'd'],
      [0, sent(1, 53), 'a'],
      [0, forwarded(1, 53), 'a'],
      [0, udp(3, 53), 'd'],
    ],
  },
  {
    name: 'networks under a mask, and the default list',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent --set --mask 255.255.255.0 -j ACCEPT',
      '-A INPUT -p udp --dport 2 -m recent --rcheck --hitcount 2 --mask 255.255.255.0 -j ACCEPT',
      '-A INPUT -p udp -j DROP',
    ],
    packets: [
      [0, udp(1, 1), 'a'],
      [0, udp(1, 2), 'd'],
      [0, udp(9, 1), 'a'],
      [0, udp(77, 2), 'a'],
      [0, udp(256, 2), 'd'],
    ],
  },
  {
    name: 'inverted tests: what does not match is not updated',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent ! --set --name inv -j DROP',
      '-A INPUT -p udp --dport 2 -m recent ! --update --hitcount 2 --name inv -j DROP',
      '-A INPUT -p udp --dport 3 -m recent ! --remove --name inv -j DROP',
    ],
    packets: [
      [0, udp(1, 2), 'd'],
      [0, udp(1, 3), 'd'],
      [0, udp(1, 1), 'a'],
      // It matches and so counts itself.
      [0, udp(1, 2), 'd'],
      [0, udp(1, 2), 'a'],
      [0, udp(1, 3), 'a'],
      [0, udp(1, 3), 'd'],
      [0, udp(1, 2), 'd'],
    ],
  },
  {
    name: 'reaping takes the one entry out that was silent longest',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent --set --name reap -j ACCEPT',
      '-A INPUT -p udp --dport 2 -m recent --update --seconds 1 --reap --name reap -j ACCEPT',
      '-A INPUT -p udp --dport 3 -m recent --rcheck --name reap -j ACCEPT',
      '-A INPUT -p udp -j DROP',
    ],
    packets: [
      [0, udp(1, 1), 'a'],
      [0, udp(2, 1), 'a'],
      [0, udp(3, 1), 'a'],
      [0, udp(1, 2), 'a'],
      [1300, udp(4, 1), 'a'],
      [0, udp(2, 3), 'a'],
      [0, udp(4, 2), 'a'],
      [0, udp(2, 3), 'd'],
      [0, udp(3, 3), 'a'],
      // The entry itself is the oldest, too old, and so not updated: it goes.
      [0, udp(3, 2), 'd'],
      [0, udp(3, 3), 'd'],
      [0, udp(1, 3), 'a'],
    ],
  },
  {
    name: 'the ring of 32 packets, and of more where a rule asks for more',
    rules: [
      '-A INPUT -p udp --dport 1 -m recent --set --name ring -j ACCEPT',
      '-A INPUT -p udp --dport 2 -m recent --rcheck --hitcount 32 --name ring -j ACCEPT',
      '-A INPUT -p udp --dport 3 -m recent --set --name wide -j ACCEPT',
      '-A INPUT -p udp --dport 4 -m recent --rcheck --hitcount 40 --name wide -j ACCEPT',
      '-A INPUT -p udp -j DROP',
    ],
    packets: [
      ...times(31, () => [0, udp(1, 1), 'a']),
      [0, udp(1, 2), 'd'],
      [0, udp(1, 1), 'a'],
      [0, udp(1, 2), 'a'],
      ...times(5, () => [0, udp(1, 1), 'a']),
      [0, udp(1, 2), 'a'],
      ...times(39, () => [0, udp(1, 3), 'a']),
      [0, udp(1, 4), 'd'],
      [0, udp(1, 3), 'a'],
      [0, udp(1, 4), 'a'],
    ],
  },
];

const bucket = (words: string): string => `-m hashlimit ${words} --hashlimit-htable-expire 60000`;

export const HASHLIMIT_SEQUENCES: readonly TimedSequence[] = [
  ...both((family) => ({
    name: 'a bucket for each source, which fills again',
    family,
    rules: [
      `-A INPUT -p udp ${bucket('--hashlimit-upto 2/sec --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name up')} -j ACCEPT`,
      '-A INPUT -p udp -j DROP',
    ],
    packets: [
      ...times(3, () => [0, udp(1, 53, '', family), 'a']),
      [0, udp(1, 54, '', family), 'd'],
      ...times(3, () => [0, udp(2, 53, '', family), 'a']),
      [0, udp(2, 53, '', family), 'd'],
      [700, udp(1, 53, '', family), 'a'],
      [0, udp(1, 53, '', family), 'd'],
      [3000, udp(2, 53, '', family), 'a'],
      ...times(2, () => [0, udp(2, 53, '', family), 'a']),
      [0, udp(2, 53, '', family), 'd'],
    ],
  })),
  {
    name: 'above a rate, counted by networks, in chains of two hooks',
    rules: [
      `-A INPUT -p udp ${bucket('--hashlimit-above 1/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-srcmask 24 --hashlimit-name net')} -j DROP`,
      `-A FORWARD -p udp ${bucket('--hashlimit-above 1/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-srcmask 24 --hashlimit-name net')} -j DROP`,
    ],
    packets: [
      [0, udp(1, 53), 'a'],
      [0, forwarded(2, 53), 'a'],
      [0, udp(3, 53), 'd'],
      [0, forwarded(1, 53), 'd'],
      [0, udp(256, 53), 'a'],
      [1300, forwarded(9, 53), 'a'],
      [0, udp(1, 53), 'd'],
    ],
  },
  {
    name: 'by ports and destination; by nothing at all',
    rules: [
      `-A INPUT -p udp --dport 1:9 ${bucket('--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode dstip,dstport,srcport --hashlimit-name ports')} -j ACCEPT`,
      `-A INPUT -p icmp ${bucket('--hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcport --hashlimit-name none')} -j ACCEPT`,
      `-A INPUT -p udp --dport 10 ${bucket('--hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-name all')} -j ACCEPT`,
      '-A INPUT -j DROP',
    ],
    packets: [
      [0, udp(1, 1), 'a'],
      [0, udp(1, 1), 'd'],
      [0, udp(2, 1), 'd'],
      [0, udp(1, 2), 'a'],
      [0, 'udp 198.51.100.1:4001 > 192.0.2.1:1 in eth0', 'a'],
      [0, 'udp 198.51.100.1:4000 > 192.0.2.2:1 in eth0', 'a'],
      [0, 'icmp 198.51.100.1 > 192.0.2.1 in eth0', 'a'],
      [0, 'icmp 198.51.100.2 > 192.0.2.1 in eth0', 'd'],
      [0, udp(1, 10), 'a'],
      [0, udp(2, 10), 'a'],
      [0, udp(3, 10), 'd'],
    ],
  },
  {
    name: 'bytes a second, with a burst and without',
    rules: [
      `-A INPUT -p udp --dport 1 ${bucket('--hashlimit-upto 1kb/s --hashlimit-mode srcip --hashlimit-name slow')} -j ACCEPT`,
      `-A INPUT -p udp --dport 2 ${bucket('--hashlimit-above 1kb/s --hashlimit-burst 3kb --hashlimit-mode srcip --hashlimit-name burst')} -j DROP`,
      '-A INPUT -p udp --dport 1 -j DROP',
    ],
    packets: [
      [0, udp(1, 1, ' len 600'), 'a'],
      [0, udp(1, 1, ' len 600'), 'd'],
      [0, udp(1, 1, ' len 300'), 'a'],
      [700, udp(1, 1, ' len 600'), 'a'],
      [0, udp(1, 1, ' len 300'), 'd'],
      [1500, udp(1, 1, ' len 900'), 'a'],
      ...times(4, () => [0, udp(1, 2, ' len 900'), 'a']),
      [0, udp(1, 2, ' len 900'), 'd'],
      [0, udp(2, 2, ' len 900'), 'a'],
      [1500, udp(1, 2, ' len 900'), 'a'],
      [0, udp(1, 2, ' len 900'), 'd'],
    ],
  },
  {
    name: 'the rate itself is compared',
    rules: [
      `-A INPUT -p udp --dport 1 ${bucket('--hashlimit-upto 4/sec --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name match --hashlimit-rate-match --hashlimit-rate-interval 1')} -j ACCEPT`,
      `-A INPUT -p udp --dport 2 ${bucket('--hashlimit-above 1kb/s --hashlimit-mode srcip --hashlimit-name matchb --hashlimit-rate-match')} -j DROP`,
      '-A INPUT -p udp --dport 1 -j DROP',
    ],
    packets: [
      ...times(5, () => [0, udp(1, 1), 'a']),
      [0, udp(1, 1), 'd'],
      // The last interval was too fast, so is this whole one.
      [1200, udp(1, 1), 'd'],
      [0, udp(1, 1), 'd'],
      [1200, udp(1, 1), 'a'],
      [0, udp(1, 2, ' len 900'), 'a'],
      [0, udp(1, 2, ' len 900'), 'd'],
      [1200, udp(1, 2, ' len 100'), 'd'],
      [1200, udp(1, 2, ' len 100'), 'a'],
    ],
  },
  {
    name: 'idle entries are forgotten, and a new one is full',
    rules: [
      '-A INPUT -p udp -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name gone --hashlimit-htable-expire 300 --hashlimit-htable-gcinterval 200 -j ACCEPT',
      '-A INPUT -p udp -j DROP',
    ],
    packets: [
      [0, udp(1, 1), 'a'],
      [0, udp(1, 1), 'd'],
      [200, udp(1, 1), 'd'],
      [200, udp(1, 1), 'd'],
      [1500, udp(1, 1), 'a'],
      [0, udp(1, 1), 'd'],
    ],
  },
];

export const COUNT_SEQUENCES: readonly TimedSequence[] = [
  {
    name: 'every third packet, and every packet but the second of two',
    rules: [
      '-A INPUT -p udp --dport 1 -m statistic --mode nth --every 3 --packet 0 -j DROP',
      '-A INPUT -p udp --dport 2 -m statistic --mode nth --every 3 --packet 2 -j DROP',
      '-A INPUT -p udp --dport 3 -m statistic --mode nth ! --every 2 --packet 1 -j DROP',
      '-A INPUT -p udp --dport 4 -m statistic --mode nth --every 1 --packet 0 -j DROP',
    ],
    packets: [
      ...times(7, (index): TimedPacket => [0, udp(1, 1), index % 3 === 0 ? 'd' : 'a']),
      ...times(7, (index): TimedPacket => [0, udp(1, 2), index % 3 === 2 ? 'd' : 'a']),
      ...times(5, (index): TimedPacket => [0, udp(1, 3), index % 2 === 1 ? 'a' : 'd']),
      ...times(3, (): TimedPacket => [0, udp(1, 4), 'd']),
    ],
  },
  {
    name: 'bytes until there are no more',
    rules: [
      '-A INPUT -p udp --dport 1 -m quota --quota 2500 -j ACCEPT',
      '-A INPUT -p udp --dport 2 -m quota ! --quota 1000 -j DROP',
      '-A INPUT -p udp --dport 1 -j DROP',
    ],
    packets: [
      [0, udp(1, 1, ' len 900'), 'a'],
      [0, udp(1, 1, ' len 900'), 'a'],
      [0, udp(1, 1, ' len 900'), 'd'],
      // What did not fit has taken the rest with it.
      [0, udp(1, 1, ' len 50'), 'd'],
      [0, udp(1, 2, ' len 900'), 'a'],
      [0, udp(1, 2, ' len 900'), 'd'],
    ],
  },
  {
    name: 'one bucket for a rule that two chains come to, by jump and by goto',
    chains: ['both', 'between'],
    rules: [
      '-A INPUT -p udp --dport 1 -j both',
      '-A INPUT -p udp --dport 2 -g between',
      '-A FORWARD -p udp -j both',
      '-A between -j both',
      '-A both -m limit --limit 1/hour --limit-burst 3 -j ACCEPT',
      '-A both -m statistic --mode nth --every 2 --packet 1 -j ACCEPT',
      '-A both -m quota --quota 100 -j ACCEPT',
      '-A both -j DROP',
    ],
    packets: [
      [0, udp(1, 1), 'a'],
      [0, udp(1, 2), 'a'],
      [0, forwarded(1, 1), 'a'],
      [0, udp(1, 1, ' len 60'), 'a'],
      [0, forwarded(1, 1), 'a'],
      [0, udp(1, 2, ' len 60'), 'd'],
      [0, udp(1, 1), 'a'],
      [0, forwarded(1, 1), 'd'],
    ],
  },
];
