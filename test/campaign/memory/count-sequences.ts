/** Rules that count by themselves: `statistic`, `quota`, `limit`. */
import { forwarded, times, udp, type TimedPacket, type TimedSequence } from './sequence.js';

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
