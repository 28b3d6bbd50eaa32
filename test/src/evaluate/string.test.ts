import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFoundByBoyerMoore } from '../../../codegen/program/payload/text.js';
import { answerPayload } from '../../../src/evaluate/payload/index.js';
import type { PayloadTest } from '../../../grammar/model/payload.js';

type TextTest = Extract<PayloadTest, { kind: 'string' }>;

function answer(test: Partial<TextTest>, bytes: Uint8Array): string {
  const whole: TextTest = {
    kind: 'string',
    algorithm: 'kmp',
    text: new Uint8Array(0),
    from: 0,
    to: 65_535,
    ignoreCase: false,
    ...test,
  };
  return answerPayload(whole, { family: 'v4', bytes, transport: 20, sourceMac: 0n });
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('text in a packet', () => {
  it.each<{ name: string; text: string; packet: string; test: Partial<TextTest>; want: string }>([
    { name: 'at the end', text: 'end', packet: '....end', test: {}, want: 'yes' },
    { name: 'cut off', text: 'end', packet: '....en', test: {}, want: 'no' },
    { name: 'up to the last byte that counts', text: 'end', packet: '..end..', test: { to: 5 }, want: 'yes' },
    { name: 'one byte beyond it', text: 'end', packet: '..end..', test: { to: 4 }, want: 'no' },
    { name: 'from its first byte', text: 'end', packet: '..end..', test: { from: 2 }, want: 'yes' },
    { name: 'from its second byte', text: 'end', packet: '..end..', test: { from: 3 }, want: 'no' },
    { name: 'a search behind the packet', text: 'e', packet: 'eee', test: { from: 3 }, want: 'no' },
    { name: 'the other letter case', text: 'end', packet: '..END..', test: {}, want: 'no' },
    { name: 'the other letter case, ignored', text: 'eNd', packet: '..EnD..', test: { ignoreCase: true }, want: 'yes' },
  ])('$name: $want, by either algorithm', ({ text, packet, test, want }) => {
    for (const algorithm of ['bm', 'kmp'] as const) {
      expect(answer({ ...test, algorithm, text: ascii(text) }, ascii(packet))).toBe(want);
    }
  });

  it('Boyer-Moore of the kernel finds what is there, but for some letters of Latin-1', () => {
    // Few letters, so that much repeats; some whose other case is out of the ordinary.
    const byte = fc.constantFrom(0x61, 0x62, 0x41, 0xe9, 0xc9, 0xdf, 0xbf, 0xff);
    const bytes = (least: number, most: number) =>
      fc
        .uint8Array({ minLength: least, maxLength: most })
        .chain((shape) =>
          fc.array(byte, { minLength: shape.length, maxLength: shape.length }).map((list) => Uint8Array.from(list)),
        );
    fc.assert(
      fc.property(bytes(1, 6), bytes(0, 40), fc.boolean(), (text, packet, ignoreCase) => {
        const test = { text, ignoreCase, algorithm: 'bm' } as const;
        fc.pre(isFoundByBoyerMoore({ kind: 'string', from: 0, to: 65_535, ...test }));
        expect(answer(test, packet)).toBe(answer({ ...test, algorithm: 'kmp' }, packet));
      }),
      { numRuns: 3000, seed: 5 },
    );
  });
});
