import { describe, expect, it } from 'vitest';
import { Answers } from '../../../src/verify/answers.js';

/** All answers to a way of asking, as texts of y and n. */
function all(ask: (next: (first: boolean) => boolean) => void): readonly string[] {
  const answers = new Answers();
  const seen: string[] = [];
  do {
    let text = '';
    ask((first) => {
      const value = answers.next(first);
      text += value ? 'y' : 'n';
      return value;
    });
    seen.push(text);
  } while (answers.advance() && seen.length < 100);
  return seen;
}

describe('Answers', () => {
  it.each<{ name: string; ask: (next: (first: boolean) => boolean) => void; want: readonly string[] }>([
    { name: 'no question', ask: () => undefined, want: [''] },
    { name: 'two', ask: (next) => [next(true), next(true)], want: ['yy', 'yn', 'ny', 'nn'] },
    { name: 'each its own first answer', ask: (next) => [next(false), next(true)], want: ['ny', 'nn', 'yy', 'yn'] },
    { name: 'the second depends on the first', ask: (next) => next(true) && next(true), want: ['yy', 'yn', 'n'] },
  ])('$name', ({ ask, want }) => expect(all(ask)).toEqual(want));
});
