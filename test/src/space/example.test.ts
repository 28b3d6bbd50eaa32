import { describe, expect, it } from 'vitest';
import { all, equals, inSet, not, type Condition } from '../../../grammar/model/condition.js';
import type { Family } from '../../../grammar/model/family.js';
import { single, type IntervalSet } from '../../../grammar/model/interval.js';
import { printPacketText } from '../../../src/packet/index.js';
import { exampleOf } from '../../../src/space/example.js';
import { PacketSpace } from '../../../src/space/space.js';

const network = (first: bigint, bits: bigint): IntervalSet => [{ lo: first, hi: first + (1n << bits) - 1n }];
const V4 = inSet('saddr', network(0xc6336400n, 8n));
const V6 = inSet('saddr', network(0x20010db8n << 96n, 96n));

/** Sources are those of documentation, or the nearest: none that no packet comes from, such as ::1 behind a device. */
const ROWS: readonly { name: string; family: Family; condition: Condition; want: string }[] = [
  { name: 'IPv4', family: 'v4', condition: V4, want: '198.51.100.7' },
  { name: 'IPv4 beside it', family: 'v4', condition: not(V4), want: '198.51.99.255' },
  { name: 'IPv6', family: 'v6', condition: V6, want: '[2001:db8::7]' },
  { name: 'IPv6 beside it', family: 'v6', condition: not(V6), want: '[2001:db7:ffff:ffff:ffff:ffff:ffff:ffff]' },
  {
    name: 'IPv6 above it',
    family: 'v6',
    condition: inSet('saddr', network(0x20020000n << 96n, 64n)),
    want: '[2002::1]',
  },
  { name: 'one address', family: 'v6', condition: inSet('saddr', single(0xfe80n << 112n)), want: '[fe80::]' },
];

describe('the source of an example', () => {
  it.each(ROWS)('$name', ({ family, condition, want }) => {
    const wanted = all(equals('proto', 6), condition);
    const space = new PacketSpace({ family, hook: 'INPUT', conditions: [wanted] });
    const example = exampleOf(space, [space.outcomes.of(wanted, { occurrence: '' })]);
    expect(example && printPacketText(example.packet)).toMatch(`tcp ${want}:40000 > `);
  });
});
