import { describe, expect, it } from 'vitest';
import { nearest } from '../../../../grammar/modules/value/suggest.js';

describe('nearest name', () => {
  it.each([
    ['tpc', ['udp', 'tcp'], 'tcp'],
    ['accept', ['DROP', 'ACCEPT'], 'ACCEPT'],
    ['contrack', ['connmark', 'conntrack'], 'conntrack'],
    ['--dprot', ['--sport', '--dport'], '--dport'],
    ['xyz', ['abc', 'tcp'], undefined],
    ['', ['tcp'], undefined],
  ])('to %s', (word, names, want) => expect(nearest(word, names)).toBe(want));
});
