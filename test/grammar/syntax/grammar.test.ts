import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineParser } from '../../../grammar/syntax/line-parser.js';

/** The parser library's validation calls Object.groupBy, which Node 20 lacks. */
function groupBy(items: Iterable<unknown>, key: (item: unknown, index: number) => PropertyKey): object {
  const groups: Record<PropertyKey, unknown[]> = {};
  let index = 0;
  for (const item of items) (groups[key(item, index++)] ??= []).push(item);
  return groups;
}

describe('grammar of a line', () => {
  const before = Object.getOwnPropertyDescriptor(Object, 'groupBy');
  beforeEach(
    () => void Object.defineProperty(Object, 'groupBy', { value: groupBy, configurable: true, writable: true }),
  );
  afterEach(() => {
    if (before === undefined) Reflect.deleteProperty(Object, 'groupBy');
    else Object.defineProperty(Object, 'groupBy', before);
  });

  it('passes the validations that production skips', () => {
    expect(() => new LineParser({ skipValidations: false })).not.toThrow();
  });

  it('is the same grammar as without them', () => {
    const line = '[1:2] -A INPUT -m comment --comment "a b"\n';
    expect(new LineParser({ skipValidations: false }).parse(line)).toEqual(new LineParser().parse(line));
  });
});
