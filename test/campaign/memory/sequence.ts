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
export function udp(host: number, port: number, more = '', family: Family = 'v4'): string {
  return `udp ${source(family, host)}:4000 > ${HOST[family]}:${port}${more} in eth0`;
}

export function forwarded(host: number, port: number, more = ''): string {
  return `udp ${source('v4', host)}:4000 > 203.0.113.9:${port}${more} in eth0 out eth1`;
}

/** From here to another host. */
export const sent = (host: number, port: number): string =>
  `udp 192.0.2.1:4000 > ${source('v4', host)}:${port} out eth0`;

export const times = (count: number, one: (index: number) => TimedPacket): readonly TimedPacket[] =>
  Array.from({ length: count }, (_, index) => one(index));

export const both = (make: (family: Family) => TimedSequence): readonly TimedSequence[] => [make('v4'), make('v6')];
