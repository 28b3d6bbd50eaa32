import { expect, it } from 'vitest';
import { isPiece6 } from '../../../src/verify/reference.js';

/** An IPv6 header whose next header is a fragment header, and these bytes of it. */
function packet(...bytes: readonly number[]): Uint8Array {
  const header = new Uint8Array(40 + bytes.length);
  header.set([0x60, 0, 0, 0, 0, bytes.length, 44, 64]);
  header.set(bytes, 40);
  return header;
}

it.each([
  { name: 'a later piece', have: packet(6, 0, 0x05, 0xa8, 0, 0, 0, 1), want: true, atomic: true },
  { name: 'the first piece', have: packet(6, 0, 0x00, 0x01, 0, 0, 0, 1), want: true, atomic: true },
  {
    name: 'a whole datagram behind a fragment header',
    have: packet(6, 0, 0, 0, 0, 0, 0, 1),
    want: false,
    atomic: true,
  },
  { name: 'a header cut behind its offset', have: packet(110, 0x6c, 0x48, 0xa3, 0x3e), want: true, atomic: true },
  { name: 'a header cut behind an offset of 0', have: packet(6, 0, 0, 0, 0), want: false, atomic: true },
  { name: 'a header cut before its offset', have: packet(6, 0, 0x48), want: false, atomic: true },
  { name: 'no byte of the header', have: packet(), want: false, atomic: true },
])('$name', ({ have, want, atomic }) => {
  expect(isPiece6(have, false)).toBe(want);
  expect(isPiece6(have, true)).toBe(atomic);
});
