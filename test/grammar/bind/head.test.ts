import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../grammar/model/condition.js';
import { parseRule } from '../../../grammar/index.js';

const name = (text: string): bigint => BigInt(`0x${Buffer.from(text).toString('hex').padEnd(32, '0')}`);
const within = (field: string, lo: bigint, hi: bigint = lo): unknown => ({ kind: 'in', field, set: [{ lo, hi }] });
const not = (of: unknown): unknown => ({ kind: 'not', of });
const all = (...of: readonly unknown[]): unknown => ({ kind: 'all', of });
const NEVER = { kind: 'any', of: [] };
const NO_HEADER = { kind: 'hotdrop', when: within('l4found', 0n) };

function head(text: string, family: 'v4' | 'v6'): Condition {
  const { rules, diagnostics } = parseRule(text, { family, table: 'filter', chain: 'mine' });
  expect(diagnostics).toEqual([]);
  return rules[0].head;
}

/** ip_packet_match, ip6_packet_match: addresses, interfaces, protocol, fragment, in this order. */
describe('meaning of a head', () => {
  it.each([
    { text: '', want: all() },
    { text: '-s 10.1.2.3/8', want: within('saddr', 0x0a000000n, 0x0affffffn) },
    { text: '-d 10.1.2.3', want: within('daddr', 0x0a010203n) },
    { text: '! -d 10.1.2.3', want: not(within('daddr', 0x0a010203n)) },
    { text: '-s 10.0.0.1/255.0.0.255', want: { ...Object(within('saddr', 0x0a000001n)), mask: 0xff0000ffn } },
    { text: '-s 0/0', want: all() },
    { text: '! -s 0/0', want: NEVER },
    { text: '-i eth0', want: within('iif', name('eth0')) },
    { text: '-o eth+', want: within('oif', name('eth'), name('eth') | ((1n << 104n) - 1n)) },
    { text: '! -i e+h', want: not(within('iif', name('e+h'))) },
    { text: '-i +', want: all() },
    { text: '! -o +', want: NEVER },
    { text: '-p tcp', want: within('proto', 6n) },
    { text: '! -p 17', want: not(within('proto', 17n)) },
    { text: '-p all', want: all() },
    { text: '-f', want: within('fragoff', 1n, 0xffffn) },
    { text: '! -f', want: not(within('fragoff', 1n, 0xffffn)) },
    {
      text: '-f -p udp -o b -i a -d 2.2.2.2 -s 1.1.1.1',
      want: all(
        within('saddr', 0x01010101n),
        within('daddr', 0x02020202n),
        within('iif', name('a')),
        within('oif', name('b')),
        within('proto', 17n),
        within('fragoff', 1n, 0xffffn),
      ),
    },
  ])('IPv4 $text', ({ text, want }) => expect(head(text, 'v4')).toEqual(want));

  it.each([
    { text: '', want: all() },
    { text: '-s fe80::1/10', want: within('saddr', 0xfe80n << 112n, (0xfec0n << 112n) - 1n) },
    { text: '-p tcp', want: all(NO_HEADER, within('proto', 6n)) },
    { text: '! -p tcp', want: all(NO_HEADER, not(within('proto', 6n))) },
    { text: '-p all', want: NO_HEADER },
    {
      text: '-p udp -i a -d ::1',
      want: all(within('daddr', 1n), within('iif', name('a')), NO_HEADER, within('proto', 17n)),
    },
  ])('IPv6 $text', ({ text, want }) => expect(head(text, 'v6')).toEqual(want));
});

describe('warnings', () => {
  it('tells that -p of an extension header never matches', () => {
    const codes = parseRule('-p ah', { family: 'v6', table: 'filter', chain: 'X' }).diagnostics.map(({ code }) => code);
    expect(codes).toEqual(['extension-header-protocol']);
  });
});
