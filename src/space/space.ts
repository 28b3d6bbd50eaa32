import { ADDRESS_TYPES, type AddressType, type Condition, type Opaque } from '../../grammar/model/condition.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import { intervals, type Interval, type IntervalSet } from '../../grammar/model/interval.js';
import { Diagrams, FALSE, TRUE, type Node, type Range } from './diagram.js';
import { Inputs, testKey } from './inputs.js';
import { interfaceNameIn } from './interface-names.js';
import {
  isByteOfFirstWord,
  isTransportField,
  MEASURE_ORDER,
  measureBits,
  transportPlace,
  type Measure,
  type TransportField,
} from './measures.js';
import type { MarkChange, Meaning, TestPlace, Way } from './meaning.js';
import { clip, LOOPBACK, needsOf, withoutPrefix, TYPED_V4, type MeasureNeed, type Needs } from './needs.js';
import { Outcomes } from './outcomes.js';
import { compare, cutAtMasks, PLAIN_BITS, rangeOf, type Segment, type SegmentValue } from './segments.js';

/** What the packets of a space meet. */
export interface SpaceOptions {
  readonly family: Family;
  readonly hook: BuiltinChain;
  /** Every condition that will be asked for. */
  readonly conditions: Iterable<Condition>;
  /** Every change of the mark that tests may stand behind: `mark = (mark & ~clear) ^ flip`. */
  readonly marks?: readonly MarkChange[];
  /** Opaque tests whose answer may be another one at each place that asks, beside those that are known to be so. */
  readonly isOwn?: (test: Opaque) => boolean;
}

const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
const OWN: SegmentValue = { kind: 'own' };
const UNCHANGED: Way = { clear: 0, flip: 0, where: TRUE };
const ZERO: SegmentValue = { kind: 'fixed', value: 0n };

/**
 * The packets that come to a chain, as values of variables: runs of bits of what a packet is measured by, and inputs
 * that are not in the packet (connection state, outcomes of `limit`, …). Conditions become diagrams over them, with
 * the meaning that `outcomeOf` of the reference (src/evaluate) gives them.
 *
 * Any value of the variables for which {@link feasible} holds is some packet's, but for what docs/all-packets.md lists.
 */
export class PacketSpace {
  readonly diagrams = new Diagrams();
  readonly family: Family;
  readonly hook: BuiltinChain;
  /** 1 for values that packets can have, as far as two variables hang together or some values never occur. */
  readonly feasible: Node;
  readonly outcomes: Outcomes;
  readonly #meanings: Meaning[] = [];
  readonly #segments = new Map<Measure, readonly Segment[]>();
  readonly #inputs: Inputs;
  readonly #tests = new Map<string, Node>();

  constructor(options: SpaceOptions) {
    this.family = options.family;
    this.hook = options.hook;
    const needs = needsOf(options.conditions, options.family);
    this.#inputs = new Inputs(this.diagrams, this.#meanings, {
      hook: this.hook,
      addressType: (test) => this.#addressType(test),
      isOwn: options.isOwn ?? (() => false),
    });
    this.#inputs.declare(needs.opaque);
    for (const measure of MEASURE_ORDER) {
      const need = needs.measures.get(measure);
      if (need !== undefined) this.#segments.set(measure, this.#addMeasure(measure, need, options.marks ?? []));
    }
    this.outcomes = new Outcomes(this);
    this.feasible = this.#feasible(needs);
  }

  meaningOf(variable: number): Meaning {
    return this.#meanings[variable];
  }

  /** The variables of a measure, most significant bits first; none if no condition asks for it. */
  segmentsOf(measure: Measure): readonly Segment[] {
    return this.#segments.get(measure) ?? [];
  }

  readonly #possible = new Map<number, readonly Range[]>();

  /** Values that a variable has in some packet. */
  valuesOf(variable: number): readonly Range[] {
    let known = this.#possible.get(variable);
    if (known === undefined) {
      known = this.valuesIn(this.feasible, variable);
      this.#possible.set(variable, known);
    }
    return known;
  }

  /** Values that a variable has in some packet of a region that is not empty. */
  valuesIn(region: Node, variable: number): readonly Range[] {
    const { diagrams } = this;
    const one = diagrams.project(region, (other) => other === variable);
    return one < 0 ? [[0, diagrams.sizeOf(variable) - 1]] : rangesWhere(diagrams, one);
  }

  #addMeasure(measure: Measure, { masks, tests }: MeasureNeed, marks: readonly MarkChange[]): readonly Segment[] {
    const bits = measureBits(measure, this.family);
    const all = [...masks];
    if (measure === 'mark') {
      for (const { clear, flip } of marks) {
        all.push(BigInt(clear >>> 0));
        // Bits that are flipped where they stay would tear ranges: each is a variable of its own.
        const flipped = BigInt((flip & ~clear) >>> 0);
        for (let bit = 1n; bit <= flipped; bit <<= 1n) if ((flipped & bit) !== 0n) all.push(bit);
      }
    }
    return cutAtMasks(bits, all).map((run) => {
      const parts = run.bits > PLAIN_BITS ? this.#partsOf(run, bits, all, tests) : undefined;
      const size = parts === undefined ? this.#sizeOf(measure, run) : parts.length;
      const segment: Segment = {
        ...run,
        variable: this.diagrams.addVariable(size),
        ...(parts === undefined ? {} : { parts }),
      };
      this.#meanings[segment.variable] = { kind: 'measure', measure, segment };
      return segment;
    });
  }

  #sizeOf(measure: Measure, { bits }: Pick<Segment, 'bits'>): number {
    if (measure === 'pkttype') return 3;
    return 2 ** bits;
  }

  /** The first value of each part that some test tells from its neighbours. */
  #partsOf(
    run: Pick<Segment, 'shift' | 'bits'>,
    bits: number,
    masks: readonly bigint[],
    tests: MeasureNeed['tests'],
  ): readonly bigint[] {
    const starts = new Set<bigint>([0n]);
    const segments = cutAtMasks(bits, masks).map((one) => ({ ...one, variable: 0 }));
    const scratch = new Diagrams();
    for (const { mask, set } of tests) {
      for (const interval of set) {
        compare(scratch, segments, maskedBy(mask), interval, (segment, lo, hi) => {
          if (segment.shift === run.shift) {
            starts.add(lo);
            if (hi < ones(run.bits)) starts.add(hi + 1n);
          }
          return TRUE;
        });
      }
    }
    return [...starts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** The packets whose field, under a mask, is in a set; `ways` as in {@link TestPlace}. */
  field(field: Field, set: IntervalSet, mask?: bigint, ways?: readonly Way[]): Node {
    if (ways === undefined) return this.#field(field, set, mask);
    return this.#onWays(ways, (way) => {
      if (field === 'mark') {
        return way.otherMark === undefined
          ? this.#mark(set, mask ?? ones(32), way)
          : this.#inputs.changed(`mark by ${way.otherMark}, ${way.clear} ${way.flip}: ${textOf(set, mask)}`);
      }
      const lasts = way.rewritten === undefined || field === 'iif' || field === 'oif';
      return lasts
        ? this.#field(field, set, mask)
        : this.#inputs.changed(`${field} by ${way.rewritten}: ${textOf(set, mask)}`);
    });
  }

  #onWays(ways: readonly Way[], test: (way: Way) => Node): Node {
    if (ways.length === 1) return test(ways[0]);
    const { diagrams } = this;
    return ways.reduceRight((rest, way) => diagrams.choose(way.where, test(way), rest), FALSE as Node);
  }

  #field(field: Field, set: IntervalSet, mask: bigint | undefined): Node {
    const key = `${field} ${textOf(set, mask)}`;
    const known = this.#tests.get(key);
    if (known !== undefined) return known;
    const made = this.#makeField(field, set, mask);
    this.#tests.set(key, made);
    return made;
  }

  #makeField(field: Field, set: IntervalSet, mask: bigint | undefined): Node {
    const { diagrams, family } = this;
    if (isTransportField(field)) return this.#transport(field, set, mask);
    const zero = includes(set, 0n) ? TRUE : FALSE;
    switch (field) {
      case 'l4found':
        return family === 'v4' ? (includes(set, 1n) ? TRUE : FALSE) : this.#measure(field, set, mask);
      case 'proto':
        return family === 'v4'
          ? this.#measure(field, set, mask)
          : diagrams.choose(this.#found(), this.#measure(field, set, mask), zero);
      case 'fragoff':
        return family === 'v4'
          ? this.#measure(field, set, mask)
          : diagrams.choose(this.#found(), this.#measure(field, inEights(set), undefined), zero);
      case 'l4len':
        return this.#transportBytes(set);
      case 'length':
        return family === 'v4' ? this.#lengthV4(set) : this.#measure('length', set, mask);
      case 'tcp.whole':
        return this.#wholeIn(set);
      case 'tcp.options':
        return this.#tcpOptions(set, mask ?? ones(256));
      case 'mac.ether':
        return this.#ethernet(set);
      case 'pkttype':
      case 'mac.src':
        return this.hook === 'OUTPUT' ? zero : this.#measure(field, set, mask);
      case 'iif':
      case 'oif':
      case 'saddr':
      case 'daddr':
      case 'tos':
      case 'ttl':
      case 'mark':
        return this.#measure(field, set, mask);
    }
  }

  #measure(measure: Measure, set: IntervalSet, mask: bigint | undefined): Node {
    const bits = measureBits(measure, this.family);
    const whole = ones(bits);
    const segments = this.#segmentsFor(measure);
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

  #segmentsFor(measure: Measure): readonly Segment[] {
    const segments = this.#segments.get(measure);
    if (segments === undefined) throw new RangeError(`no condition of the space has asked for ${measure}`);
    return segments;
  }

  /** mark_tg (net/netfilter/xt_mark.c), then the test. */
  #mark(set: IntervalSet, mask: bigint, { clear, flip }: MarkChange): Node {
    const cleared = BigInt(clear >>> 0);
    const flipped = BigInt(flip >>> 0);
    const segments = this.#segmentsFor('mark');
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

  #found(): Node {
    return this.field('l4found', [{ lo: 1n, hi: 1n }]);
  }

  /** Where bytes behind the IP header are a transport header's: in IPv6 not where the walk to it ends before. */
  #hasTransport(): Node {
    if (this.family === 'v4') return TRUE;
    return this.diagrams.and(this.#found(), this.#measure('fragoff', [{ lo: 0n, hi: 0n }], undefined));
  }

  #transportBytes(set: IntervalSet): Node {
    const there = this.#hasTransport();
    return this.diagrams.choose(there, this.#measure('l4len', set, undefined), includes(set, 0n) ? TRUE : FALSE);
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
    const read = this.#compareAll(this.#segmentsFor(measure), maskedBy(((mask ?? whole) & whole) << up), moved);
    const readable = this.#atLeast(needs);
    return this.diagrams.choose(readable, read, includes(set, 0n) ? TRUE : FALSE);
  }

  /** A byte of the first word, as ranges of the half that it lies in. */
  #byte(shift: number, set: IntervalSet): Node {
    const half = this.#segmentsFor('l4.0').filter(
      (segment) => shift >= segment.shift && shift < segment.shift + segment.bits,
    );
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
    return this.field('l4len', [{ lo: BigInt(bytes), hi: 0xffffn }]);
  }

  #dataOffset(words: number): Node {
    return this.field('tcp.doff', [{ lo: BigInt(words), hi: BigInt(words) }]);
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
    const room = diagrams.and(this.#whole(), this.field('tcp.doff', [{ lo: 6n, hi: 15n }]));
    let test = FALSE as Node;
    for (let chosen = 0; chosen < 1 << kinds.length; chosen++) {
      const bitmap = kinds.reduce((sum, kind, i) => ((chosen >> i) & 1 ? sum | (1n << BigInt(kind)) : sum), 0n);
      if (!includes(set, bitmap)) continue;
      const each = kinds.map((kind, i) => {
        const there = diagrams.and(room, this.#inputs.tcpOption(kind));
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
  #lengthV4(set: IntervalSet): Node {
    const { diagrams } = this;
    let test = FALSE as Node;
    for (let words = 5n; words <= 15n; words++) {
      const header = words * 4n;
      const behind = set
        .filter(({ hi }) => hi >= header)
        .map(({ lo, hi }): Interval => ({ lo: lo > header ? lo - header : 0n, hi: hi - header }));
      const fits = diagrams.and(
        this.#measure('ihl', [{ lo: words, hi: words }], undefined),
        this.field('l4len', behind),
      );
      test = diagrams.or(test, fits);
    }
    return test;
  }

  /** mac_mt (net/netfilter/xt_mac.c): what this host sends has no link header yet; the loopback device has none. */
  #ethernet(set: IntervalSet): Node {
    const zero = includes(set, 0n) ? TRUE : FALSE;
    if (this.hook === 'OUTPUT') return zero;
    const loopback = this.#measure('iif', [{ lo: LOOPBACK, hi: LOOPBACK }], undefined);
    return this.diagrams.choose(loopback, zero, includes(set, 1n) ? TRUE : FALSE);
  }

  /** __inet_dev_addr_type (net/ipv4/fib_frontend.c) knows some addresses by themselves. */
  #addressType(test: Extract<Opaque, { name: 'addrtype' }>): Node {
    const { diagrams } = this;
    const field = test.which === 'src' ? 'saddr' : 'daddr';
    const among = (types: readonly AddressType[]): IntervalSet =>
      types
        .map((type) => BigInt(ADDRESS_TYPES.indexOf(type)))
        .sort((a, b) => Number(a - b))
        .map((n) => ({ lo: n, hi: n }));
    const routed = this.#inputs.addressType(test.which, test.limitInterface, among(test.types));
    if (this.family === 'v6') return routed;
    const [zero, multicast, broadcast] = TYPED_V4;
    const typed = (type: AddressType): Node => (test.types.includes(type) ? TRUE : FALSE);
    const known = diagrams.choose(this.field(field, [zero, broadcast]), typed('BROADCAST'), routed);
    return diagrams.choose(this.field(field, [multicast]), typed('MULTICAST'), known);
  }

  /** An opaque test; its values are outcomes (src/space/outcome.ts). */
  opaque(test: Opaque, { occurrence, ways }: TestPlace): Node {
    const readsPacket = test.name === 'set' || test.name === 'addrtype';
    if (ways === undefined || !readsPacket) return this.#inputs.test(test, occurrence);
    return this.#onWays(ways, ({ rewritten }) =>
      rewritten === undefined
        ? this.#inputs.test(test, occurrence)
        : this.#inputs.changed(`${testKey(test)} by ${rewritten}`),
    );
  }

  /** A walk over the packet's bytes; its values are outcomes. */
  payload(test: PayloadTest, ways: readonly Way[] = [UNCHANGED]): Node {
    return this.#onWays(ways, ({ rewritten }) => this.#inputs.payload(test, rewritten));
  }

  /** What a target does that is not understood: 0 goes on, 1 accepts, 2 drops. */
  target(target: string, words: readonly string[], occurrence: string): Node {
    return this.#inputs.target(target, words, occurrence);
  }

  #feasible({ measures }: Needs): Node {
    const { diagrams, family, hook } = this;
    const parts: Node[] = [this.#inputs.feasible()];
    if (measures.has('iif'))
      parts.push(this.#names('iif', hook === 'OUTPUT' ? 'none' : hook === 'POSTROUTING' ? 'any' : 'some'));
    if (measures.has('oif'))
      parts.push(this.#names('oif', hook === 'INPUT' || hook === 'PREROUTING' ? 'none' : 'some'));
    if (measures.has('ihl')) parts.push(this.#measure('ihl', [{ lo: 5n, hi: 15n }], undefined));
    // The total length has 16 bits (struct iphdr tot_len), the header 20 bytes at least.
    if (family === 'v4' && measures.has('l4len'))
      parts.push(
        measures.has('ihl')
          ? this.#lengthV4([{ lo: 20n, hi: 0xffffn }])
          : this.#measure('l4len', [{ lo: 0n, hi: 0xffffn - 20n }], undefined),
      );
    if (family === 'v6' && measures.has('proto')) parts.push(this.#lastHeader());
    if (family === 'v6' && measures.has('length')) parts.push(this.#lengthV6(measures));
    return parts.reduce((a, b) => diagrams.and(a, b), TRUE);
  }

  /** Interfaces that there can be: `none` where the hook has no such device, else names (net/core/dev.c dev_valid_name). */
  #names(measure: 'iif' | 'oif', which: 'none' | 'some' | 'any'): Node {
    const [segment] = this.#segmentsFor(measure);
    const { parts } = segment;
    if (parts === undefined) return TRUE;
    const ranges = parts.flatMap((lo, i): Range[] => {
      const hi = i + 1 < parts.length ? parts[i + 1] - 1n : ones(128);
      const named = interfaceNameIn({ lo, hi }) !== undefined;
      const fits = (which !== 'some' && lo === 0n) || (which !== 'none' && named);
      return fits ? [[i, i]] : [];
    });
    return this.diagrams.test(segment.variable, ranges);
  }

  /** ipv6_find_hdr (net/ipv6/exthdrs_core.c) stops at no extension header: those are walked over. */
  #lastHeader(): Node {
    const walked = [0n, 43n, 44n, 51n, 60n].map((n): Interval => ({ lo: n, hi: n }));
    return this.diagrams.or(
      this.diagrams.not(this.#found()),
      this.diagrams.not(this.#measure('proto', walked, undefined)),
    );
  }

  /** The fixed header, extension headers (8 bytes at least), and what is behind. */
  #lengthV6(measures: Needs['measures']): Node {
    const { diagrams } = this;
    const edges = new Set<number>([0, 1]);
    for (let i = 4; i <= 60; i += 4) edges.add(i);
    for (const { set } of measures.get('l4len')?.tests ?? []) {
      for (const { lo, hi } of set) for (const edge of [lo, hi + 1n]) if (edge < 0xffd8n) edges.add(Number(edge));
    }
    const sorted = [...edges].sort((a, b) => a - b);
    const highs = sorted.map((_, i) => (i + 1 < sorted.length ? sorted[i + 1] - 1 : 0xffff));
    const children = sorted.map((lo, i) => this.#measure('length', lengthsV6(lo, highs[i]), undefined));
    const [bytes] = this.#segmentsFor('l4len');
    return diagrams.choose(
      this.#hasTransport(),
      diagrams.node(bytes.variable, highs, children),
      this.#measure('length', [{ lo: 40n, hi: 0xffffn }], undefined),
    );
  }
}

function textOf(set: IntervalSet, mask: bigint | undefined): string {
  return `${mask ?? ''} ${set.map(({ lo, hi }) => `${lo}-${hi}`).join()}`;
}

/** Lengths of packets with `lo` to `hi` bytes behind their headers; finer steps than a byte are not told apart. */
function lengthsV6(lo: number, hi: number): IntervalSet {
  const top = 0xffff;
  if (lo === 0) return [{ lo: 40n, hi: 0xffffn }];
  if (lo + 40 > top) return [];
  return intervals([lo + 40, Math.min(top, hi + 40)], ...(lo + 48 > top ? [] : [[lo + 48, top] as const]));
}

function rangesWhere(diagrams: Diagrams, node: Node): readonly Range[] {
  let lo = 0;
  return diagrams.highsOf(node).flatMap((hi, i): Range[] => {
    const from = lo;
    lo = hi + 1;
    return diagrams.childrenOf(node)[i] === FALSE ? [] : [[from, hi]];
  });
}

function includes(set: IntervalSet, value: bigint): boolean {
  return set.some(({ lo, hi }) => lo <= value && value <= hi);
}

/** Bytes of a fragment offset that is counted in units of 8. */
function inEights(set: IntervalSet): IntervalSet {
  return set
    .map(({ lo, hi }): Interval => ({ lo: (lo + 7n) / 8n, hi: hi / 8n }))
    .filter(({ lo, hi }) => lo <= hi && lo < 8192n);
}

function maskedBy(mask: bigint): (segment: Pick<Segment, 'shift' | 'bits'>) => SegmentValue {
  return ({ shift }) => ((mask >> BigInt(shift)) & 1n ? OWN : ZERO);
}
