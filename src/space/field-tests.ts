import { type BuiltinChain, type Family, isLeaving } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Interval, IntervalSet } from '../../grammar/model/interval.js';
import { Diagrams, FALSE, type Node, type Range, TRUE } from './diagram.js';
import { Inputs } from './inputs.js';
import type { MarkChange } from './meaning.js';
import { MeasureVariables } from './measure-variables.js';
import {
  isByteOfFirstWord,
  isTransportField,
  type Measure,
  measureBits,
  type TransportField,
  transportPlace,
} from './measures.js';
import { clip, LOOPBACK, withoutPrefix } from './needs.js';
import { compare, rangeOf, type Segment, type SegmentValue, maskedBy, OWN, ZERO } from './segments.js';
import { includes, inEights, ones, textOf } from './interval-sets.js';

/** Tests of fields as diagrams: a field follows from what a packet is measured by as it does in a packet. */
export class FieldTests {
  readonly #tests = new Map<string, Node>();

  constructor(
    private readonly diagrams: Diagrams,
    private readonly variables: MeasureVariables,
    private readonly inputs: Inputs,
    private readonly place: { readonly family: Family; readonly hook: BuiltinChain },
  ) {}

  field(field: Field, set: IntervalSet, mask: bigint | undefined): Node {
    const key = `${field} ${textOf(set, mask)}`;
    const known = this.#tests.get(key);
    if (known !== undefined) return known;
    const made = this.#makeField(field, set, mask);
    this.#tests.set(key, made);
    return made;
  }

  #makeField(field: Field, set: IntervalSet, mask: bigint | undefined): Node {
    const { diagrams } = this;
    const { family } = this.place;
    if (isTransportField(field)) return this.#transport(field, set, mask);
    const zero = includes(set, 0n) ? TRUE : FALSE;
    switch (field) {
      case 'l4found':
        return family === 'v4' ? (includes(set, 1n) ? TRUE : FALSE) : this.measure(field, set, mask);
      case 'proto':
        return family === 'v4'
          ? this.measure(field, set, mask)
          : diagrams.choose(this.found(), this.measure(field, set, mask), zero);
      case 'fragoff':
        return family === 'v4'
          ? this.measure(field, set, mask)
          : diagrams.choose(this.found(), this.measure(field, inEights(set), undefined), zero);
      case 'l4len':
        return this.#transportBytes(set);
      case 'length':
        return family === 'v4' ? this.lengthV4(set) : this.measure('length', set, mask);
      case 'tcp.whole':
        return this.#wholeIn(set);
      case 'tcp.options':
        return this.#tcpOptions(set, mask ?? ones(256));
      case 'mac.ether':
        return this.#ethernet(set);
      case 'pkttype':
      case 'mac.src':
        return isLeaving(this.place.hook) ? zero : this.measure(field, set, mask);
      case 'iif':
      case 'oif':
      case 'saddr':
      case 'daddr':
      case 'tos':
      case 'ttl':
      case 'mark':
        return this.measure(field, set, mask);
    }
  }

  measure(measure: Measure, set: IntervalSet, mask: bigint | undefined): Node {
    const bits = measureBits(measure, this.place.family);
    const whole = ones(bits);
    const segments = this.variables.of(measure);
    const { set: clipped, mask: masked } = withoutPrefix(clip(set, bits), (mask ?? whole) & whole, bits);
    if (segments.length === 1 && masked === whole) {
      const [segment] = segments;
      return this.diagrams.test(
        segment.variable,
        clipped.map(({ lo, hi }): Range => rangeOf(segment, lo, hi)),
      );
    }
    return this.#compareAll(segments, maskedBy(masked), clipped);
  }

  #compareAll(segments: readonly Segment[], valueOf: (s: Segment) => SegmentValue, set: IntervalSet): Node {
    const { diagrams } = this;
    const ask = (segment: Segment, lo: bigint, hi: bigint): Node =>
      diagrams.test(segment.variable, [rangeOf(segment, lo, hi)]);
    return set.reduce(
      (sum, interval) => diagrams.or(sum, compare(diagrams, segments, valueOf, interval, ask)),
      FALSE as Node,
    );
  }

  /** mark_tg (net/netfilter/xt_mark.c), then the test. */
  mark(set: IntervalSet, mask: bigint, { clear, flip }: MarkChange): Node {
    const cleared = BigInt(clear >>> 0);
    const flipped = BigInt(flip >>> 0);
    const segments = this.variables.of('mark');
    const { diagrams } = this;
    const cut = (value: bigint, { shift, bits }: Segment): bigint => (value >> BigInt(shift)) & ones(bits);
    const valueOf = (segment: Segment): SegmentValue => {
      if (cut(mask, segment) === 0n) return ZERO;
      return cut(cleared, segment) === 0n ? OWN : { kind: 'fixed', value: cut(flipped, segment) };
    };
    const ask = (segment: Segment, lo: bigint, hi: bigint): Node => {
      // Bits that are flipped but not cleared are segments of one bit.
      if (cut(flipped, segment) === 0n || (lo === 0n && hi === ones(segment.bits))) {
        return diagrams.test(segment.variable, [rangeOf(segment, lo, hi)]);
      }
      return diagrams.test(segment.variable, [rangeOf(segment, 1n - hi, 1n - lo)]);
    };
    return clip(set, 32).reduce(
      (sum, interval) => diagrams.or(sum, compare(diagrams, segments, valueOf, interval, ask)),
      FALSE as Node,
    );
  }

  found(): Node {
    return this.field('l4found', [{ lo: 1n, hi: 1n }], undefined);
  }

  /** Where bytes behind the IP header are a transport header's: in IPv6 not where the walk to it ends before. */
  hasTransport(): Node {
    if (this.place.family === 'v4') return TRUE;
    return this.diagrams.and(this.found(), this.measure('fragoff', [{ lo: 0n, hi: 0n }], undefined));
  }

  #transportBytes(set: IntervalSet): Node {
    const there = this.hasTransport();
    return this.diagrams.choose(there, this.measure('l4len', set, undefined), includes(set, 0n) ? TRUE : FALSE);
  }

  #transport(field: TransportField, set: IntervalSet, mask: bigint | undefined): Node {
    const { measure, shift, bits, needs } = transportPlace(field);
    if (isByteOfFirstWord(field)) {
      const read = this.#byte(shift, set);
      return this.diagrams.choose(this.#atLeast(needs), read, includes(set, 0n) ? TRUE : FALSE);
    }
    const up = BigInt(shift);
    const whole = ones(bits);
    const moved = clip(set, bits).map(({ lo, hi }): Interval => ({ lo: lo << up, hi: hi << up }));
    const read = this.#compareAll(this.variables.of(measure), maskedBy(((mask ?? whole) & whole) << up), moved);
    const readable = this.#atLeast(needs);
    return this.diagrams.choose(readable, read, includes(set, 0n) ? TRUE : FALSE);
  }

  /** A byte of the first word, as ranges of the half that it lies in. */
  #byte(shift: number, set: IntervalSet): Node {
    const half = this.variables
      .of('l4.0')
      .filter((segment) => shift >= segment.shift && shift < segment.shift + segment.bits);
    const [{ variable }] = half;
    const bytes = clip(set, 8);
    const upper = shift % 16 === 8;
    const ranges = upper
      ? bytes.map(({ lo, hi }): Range => [Number(lo) * 256, Number(hi) * 256 + 255])
      : Array.from({ length: 256 }, (_, high) =>
          bytes.map(({ lo, hi }): Range => [high * 256 + Number(lo), high * 256 + Number(hi)]),
        ).flat();
    return this.diagrams.test(variable, ranges);
  }

  #atLeast(bytes: number): Node {
    if (bytes === 0) return TRUE;
    return this.field('l4len', [{ lo: BigInt(bytes), hi: 0xffffn }], undefined);
  }

  #dataOffset(words: number): Node {
    return this.field('tcp.doff', [{ lo: BigInt(words), hi: BigInt(words) }], undefined);
  }

  /** `l4len >= tcp.doff * 4`. */
  #whole(): Node {
    const { diagrams } = this;
    let whole = FALSE as Node;
    for (let words = 0; words < 16; words++) {
      whole = diagrams.or(whole, diagrams.and(this.#dataOffset(words), this.#atLeast(words * 4)));
    }
    return whole;
  }

  #wholeIn(set: IntervalSet): Node {
    return this.diagrams.choose(this.#whole(), includes(set, 1n) ? TRUE : FALSE, includes(set, 0n) ? TRUE : FALSE);
  }

  /** Each option kind that is asked for is an input, of headers that are whole and have room for options. */
  #tcpOptions(set: IntervalSet, mask: bigint): Node {
    const { diagrams } = this;
    const kinds = Array.from({ length: 256 }, (_, kind) => kind).filter((kind) => (mask >> BigInt(kind)) & 1n);
    if (kinds.length > 8) throw new RangeError('too many TCP options in one test');
    const room = diagrams.and(this.#whole(), this.field('tcp.doff', [{ lo: 6n, hi: 15n }], undefined));
    let test = FALSE as Node;
    for (let chosen = 0; chosen < 1 << kinds.length; chosen++) {
      const bitmap = kinds.reduce((sum, kind, i) => ((chosen >> i) & 1 ? sum | (1n << BigInt(kind)) : sum), 0n);
      if (!includes(set, bitmap)) continue;
      const each = kinds.map((kind, i) => {
        const there = diagrams.and(room, this.inputs.tcpOption(kind));
        return (chosen >> i) & 1 ? there : diagrams.not(there);
      });
      test = diagrams.or(
        test,
        each.reduce((a, b) => diagrams.and(a, b), TRUE),
      );
    }
    return test;
  }

  /** IPv4: `ihl * 4 + l4len`. */
  lengthV4(set: IntervalSet): Node {
    const { diagrams } = this;
    let test = FALSE as Node;
    for (let words = 5n; words <= 15n; words++) {
      const header = words * 4n;
      const behind = set
        .filter(({ hi }) => hi >= header)
        .map(({ lo, hi }): Interval => ({ lo: lo > header ? lo - header : 0n, hi: hi - header }));
      const fits = diagrams.and(
        this.measure('ihl', [{ lo: words, hi: words }], undefined),
        this.field('l4len', behind, undefined),
      );
      test = diagrams.or(test, fits);
    }
    return test;
  }

  /** mac_mt (net/netfilter/xt_mac.c): what this host sends has no link header yet; the loopback device has none. */
  #ethernet(set: IntervalSet): Node {
    const zero = includes(set, 0n) ? TRUE : FALSE;
    if (isLeaving(this.place.hook)) return zero;
    const loopback = this.measure('iif', [{ lo: LOOPBACK, hi: LOOPBACK }], undefined);
    return this.diagrams.choose(loopback, zero, includes(set, 1n) ? TRUE : FALSE);
  }
}
