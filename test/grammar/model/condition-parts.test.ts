import { describe, expect, it } from 'vitest';
import { all, equals, hotdrop, not, opaque, payload, TRUE, type Condition } from '../../../grammar/model/condition.js';
import { asksMore, opaqueTests, payloadTests, visitCondition } from '../../../grammar/model/condition-parts.js';

describe('visitCondition', () => {
  const limit = { name: 'limit', average: 1, burst: 1 } as const;
  it.each<{ name: string; have: Condition; want: readonly string[] }>([
    { name: 'nothing', have: TRUE, want: [] },
    { name: 'below a negation', have: not(equals('proto', 6)), want: ['proto'] },
    { name: 'below a hotdrop', have: hotdrop(equals('fragoff', 1)), want: ['fragoff'] },
    { name: 'an opaque test', have: not(opaque(limit)), want: ['limit'] },
    {
      name: 'all parts in their order, also those twice',
      have: all(equals('ttl', 1), { kind: 'any', of: [equals('tos', 1), opaque(limit)] }, equals('ttl', 2)),
      want: ['ttl', 'tos', 'limit', 'ttl'],
    },
  ])('visits $name', ({ have, want }) => {
    const seen: string[] = [];
    visitCondition(have, { field: (field) => seen.push(field), opaque: (test) => seen.push(test.name) });
    expect(seen).toEqual(want);
  });
});

describe('tests of a condition', () => {
  const limit = { name: 'limit', average: 1, burst: 1 } as const;
  const option = { kind: 'dccp-option', option: 5, inverted: false } as const;
  const have = all(equals('ttl', 1), hotdrop(payload(option)), not(opaque(limit)));

  it('those without an answer in the packet', () => expect(opaqueTests(have)).toEqual([limit]));
  it('those that walk over it', () => expect(payloadTests(have)).toEqual([option]));
  it.each([
    { name: 'fields', of: equals('ttl', 1), want: false },
    { name: 'a walk', of: not(payload(option)), want: true },
    { name: 'an opaque test', of: all(equals('ttl', 1), opaque(limit)), want: true },
  ])('$name: more than fields is $want', ({ of, want }) => expect(asksMore(of)).toBe(want));
});
