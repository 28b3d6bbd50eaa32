import type { Family } from '../../grammar/model/family.js';
import { Diagrams, TRUE } from './diagram.js';
import type { MarkChange, Meaning } from './meaning.js';
import { type Measure, MEASURE_ORDER, measureBits } from './measures.js';
import type { MeasureNeed, Needs } from './needs.js';
import { compare, cutAtMasks, PLAIN_BITS, type Segment, maskedBy } from './segments.js';
import { ones } from './interval-sets.js';

/** The variables of the measures that conditions ask for. */
export class MeasureVariables {
  readonly #segments = new Map<Measure, readonly Segment[]>();

  constructor(
    private readonly diagrams: Diagrams,
    private readonly meanings: Meaning[],
    private readonly family: Family,
  ) {}

  /** Adds variables for all measures, most significant bits first; `marks`: changes that tests may stand behind. */
  declare(needs: Needs, marks: readonly MarkChange[]): void {
    for (const measure of MEASURE_ORDER) {
      const need = needs.measures.get(measure);
      if (need !== undefined) this.#segments.set(measure, this.#addMeasure(measure, need, marks));
    }
  }

  /** The variables of a measure, most significant bits first; undefined if no condition asks for it. */
  get(measure: Measure): readonly Segment[] | undefined {
    return this.#segments.get(measure);
  }

  of(measure: Measure): readonly Segment[] {
    const segments = this.#segments.get(measure);
    if (segments === undefined) throw new RangeError(`no condition of the space has asked for ${measure}`);
    return segments;
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
      this.meanings[segment.variable] = { kind: 'measure', measure, segment };
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
}
