/** Buckets of `hashlimit`. */
import { both, forwarded, times, udp, type TimedSequence } from './sequence.js';

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
