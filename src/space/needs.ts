import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { Family } from '../../grammar/model/family.js';
import { fieldBits, type Field } from '../../grammar/model/fields.js';
import { intervals, type IntervalSet } from '../../grammar/model/interval.js';
import { ones } from './interval-sets.js';
import { isByteOfFirstWord, isTransportField, measureBits, transportPlace, type Measure } from './measures.js';

/** What conditions ask of a measure. */
export interface MeasureNeed {
  readonly masks: Set<bigint>;
  readonly tests: { readonly mask: bigint; readonly set: IntervalSet }[];
}

/** What conditions ask of packets. */
export interface Needs {
  readonly measures: ReadonlyMap<Measure, MeasureNeed>;
  /** Fields as they are named. */
  readonly fields: ReadonlySet<Field>;
  readonly opaque: readonly Opaque[];
}

/** Address ranges whose types the kernel knows without asking the routes (grammar/modules/match/addrtype.ts). */
export const TYPED_V4: IntervalSet = [
  { lo: 0n, hi: 0n },
  { lo: 0xe0000000n, hi: 0xefffffffn },
  { lo: 0xffffffffn, hi: 0xffffffffn },
];

/** The set within a field's values. */
export function clip(set: IntervalSet, bits: number): IntervalSet {
  const top = ones(bits);
  if (set.length === 0 || set[set.length - 1].hi <= top) return set;
  return set.filter(({ lo }) => lo <= top).map(({ lo, hi }) => ({ lo, hi: hi > top ? top : hi }));
}

/** A test under a mask that cuts off low bits alone is one of ranges. */
export function withoutPrefix(
  set: IntervalSet,
  mask: bigint,
  bits: number,
): { readonly set: IntervalSet; readonly mask: bigint } {
  const rest = ones(bits) ^ mask;
  if (rest === 0n || (rest & (rest + 1n)) !== 0n || hasLowBits(set, rest)) return { set, mask };
  return { set: intervals(...set.map(({ lo, hi }) => [lo, hi | rest] as const)), mask: ones(bits) };
}

/** Whether a bound has bits that the mask cuts off: such a value is never met. */
function hasLowBits(set: IntervalSet, rest: bigint): boolean {
  return set.some(({ lo, hi }) => (lo & rest) !== 0n || (hi & rest) !== 0n);
}

/** Gathers what all conditions ask, so that variables and their parts can be made once. */
export function needsOf(conditions: Iterable<Condition>, family: Family): Needs {
  const measures = new Map<Measure, MeasureNeed>();
  const fields = new Set<Field>();
  const opaque: Opaque[] = [];
  const seen = new WeakSet<Condition>();
  const need = (measure: Measure, mask: bigint, set: IntervalSet): void => {
    let known = measures.get(measure);
    if (known === undefined) measures.set(measure, (known = { masks: new Set(), tests: [] }));
    known.masks.add(mask);
    known.tests.push({ mask, set });
  };
  const own = (measure: Measure): void => {
    if (!measures.has(measure)) need(measure, ones(measureBits(measure, family)), []);
  };
  const visit = (condition: Condition): void => {
    if (seen.has(condition)) return;
    seen.add(condition);
    switch (condition.kind) {
      case 'in':
        fields.add(condition.field);
        return visitField(condition.field, condition.mask, condition.set);
      case 'opaque':
        opaque.push(condition.test);
        if (condition.test.name === 'addrtype' && family === 'v4') {
          need(condition.test.which === 'src' ? 'saddr' : 'daddr', ones(32), TYPED_V4);
        }
        return;
      case 'payload':
        return;
      case 'not':
        return visit(condition.of);
      case 'hotdrop':
        return visit(condition.when);
      case 'all':
      case 'any':
        for (const part of condition.of) visit(part);
    }
  };
  const visitField = (field: Field, mask: bigint | undefined, set: IntervalSet): void => {
    if (isTransportField(field)) {
      const place = transportPlace(field);
      const shift = BigInt(place.shift);
      const whole = ones(place.bits);
      own('l4len');
      if (isByteOfFirstWord(field)) return void [0xffff0000n, 0xffffn].forEach((half) => need('l4.0', half, []));
      need(
        place.measure,
        ((mask ?? whole) & whole) << shift,
        clip(set, place.bits).map(({ lo, hi }) => ({ lo: lo << shift, hi: hi << shift })),
      );
      return;
    }
    switch (field) {
      case 'tcp.whole':
      case 'tcp.options':
        own('l4len');
        need('l4.12', 0xf000n, []);
        return;
      case 'length':
        own('l4len');
        if (family === 'v4') return own('ihl');
        return need('length', ones(16), []);
      case 'mac.ether':
        return need('iif', ones(128), [{ lo: LOOPBACK, hi: LOOPBACK }]);
      case 'fragoff':
        return own('fragoff');
      case 'iif':
      case 'oif':
      case 'saddr':
      case 'daddr':
      case 'proto':
      case 'l4found':
      case 'l4len':
      case 'tos':
      case 'ttl':
      case 'pkttype':
      case 'mac.src':
      case 'mark': {
        const bits = fieldBits(field, family);
        const plain = withoutPrefix(clip(set, bits), (mask ?? ones(bits)) & ones(bits), bits);
        need(field, plain.mask, plain.set);
      }
    }
  };
  for (const condition of conditions) visit(condition);
  if (family === 'v6') {
    if (measures.has('l4len')) own('fragoff');
    if (measures.has('fragoff') || measures.has('proto')) own('l4found');
  }
  return { measures, fields, opaque };
}

/** The name `lo` as its 16 bytes. */
export const LOOPBACK = 0x6c6fn << 112n;
