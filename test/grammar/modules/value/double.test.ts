import { describe, expect, it } from 'vitest';
import { scanDouble } from '../../../../grammar/modules/value/double.js';

describe('floating-point numbers as strtod reads them', () => {
  it.each([
    ['1.5s', 1.5, 's'],
    [' +.5', 0.5, ''],
    ['5.', 5, ''],
    ['-1e3x', -1000, 'x'],
    ['1e', 1, 'e'],
    ['1.2.3', 1.2, '.3'],
    ['0x10', 16, ''],
    ['0x.8p1', 1, ''],
    ['-0x1p-2', -0.25, ''],
    ['0x', 0, 'x'],
    ['inf', Infinity, ''],
    ['-Infinityx', -Infinity, 'x'],
    ['nan(12)s', NaN, 's'],
  ])('%s', (text, value, rest) => expect(scanDouble(text)).toEqual({ value, rest }));

  it.each(['', 's', '.', '-', 'e5', 'p'])('none in "%s"', (text) => expect(scanDouble(text)).toBeUndefined());
});
