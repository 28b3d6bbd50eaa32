import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answer, isIngress, specialise, type Undecided, type View } from '../../../codegen/program/view.js';
import {
  ADDRESS_TYPES,
  all,
  any,
  equals,
  FALSE,
  hotdrop,
  inSet,
  not,
  opaque,
  TRUE,
  type AddressType,
  type Condition,
  type Opaque,
} from '../../../grammar/model/condition.js';
import type { BuiltinChain, Family } from '../../../grammar/model/family.js';
import { fieldBits, type Field } from '../../../grammar/model/fields.js';
import { contains, intervals } from '../../../grammar/model/interval.js';
import { outcomeOf } from '../../../src/evaluate/outcome.js';
import { firstAnswer, surroundingsOracle, type FieldValues } from '../../../src/evaluate/index.js';
import { answerOf, answers, conditions, FIELD_NAMES, packetsFor, values } from './condition-cases.js';

const CHAINS: readonly BuiltinChain[] = ['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING'];
const VIEWS: readonly View[] = (['v4', 'v6'] as const).flatMap((family) =>
  CHAINS.flatMap((chain): View[] =>
    chain === 'OUTPUT'
      ? [{ hook: 'tc', family, chain }]
      : [
          { hook: 'xdp', family, chain },
          { hook: 'tc', family, chain },
        ],
  ),
);

/** What a packet of the view has for certain: no device on the side where there is none, no mark at XDP. */
function asSeen(fields: FieldValues, { hook, family, chain }: View): FieldValues {
  return {
    ...fields,
    ...(chain === 'OUTPUT' ? { iif: 0n } : {}),
    ...(chain === 'INPUT' || chain === 'PREROUTING' ? { oif: 0n } : {}),
    ...(family === 'v4' ? { l4found: 1n } : {}),
    ...(hook === 'xdp' ? { mark: 0n } : {}),
  };
}

function outcome(condition: Condition, fields: FieldValues, given: readonly boolean[]): number {
  const mark = Number(fields.mark);
  return outcomeOf(condition, { fields, mark, changed: false, answer: (test) => answerOf(given, test) });
}

const views = fc.constantFrom(...VIEWS);

describe('specialise', () => {
  it('keeps the meaning for every packet that the view can see', () => {
    const cases = views.chain((view) =>
      conditions(view.family).chain((condition) =>
        fc.tuple(
          fc.constant({ view, condition }),
          fc.array(fc.tuple(packetsFor(condition, view.family), answers), { minLength: 8, maxLength: 8 }),
        ),
      ),
    );
    fc.assert(
      fc.property(cases, ([{ view, condition }, packets]) => {
        const undecided: Undecided[] = [];
        const special = specialise(condition, view, undecided);
        expect(undecided).toEqual([]);
        for (const [packet, given] of packets) {
          const fields = asSeen(packet, view);
          expect(outcome(special, fields, given)).toBe(outcome(condition, fields, given));
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('leaves no field that is known beforehand, and no set that is empty, all, or beyond the field', () => {
    const cases = views.chain((view) => fc.tuple(fc.constant(view), conditions(view.family)));
    fc.assert(
      fc.property(cases, ([view, condition]) => checkMemberships(specialise(condition, view, []), view)),
      { numRuns: 1500 },
    );
  });

  const xdp: View = { hook: 'xdp', family: 'v4', chain: 'INPUT' };
  const fragment = hotdrop(equals('fragoff', 1));
  it.each<{ name: string; have: Condition; want: Condition; view?: View }>([
    { name: 'no output device in INPUT: a name', have: equals('oif', 5), want: FALSE },
    { name: 'no output device in INPUT: not a name', have: not(equals('oif', 5)), want: TRUE },
    {
      name: 'no input device in OUTPUT',
      have: equals('iif', 0),
      want: TRUE,
      view: { ...xdp, hook: 'tc', chain: 'OUTPUT' },
    },
    {
      name: 'devices of both sides in FORWARD',
      have: equals('oif', 5),
      want: equals('oif', 5),
      view: { ...xdp, chain: 'FORWARD' },
    },
    { name: 'no mark at XDP', have: equals('mark', 0, 0xffn), want: TRUE },
    { name: 'a mark at tc', have: equals('mark', 1), want: equals('mark', 1), view: { ...xdp, hook: 'tc' } },
    { name: 'IPv4 always finds the transport header', have: equals('l4found', 1), want: TRUE },
    { name: 'IPv6 may not', have: equals('l4found', 1), want: equals('l4found', 1), view: { ...xdp, family: 'v6' } },
    { name: 'all values', have: inSet('ttl', intervals([0, 255])), want: TRUE },
    { name: 'more than all values', have: inSet('ttl', intervals([0, 1000])), want: TRUE },
    { name: 'all values of a mask', have: inSet('tos', intervals([0, 15]), 15n), want: TRUE },
    { name: 'values that the field has not', have: inSet('ttl', intervals([256, 300])), want: FALSE },
    { name: 'a mask of all bits is none', have: equals('ttl', 5, 0xffn), want: equals('ttl', 5) },
    { name: 'what holds is left out of `all`', have: all(TRUE, equals('ttl', 5)), want: equals('ttl', 5) },
    { name: 'what fails ends `all`', have: all(equals('ttl', 5), FALSE, fragment), want: FALSE },
    { name: 'a hotdrop before it stays', have: all(fragment, FALSE), want: all(fragment, FALSE) },
    { name: 'what holds ends `any`', have: any(equals('ttl', 5), TRUE, fragment), want: TRUE },
    { name: 'a hotdrop before that stays', have: any(fragment, TRUE), want: any(fragment, TRUE) },
    { name: 'a hotdrop that never comes is true', have: hotdrop(equals('oif', 5)), want: TRUE },
    {
      name: '`all` in `all` is one',
      have: all(equals('ttl', 5), all(equals('tos', 1), equals('proto', 6))),
      want: all(equals('ttl', 5), equals('tos', 1), equals('proto', 6)),
    },
  ])('$name', ({ have, want, view = xdp }) => {
    const undecided: Undecided[] = [];
    expect(specialise(have, view, undecided)).toEqual(want);
    expect(undecided).toEqual([]);
  });

  const rewritten = { rewrittenBy: 'table nat, chain PREROUTING, line 7' } as const;
  it.each<{ chain: BuiltinChain; fields: readonly Field[] }>([
    { chain: 'INPUT', fields: ['daddr', 'dport', 'oif', 'ttl'] },
    { chain: 'FORWARD', fields: ['daddr', 'dport', 'oif', 'ttl'] },
    { chain: 'OUTPUT', fields: ['saddr', 'sport'] },
    { chain: 'PREROUTING', fields: [] },
  ])('where addresses may be rewritten, $chain does not know $fields', ({ chain, fields }) => {
    const view: View = { hook: 'tc', family: 'v4', chain, ...rewritten };
    const unknown = FIELD_NAMES.filter((field) => {
      const undecided: Undecided[] = [];
      specialise(equals(field, 1), view, undecided);
      for (const why of undecided) {
        expect(why).toEqual({
          reason: 'addresses may be rewritten before the chain (table nat, chain PREROUTING, line 7)',
          advice: 'use exact mode',
        });
      }
      return undecided.length > 0;
    });
    expect(new Set(unknown)).toEqual(new Set(fields));
  });

  it('where the mark is changed behind the hook it is not known, at XDP neither', () => {
    for (const hook of ['xdp', 'tc'] as const) {
      const undecided: Undecided[] = [];
      const view: View = { hook, family: 'v4', chain: 'INPUT', markChangedBy: 'table mangle, chain INPUT, line 3' };
      expect(specialise(equals('mark', 0), view, undecided)).toMatchObject({ kind: 'opaque' });
      expect(undecided).toEqual([
        { reason: 'the mark is set after this hook (table mangle, chain INPUT, line 3)', advice: 'use --mode early' },
      ]);
    }
  });

  it('a test without answer stays where it is and is told once each', () => {
    const state = opaque({ name: 'ctstate', states: ['NEW'] });
    const undecided: Undecided[] = [];
    expect(specialise(all(equals('ttl', 5), not(state)), xdp, undecided)).toEqual(all(equals('ttl', 5), not(state)));
    expect(undecided.map(({ reason }) => reason)).toEqual([
      'the connection state is not known at xdp: conntrack looks at a packet later',
    ]);
  });

  it('and behind what ends the sequence it is none', () => {
    const undecided: Undecided[] = [];
    specialise(all(equals('oif', 5), opaque({ name: 'ctstate', states: ['NEW'] })), xdp, undecided);
    expect(undecided).toEqual([]);
  });
});

function isConstant(view: View, field: Field): boolean {
  const seen = [0n, 1n].map((value) => {
    const fields = Object.fromEntries(FIELD_NAMES.map((name) => [name, value])) as FieldValues;
    return asSeen(fields, view)[field];
  });
  return seen[0] === seen[1];
}

function checkMemberships(condition: Condition, view: View): void {
  if (condition.kind === 'not') checkMemberships(condition.of, view);
  if (condition.kind === 'hotdrop') checkMemberships(condition.when, view);
  if (condition.kind === 'all' || condition.kind === 'any') {
    for (const part of condition.of) checkMemberships(part, view);
  }
  if (condition.kind !== 'in') return;
  const { field, set, mask = (1n << BigInt(fieldBits(field, view.family))) - 1n } = condition;
  expect(isConstant(view, field), field).toBe(false);
  expect(set).not.toEqual([]);
  expect(set).not.toEqual([{ lo: 0n, hi: mask }]);
  expect(set[set.length - 1].hi).toBeLessThanOrEqual(mask);
}

describe('answer', () => {
  const at = (family: Family, chain: BuiltinChain = 'INPUT'): View => ({ hook: 'xdp', family, chain });
  type AddressTest = Extract<Opaque, { name: 'addrtype' }>;
  const addressTest = (types: readonly AddressType[], which: 'src' | 'dst' = 'dst'): AddressTest => ({
    name: 'addrtype',
    which,
    types,
  });

  it.each<{ name: string; test: Opaque; family?: Family; reason: string; advice: string }>([
    {
      name: 'a connection state',
      test: { name: 'ctstate', states: ['NEW'] },
      reason: 'the connection state is not known at xdp: conntrack looks at a packet later',
      advice: 'use --mode early and keep iptables behind it',
    },
    {
      name: 'another test of the connection',
      test: { name: 'conntrack', words: ['--ctproto', 'tcp'] },
      reason: 'the conntrack entry is not known at xdp: conntrack looks at a packet later',
      advice: 'use --mode early and keep iptables behind it',
    },
    {
      name: 'a match that is not understood',
      test: { name: 'module', module: 'connlimit', words: [] },
      reason: 'match connlimit is not translated: the number of connections is known to conntrack alone',
      advice: 'use --mode early and keep iptables behind it',
    },
    {
      name: 'a local source',
      test: addressTest(['LOCAL'], 'src'),
      reason: "the type of a source address is a question to the host's routes",
      advice: 'use --mode early, or write the addresses',
    },
    {
      name: 'a broadcast destination',
      test: addressTest(['BROADCAST']),
      reason: "the type of a destination address is a question to the host's routes",
      advice: 'use --mode early, or write the addresses',
    },
    {
      name: 'a local IPv6 address',
      test: addressTest(['MULTICAST', 'LOCAL']),
      family: 'v6',
      reason: "address type LOCAL is a question to the host's routes",
      advice: 'use --mode early, or write the addresses',
    },
    {
      name: 'the routes of one device',
      test: { ...addressTest(['MULTICAST']), limitInterface: 'in' },
      reason: '--limit-iface-in/-out asks the routes of one device',
      advice: 'use --mode early',
    },
  ])('has none for $name', ({ test, family = 'v4', reason, advice }) => {
    expect(answer(test, at(family))).toEqual({ reason, advice });
  });

  it('has none for an address that may be rewritten', () => {
    const view = { ...at('v4'), rewrittenBy: 'here' };
    expect(answer(addressTest(['MULTICAST']), view)).toMatchObject({ advice: 'use exact mode' });
    expect(answer(addressTest(['MULTICAST'], 'src'), view)).toHaveProperty('condition');
  });

  it('leaves a limit to the code', () => {
    const test = { name: 'limit', average: 10, burst: 5 } as const;
    expect(answer(test, at('v4'))).toEqual({ condition: opaque(test) });
  });

  // The reference asks the routes where the address does not say it: an answer must not depend on what they say.
  const types = fc.subarray([...ADDRESS_TYPES]);
  const which = fc.constantFrom('src' as const, 'dst' as const);
  const special = [0n, 0xffffffffn, 0xe0000000n, 0xefffffffn, 0xdfffffffn, 0xf0000000n, 0x7f000001n, 0xc0000201n];
  const special6 = [0n, 1n, 0xffn << 120n, (0xffn << 120n) - 1n, 0xffffc0000201n, 0xfffec0000201n, 0xfe80n << 112n];
  it.each(['v4', 'v6'] as const)('where it has one for an address type (%s), the reference has the same', (family) => {
    let answered = 0;
    const addresses = fc.oneof(
      fc.constantFrom(...(family === 'v4' ? special : special6)),
      values(family === 'v4' ? 32 : 128),
    );
    const routed = fc.constantFrom<AddressType>('UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST');
    fc.assert(
      fc.property(types, which, addresses, routed, (asked, side, address, type) => {
        const test = addressTest(asked, side);
        const known = answer(test, at(family));
        if (!('condition' in known)) return;
        answered++;
        const packet = { frame: new Uint8Array(), inInterface: '', outInterface: '', mark: 0 };
        const fields = { saddr: address, daddr: address } as FieldValues;
        // What the routes can say of an IPv6 address is of no concern: none of the types left asks them.
        const oracle = firstAnswer(surroundingsOracle({ addressType: () => type }, packet, family));
        const want = oracle(test, { chain: 'INPUT', number: 1 }, fields);
        expect(holds(known.condition, fields)).toBe(want);
      }),
      { numRuns: 3000 },
    );
    expect(answered).toBeGreaterThan(100);
  });

  function holds(condition: Condition, fields: FieldValues): boolean {
    if (condition.kind !== 'in') throw new Error('an address type is a set of addresses');
    return contains(condition.set, fields[condition.field]);
  }
});

describe('isIngress', () => {
  it.each([
    { chain: 'INPUT', want: true },
    { chain: 'FORWARD', want: true },
    { chain: 'PREROUTING', want: true },
    { chain: 'OUTPUT', want: false },
  ] as const)('$chain: $want', ({ chain, want }) => {
    expect(isIngress({ hook: 'tc', family: 'v4', chain })).toBe(want);
  });
});
