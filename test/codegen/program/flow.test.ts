import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOW_STATE, layoutFlow, MAX_OPTION_BYTES, storedBytes, type Fact } from '../../../codegen/program/flow.js';
import { fieldBits, FIELDS, type Field } from '../../../grammar/model/fields.js';

const FIELD_NAMES = Object.keys(FIELDS) as Field[];
const families = fc.constantFrom('v4' as const, 'v6' as const);
/** What a hook knows beside the packet: words of 32 bits. */
const FACT_BYTES: Readonly<Record<Fact, number>> = {
  owner: 12,
  'route-type': 4,
  targets: 4,
  asked: 4,
  places: 12,
  traced: 4,
  'in-group': 4,
  'out-group': 4,
};
const factSets = fc.subarray(Object.keys(FACT_BYTES) as Fact[]).map((facts) => new Set(facts));
const fieldSets = fc.subarray(FIELD_NAMES, { minLength: 0 }).map((fields) => new Set(fields));

describe('layoutFlow', () => {
  it.each<{ name: string; family: 'v4' | 'v6'; used: readonly Field[]; facts?: readonly Fact[]; want: object }>([
    { name: 'nothing but the head', family: 'v4', used: [], want: { bytes: 24, fields: {} } },
    { name: 'one byte takes a word', family: 'v4', used: ['proto'], want: { bytes: 32, fields: { proto: 25 } } },
    {
      name: 'wide fields first, then by size',
      family: 'v4',
      used: ['proto', 'dport', 'saddr', 'iif'],
      want: { bytes: 48, fields: { iif: 24, dport: 42, proto: 41, saddr: 44 } },
    },
    {
      name: 'IPv6 addresses are wide',
      family: 'v6',
      used: ['proto', 'saddr', 'mac.src'],
      want: { bytes: 56, fields: { saddr: 24, 'mac.src': 40, proto: 49 } },
    },
    {
      name: 'room for the TCP options behind the fields',
      family: 'v4',
      used: ['tcp.options', 'proto'],
      want: { bytes: 64 + MAX_OPTION_BYTES, fields: { 'tcp.options': 24, proto: 57 }, optionBytes: 64 },
    },
    {
      name: 'facts behind the fields, on words of 32 bits',
      family: 'v4',
      used: ['proto'],
      facts: ['owner', 'route-type'],
      want: { bytes: 48, fields: { proto: 25, owner: 28, 'route-type': 40 } },
    },
  ])('$name', ({ family, used, facts: known, want }) => {
    const { offsets, facts, ...rest } = layoutFlow(new Set(used), family, new Set(known));
    expect({ ...rest, fields: Object.fromEntries<number>([...offsets, ...facts]) }).toEqual(want);
  });

  it('fields are aligned, apart from one another and from the head, and inside', () => {
    fc.assert(
      fc.property(fieldSets, factSets, families, (used, known, family) => {
        const { bytes, offsets, facts, optionBytes } = layoutFlow(used, family, known);
        const owner = new Array<string | undefined>(bytes).fill(undefined);
        const take = (name: string, start: number, length: number): void => {
          for (let at = start; at < start + length; at++) {
            expect(owner[at], `byte ${at} of ${name}`).toBeUndefined();
            expect(at, name).toBeLessThan(bytes);
            owner[at] = name;
          }
        };
        take('head', 0, FLOW_STATE + 4);
        expect(new Set(offsets.keys())).toEqual(used);
        for (const [field, offset] of offsets) {
          const size = storedBytes(field, family);
          expect(offset % Math.min(size, 8), field).toBe(0);
          // Where the verifier would take it for a register that was put away.
          if (size < 8) expect(offset % 8, field).not.toBe(0);
          take(field, offset, size);
        }
        expect(new Set(facts.keys())).toEqual(known);
        for (const [fact, offset] of facts) {
          expect(offset % 4, fact).toBe(0);
          take(fact, offset, FACT_BYTES[fact]);
        }
        if (optionBytes !== undefined) take('options', optionBytes, MAX_OPTION_BYTES);
        expect(optionBytes !== undefined).toBe(used.has('tcp.options'));
        expect(bytes % 8).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('each word behind the head has a field', () => {
    fc.assert(
      fc.property(fieldSets, families, (used, family) => {
        const { bytes, offsets, optionBytes = bytes } = layoutFlow(used, family);
        const words = new Set<number>();
        for (const [field, offset] of offsets) {
          for (let at = offset; at < offset + storedBytes(field, family); at++) words.add(at >> 3);
        }
        expect(words.size).toBe((optionBytes - 24) / 8);
      }),
    );
  });

  it('all fields together leave almost half of the 512 bytes of stack', () => {
    for (const family of ['v4', 'v6'] as const) {
      const facts = new Set(Object.keys(FACT_BYTES) as Fact[]);
      expect(layoutFlow(new Set(FIELD_NAMES), family, facts).bytes).toBeLessThanOrEqual(272);
    }
  });
});

describe('storedBytes', () => {
  it.each(FIELD_NAMES.flatMap((field) => (['v4', 'v6'] as const).map((family) => ({ field, family }))))(
    '$field ($family) holds every value in the least bytes that one load takes',
    ({ field, family }) => {
      const bits = fieldBits(field, family);
      const sizes = [1, 2, 4, 8, 16, 24, 32];
      expect(storedBytes(field, family)).toBe(sizes.find((size) => size * 8 >= bits));
    },
  );
});
