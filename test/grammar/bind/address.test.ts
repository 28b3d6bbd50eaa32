import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddressList, printMasked } from '../../../grammar/bind/address.js';
import {
  fullMask,
  parseAddress,
  parseIPv6,
  prefixLength,
  prefixMask,
  printAddress,
} from '../../../grammar/modules/value/address.js';

const family = fc.constantFrom('v4' as const, 'v6' as const);
const bits = { v4: 32, v6: 128 } as const;
const addressOf = (of: 'v4' | 'v6'): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: fullMask(of) });
/** Addresses of few distinct groups, so that runs of zeros come up. */
const sparse = fc
  .array(fc.constantFrom(0n, 0n, 0n, 1n, 0xffffn, 0xc000n), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce<bigint>((all, group) => (all << 16n) | group, 0n));

/** As a URL has it: without dots. */
function hostname(address: bigint): string {
  const printed = printAddress(address, 'v6').replace(/[\d.]+\.\d+$/, () =>
    [(address >> 16n) & 0xffffn, address & 0xffffn].map((group) => group.toString(16)).join(':'),
  );
  return `[${printed}]`;
}

describe('IPv4 addresses', () => {
  it.each([
    ['10.0.0.1', 0x0a000001n],
    ['10', 0x0a000000n],
    ['10.1', 0x0a010000n],
    ['10.1.2', 0x0a010200n],
    ['10.300', 0x0a00012cn],
    ['300', 0x0000012cn],
    ['0x0a000001', 0x0a000001n],
    ['010.0x10.0.1', 0x08100001n],
    ['1.2.3.4.5', undefined],
    ['1.2.3.256', undefined],
    ['1.2.3', 0x01020300n],
    ['1.2.3.', undefined],
    ['', undefined],
    ['08', undefined],
    ['4294967296', undefined],
    ['1.2.3.4x', undefined],
  ])('%s', (text, want) => expect(parseAddress(text, 'v4')).toBe(want));
});

describe('IPv6 addresses', () => {
  it.each([
    ['::', 0n],
    ['::1', 1n],
    ['1::', 1n << 112n],
    ['1:2:3:4:5:6:7:8', 0x00010002000300040005000600070008n],
    ['1:2:3:4:5:6:7::', 0x00010002000300040005000600070000n],
    ['::ffff:1.2.3.4', 0xffff01020304n],
    ['1:2:3:4:5:6:1.2.3.4', 0x00010002000300040005000601020304n],
    ['1:2:3:4:5:6:7:8::', undefined],
    ['1::2::3', undefined],
    [':1', undefined],
    ['1:', undefined],
    [':::', undefined],
    ['12345::', undefined],
    ['::01.2.3.4', undefined],
    ['::1.2.3', undefined],
    ['1.2.3.4::', undefined],
    ['fe80::1%eth0', undefined],
    ['', undefined],
  ])('%s', (text, want) => expect(parseIPv6(text)).toBe(want));

  it.each([
    [0n, '::'],
    [1n, '::1'],
    [0x10002n, '::0.1.0.2'],
    [0xffff01020304n, '::ffff:1.2.3.4'],
    [0x00010000000000020000000000000003n, '1:0:0:2::3'],
    [0x00010000000200030004000500060007n, '1:0:2:3:4:5:6:7'],
    [0x00010000000000020000000000030004n, '1::2:0:0:3:4'],
  ])('%s is printed as %s', (address, want) => expect(printAddress(address, 'v6')).toBe(want));

  it('are those that inet_pton takes', () => {
    const piece = fc.constantFrom(
      '0',
      '1',
      'ab',
      'FFFF',
      '00c0',
      '12345',
      ':',
      ':',
      ':',
      '::',
      '1.2.3.4',
      '.',
      'g',
      '',
    );
    const texts = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const value = parseIPv6(text);
        expect(value !== undefined).toBe(isIPv6(text));
        // A URL writes an address in its shortest form, but never a dotted one.
        if (value !== undefined) expect(new URL(`http://[${text}]`).hostname).toBe(hostname(value));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('printing and reading', () => {
  it('an address gives itself', () => {
    fc.assert(
      fc.property(family, fc.bigInt({ min: 0n, max: fullMask('v6') }), (of, any) => {
        const address = any & fullMask(of);
        expect(parseAddress(printAddress(address, of), of)).toBe(address);
      }),
    );
    fc.assert(
      fc.property(sparse, (address) => {
        expect(parseIPv6(printAddress(address, 'v6'))).toBe(address);
      }),
    );
  });

  it('an address with its mask gives itself', () => {
    const masked = family.chain((of) => {
      const mask = fc.oneof(
        addressOf(of),
        fc.nat(bits[of]).map((length) => prefixMask(length, of)),
      );
      return fc.record({ of: fc.constant(of), address: addressOf(of), mask });
    });
    fc.assert(
      fc.property(masked, ({ of, address, mask }) => {
        const value = { address: address & mask, mask };
        expect(parseAddressList(printMasked(value, of), of)).toMatchObject({ value: [value] });
      }),
    );
  });
});

describe('masks', () => {
  it('of a prefix has its length', () => {
    fc.assert(
      fc.property(family, fc.nat(128), (of, any) => {
        const length = Math.min(any, bits[of]);
        expect(prefixLength(prefixMask(length, of), of)).toBe(length);
      }),
    );
  });
  it('with holes has none', () => expect(prefixLength(0xff00ff00n, 'v4')).toBeUndefined());

  it.each([
    ['1.2.3.4/255.255', 'v4'],
    ['1.2.3.4/', 'v4'],
    ['1.2.3.4/33', 'v4'],
    ['::/129', 'v6'],
    ['::/255.0.0.0', 'v6'],
  ] as const)('%s is refused', (text, of) => expect(parseAddressList(text, of)).toHaveProperty('error'));
});
