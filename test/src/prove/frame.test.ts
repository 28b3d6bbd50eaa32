import { expect, test } from 'vitest';
import { Bdd } from '../../../src/prove/bdd.js';
import { Memory } from '../../../src/prove/state.js';
import { constant, type Region } from '../../../src/prove/value.js';
import { Words } from '../../../src/prove/words.js';

const words = new Words(new Bdd());
const STACK: Region = { kind: 'stack', name: 'stack', bytes: 16 };

const places: readonly { readonly offset: number; readonly size: number; readonly inside: boolean }[] = [
  { offset: -16, size: 8, inside: true },
  { offset: -4, size: 4, inside: true },
  { offset: -4, size: 8, inside: false },
  { offset: 0, size: 1, inside: false },
  { offset: -24, size: 8, inside: false },
];

test.each(places)('a frame of 16 bytes: $size bytes at $offset', ({ offset, size, inside }) => {
  const memory = Memory.empty();
  const store = (): void => memory.store(STACK, offset, size, constant(5));
  if (inside) store();
  else expect(store).toThrow('a write beyond a stack frame');
  if (!inside) expect(() => memory.forget(STACK, offset, size)).toThrow('a write beyond a stack frame');
  expect(memory.load(STACK, offset, size, words).kind).toBe(inside ? 'word' : 'unknown');
});
