import { describe, expect, it } from 'vitest';
import { scanUnsigned, scanWrapping } from '../../../../grammar/modules/value/number.js';

const MAX = (1n << 64n) - 1n;

describe('numbers as strtoul reads them', () => {
  it.each([
    ['12x', 10, 12n, 'x'],
    [' +7', 10, 7n, ''],
    ['010', 0, 8n, ''],
    ['08', 0, 0n, '8'],
    ['0x1F:', 0, 31n, ':'],
    ['1f', 16, 31n, ''],
    ['-1', 10, MAX, ''],
    [' -2', 10, MAX - 1n, ''],
    ['-0', 10, 0n, ''],
    ['18446744073709551616', 10, MAX, ''],
    ['-18446744073709551616', 10, MAX, ''],
    ['', 10, 0n, ''],
    ['x', 10, 0n, 'x'],
    ['- 1', 10, 0n, '- 1'],
    ['--1', 10, 0n, '--1'],
  ] as const)('%s in base %i', (text, base, value, rest) => expect(scanWrapping(text, base)).toEqual({ value, rest }));

  it.each(['-1', '18446744073709551616', '', 'x', ' '])('xtables_strtoul refuses "%s"', (text) => {
    expect(scanUnsigned(text)).toBeUndefined();
  });
});
