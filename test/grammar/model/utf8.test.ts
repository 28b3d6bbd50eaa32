import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, cutUtf8, hexOf, latin1Of, utf8, utf8Length } from '../../../grammar/model/utf8.js';

/** Any sequence of UTF-16 code units, halves of surrogate pairs among them. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0x41, 0x7f, 0x80, 0xd83d, 0xde00)))
  .map((units) => String.fromCharCode(...units));
const anyBytes = fc.uint8Array({ maxLength: 40 });

describe('text as bytes, as Node has it', () => {
  it('has the same bytes and length', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(Buffer.from(utf8(text)).equals(Buffer.from(text))).toBe(true);
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });

  it('is cut alike', () => {
    fc.assert(
      fc.property(anyText, fc.nat(60), (text, bytes) => {
        expect(cutUtf8(text, bytes)).toBe(Buffer.from(text).subarray(0, bytes).toString());
      }),
    );
  });

  it('has the same order', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
  });

  it('is printed alike', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(hexOf(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(latin1Of(bytes)).toBe(Buffer.from(bytes).toString('latin1'));
      }),
    );
  });
});
