/** Sequences for what iptables itself must be asked where it stands: connections, and rates. */
import type { Family } from '../../../grammar/model/family.js';
import type { TimedPacket, TimedSequence } from './sequence.js';

/** What is not confirmed yet is forgotten two jiffies later (nf_conncount.c find_or_evict). */
const SOON = 12;

const SOURCE = { v4: '198.51.100.', v6: '[2001:db8:2::' } as const;

/** A packet of host number `host` from a port of its own to one of ours. */
function to(port: number, host: number, { family = 'v4', kind = 'udp', more = '' }: Partial<Sent> = {}): string {
  const here = family === 'v4' ? '192.0.2.1' : '[2001:db8::1]';
  const there = `${SOURCE[family]}${host}${family === 'v4' ? '' : ']'}`;
  return `${kind} ${there}:4000 > ${here}:${port}${more} in eth0`;
}

interface Sent {
  readonly family: Family;
  readonly kind: 'udp' | 'tcp';
  readonly more: string;
}

const forwarded = (port: number, host: number): string =>
  `udp ${SOURCE.v4}${host}:4000 > 203.0.113.9:${port} in eth0 out eth1`;

export const CONNECTION_SEQUENCES: readonly TimedSequence[] = [
  ...(['v4', 'v6'] as const).map((family): TimedSequence => ({
    name: 'three connections of a network at the same time, until one is closed',
    family,
    rules: [
      `-A INPUT -p tcp --dport 22 -m connlimit --connlimit-above 3 --connlimit-mask ${family === 'v4' ? 24 : 64} -j DROP`,
    ],
    packets: [
      ...[1, 2, 3].map((host): TimedPacket => [SOON, to(22, host, { family, kind: 'tcp' }), 'a']),
      [SOON, to(22, 4, { family, kind: 'tcp' }), 'd'],
      [SOON, to(22, 5, { family, kind: 'tcp' }), 'd'],
      [SOON, to(80, 5, { family, kind: 'tcp' }), 'a'],
      // The search ends at the connection itself, before it comes to that of host 5, which it would forget.
      [SOON, to(22, 1, { family, kind: 'tcp' }), 'd'],
      [SOON, to(22, 1, { family, kind: 'tcp', more: ' rst' }), 'a'],
      [SOON, to(22, 6, { family, kind: 'tcp' }), 'a'],
      [SOON, to(22, 7, { family, kind: 'tcp' }), 'd'],
    ],
  })),
  {
    name: 'connections that come there through memory, and go on to more of it',
    chains: ['web'],
    rules: [
      '-A INPUT -p udp --dport 80 -j web',
      '-A web -m limit --limit 1/hour --limit-burst 2 -j RETURN',
      '-A web -m statistic --mode nth --every 4 --packet 3 -j ACCEPT',
      '-A web -m connlimit --connlimit-upto 2 --connlimit-mask 0 -j ACCEPT',
      '-A web -m quota --quota 60 -j ACCEPT',
      '-A web -j DROP',
    ],
    packets: [
      ...[1, 2].map((host): TimedPacket => [SOON, to(80, host), 'a']),
      ...[3, 4].map((host): TimedPacket => [SOON, to(80, host), 'a']),
      [SOON, to(80, 5, { more: ' len 40' }), 'a'],
      [SOON, to(80, 6), 'a'],
      [SOON, to(80, 7), 'd'],
      [SOON, to(80, 3), 'd'],
    ],
  },
  {
    name: 'one number for a rule that two chains come to, and several numbers on one way',
    policies: { INPUT: 'DROP' },
    chains: ['both'],
    rules: [
      '-A INPUT -p udp --dport 7 -m connlimit --connlimit-above 2 --connlimit-mask 32 --connlimit-daddr -j LOG',
      '-A INPUT -p udp -j both',
      '-A FORWARD -i eth0 -o eth1 -p udp -j both',
      '-A both -m connlimit --connlimit-above 4 --connlimit-mask 24 -j DROP',
      '-A both -p udp --dport 7 -m connlimit ! --connlimit-above 2 --connlimit-mask 0 -j ACCEPT',
      '-A both -p udp --dport 8 -j ACCEPT',
      '-A FORWARD -j DROP',
    ],
    packets: [
      [SOON, to(7, 1), 'a'],
      [SOON, forwarded(8, 2), 'a'],
      [SOON, forwarded(7, 3), 'a'],
      [SOON, to(7, 4), 'd'],
      [SOON, to(7, 1), 'd'],
      [SOON, to(8, 5), 'a'],
      [SOON, forwarded(8, 6), 'd'],
    ],
  },
];

const RATE = '--rateest-interval 250ms --rateest-ewmalog 500ms';

export const RATE_SEQUENCES: readonly TimedSequence[] = [
  {
    name: 'a rate that rises and falls',
    rules: [
      `-A INPUT -p udp --dport 9 -j RATEEST --rateest-name busy ${RATE}`,
      `-A INPUT -p udp --dport 8 -j RATEEST --rateest-name idle ${RATE}`,
      '-A INPUT -p udp --dport 1 -m rateest --rateest busy --rateest-gt --rateest-pps 20 -j DROP',
      '-A INPUT -p udp --dport 2 -m rateest --rateest1 idle --rateest-lt --rateest-bps1 --rateest2 busy --rateest-bps2 -j DROP',
      '-A INPUT -p udp --dport 9 -j DROP',
    ],
    packets: [
      [0, to(1, 1), 'a'],
      [0, to(2, 1), 'a'],
      ...Array.from({ length: 100 }, (): TimedPacket => [0, to(9, 2), 'd']),
      [400, to(1, 1), 'd'],
      [0, to(2, 1), 'd'],
      [2000, to(1, 1), 'a'],
    ],
  },
];
