/** Every mode of hashlimit, with masks: what makes another bucket, and what does not. */
import type { Family } from '../../../grammar/model/family.js';
import type { TimedPacket, TimedSequence } from './sequence.js';

const PARTS = ['srcip', 'dstip', 'srcport', 'dstport'] as const;
type Part = (typeof PARTS)[number];

const MODES: readonly (readonly Part[])[] = Array.from({ length: 1 << PARTS.length }, (_, bits) =>
  PARTS.filter((_, bit) => ((bits >> bit) & 1) === 1),
);

const ADDRESSES = {
  v4: { source: '198.51.100.1', near: '198.51.100.9', far: '198.51.101.1', here: '192.0.2.1', beside: '192.0.2.9' },
  v6: {
    source: '[2001:db8:2::1]',
    near: '[2001:db8:2::9]',
    far: '[2001:db8:3::1]',
    here: '[2001:db8::1]',
    beside: '[2001:db8::9]',
  },
} as const;
const OTHER = { v4: '192.0.3.1', v6: '[2001:db8:1::1]' } as const;
const MASK = { v4: 24, v6: 64 } as const;

/** Ports of the packets for a mode: two of a rule's own. */
const portOf = (index: number): number => 1000 + 2 * index;

function rulesFor(family: Family, mode: readonly Part[], index: number): readonly string[] {
  const port = portOf(index);
  const words = [
    ...['--hashlimit-upto 1/hour', '--hashlimit-burst 1', `--hashlimit-name mode${index}`],
    ...(mode.length === 0 ? [] : [`--hashlimit-mode ${mode.join(',')}`]),
    ...(mode.includes('srcip') ? [`--hashlimit-srcmask ${MASK[family]}`] : []),
    ...(mode.includes('dstip') ? [`--hashlimit-dstmask ${MASK[family]}`] : []),
  ];
  const ports = `-p udp --dport ${port}:${port + 1}`;
  return [`-A INPUT ${ports} -m hashlimit ${words.join(' ')} -j ACCEPT`, `-A INPUT ${ports} -j DROP`];
}

function packetsFor(family: Family, mode: readonly Part[], index: number): readonly TimedPacket[] {
  const { source, near, far, here, beside } = ADDRESSES[family];
  const port = portOf(index);
  const udp = (from: string, sport: number, to: string, dport: number): string =>
    `udp ${from}:${sport} > ${to}:${dport} in eth0`;
  const another = (part: Part): 'a' | 'd' => (mode.includes(part) ? 'a' : 'd');
  return [
    [0, udp(source, 4000, here, port), 'a'],
    [0, udp(source, 4000, here, port), 'd'],
    [0, udp(near, 4000, here, port), 'd'],
    [0, udp(far, 4000, here, port), another('srcip')],
    [0, udp(source, 4000, beside, port), 'd'],
    [0, udp(source, 4000, OTHER[family], port), another('dstip')],
    [0, udp(source, 4001, here, port), another('srcport')],
    [0, udp(source, 4000, here, port + 1), another('dstport')],
  ];
}

export const HASHLIMIT_MODES: readonly TimedSequence[] = (['v4', 'v6'] as const).map((family) => ({
  name: 'a bucket for each of what the mode names, in all modes, under masks',
  family,
  rules: MODES.flatMap((mode, index) => rulesFor(family, mode, index)),
  packets: MODES.flatMap((mode, index) => packetsFor(family, mode, index)),
}));
