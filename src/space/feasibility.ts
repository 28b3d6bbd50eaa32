import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import { type Interval, intervals, type IntervalSet } from '../../grammar/model/interval.js';
import { Diagrams, type Node, type Range, TRUE } from './diagram.js';
import { FieldTests } from './field-tests.js';
import { interfaceNameIn } from './interface-names.js';
import { MeasureVariables } from './measure-variables.js';
import type { Needs } from './needs.js';
import { ones } from './interval-sets.js';

/** What packets can be, as far as two variables hang together or some values never occur. */
export class Feasibility {
  constructor(
    private readonly diagrams: Diagrams,
    private readonly variables: MeasureVariables,
    private readonly fields: FieldTests,
    private readonly place: { readonly family: Family; readonly hook: BuiltinChain },
  ) {}

  of({ measures }: Needs): Node {
    const { diagrams } = this;
    const { family, hook } = this.place;
    const parts: Node[] = [];
    if (measures.has('iif'))
      parts.push(this.#names('iif', hook === 'OUTPUT' ? 'none' : hook === 'POSTROUTING' ? 'any' : 'some'));
    if (measures.has('oif'))
      parts.push(this.#names('oif', hook === 'INPUT' || hook === 'PREROUTING' ? 'none' : 'some'));
    if (measures.has('ihl')) parts.push(this.fields.measure('ihl', [{ lo: 5n, hi: 15n }], undefined));
    // The total length has 16 bits (struct iphdr tot_len), the header 20 bytes at least.
    if (family === 'v4' && measures.has('l4len'))
      parts.push(
        measures.has('ihl')
          ? this.fields.lengthV4([{ lo: 20n, hi: 0xffffn }])
          : this.fields.measure('l4len', [{ lo: 0n, hi: 0xffffn - 20n }], undefined),
      );
    if (family === 'v6' && measures.has('proto')) parts.push(this.#lastHeader());
    if (family === 'v6' && measures.has('length')) parts.push(this.#lengthV6(measures));
    return parts.reduce((a, b) => diagrams.and(a, b), TRUE);
  }

  /** Interfaces that there can be: `none` where the hook has no such device, else names (net/core/dev.c dev_valid_name). */
  #names(measure: 'iif' | 'oif', which: 'none' | 'some' | 'any'): Node {
    const [segment] = this.variables.of(measure);
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
      this.diagrams.not(this.fields.found()),
      this.diagrams.not(this.fields.measure('proto', walked, undefined)),
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
    const children = sorted.map((lo, i) => this.fields.measure('length', lengthsV6(lo, highs[i]), undefined));
    const [bytes] = this.variables.of('l4len');
    return diagrams.choose(
      this.fields.hasTransport(),
      diagrams.node(bytes.variable, highs, children),
      this.fields.measure('length', [{ lo: 40n, hi: 0xffffn }], undefined),
    );
  }
}

/** Lengths of packets with `lo` to `hi` bytes behind their headers; finer steps than a byte are not told apart. */
function lengthsV6(lo: number, hi: number): IntervalSet {
  const top = 0xffff;
  if (lo === 0) return [{ lo: 40n, hi: 0xffffn }];
  if (lo + 40 > top) return [];
  return intervals([lo + 40, Math.min(top, hi + 40)], ...(lo + 48 > top ? [] : [[lo + 48, top] as const]));
}
