import { ADDRESS_TYPES, type AddressType, type Condition, type Opaque } from '../../grammar/model/condition.js';
import type { BuiltinChain, Family } from '../../grammar/model/family.js';
import type { Field } from '../../grammar/model/fields.js';
import type { IntervalSet } from '../../grammar/model/interval.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import { Diagrams, FALSE, type Node, type Range, TRUE } from './diagram.js';
import { Feasibility } from './feasibility.js';
import { FieldTests } from './field-tests.js';
import { Inputs, testKey } from './inputs.js';
import type { MarkChange, Meaning, TestPlace, Way } from './meaning.js';
import { MeasureVariables } from './measure-variables.js';
import type { Measure } from './measures.js';
import { needsOf, TYPED_V4 } from './needs.js';
import { Outcomes } from './outcomes.js';
import type { Segment } from './segments.js';
import { ones, textOf } from './interval-sets.js';

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

const UNCHANGED: Way = { clear: 0, flip: 0, where: TRUE };

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
  readonly #variables: MeasureVariables;
  readonly #fields: FieldTests;
  readonly #inputs: Inputs;

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
    this.#variables = new MeasureVariables(this.diagrams, this.#meanings, this.family);
    this.#variables.declare(needs, options.marks ?? []);
    this.#fields = new FieldTests(this.diagrams, this.#variables, this.#inputs, this);
    this.outcomes = new Outcomes(this);
    const feasibility = new Feasibility(this.diagrams, this.#variables, this.#fields, this);
    this.feasible = this.diagrams.and(this.#inputs.feasible(), feasibility.of(needs));
  }

  meaningOf(variable: number): Meaning {
    return this.#meanings[variable];
  }

  /** The variables of a measure, most significant bits first; none if no condition asks for it. */
  segmentsOf(measure: Measure): readonly Segment[] {
    return this.#variables.get(measure) ?? [];
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

  /** The packets whose field, under a mask, is in a set; `ways` as in {@link TestPlace}. */
  field(field: Field, set: IntervalSet, mask?: bigint, ways?: readonly Way[]): Node {
    if (ways === undefined) return this.#fields.field(field, set, mask);
    return this.#onWays(ways, (way) => {
      if (field === 'mark') {
        return way.otherMark === undefined
          ? this.#fields.mark(set, mask ?? ones(32), way)
          : this.#inputs.changed(`mark by ${way.otherMark}, ${way.clear} ${way.flip}: ${textOf(set, mask)}`);
      }
      const lasts = way.rewritten === undefined || field === 'iif' || field === 'oif';
      return lasts
        ? this.#fields.field(field, set, mask)
        : this.#inputs.changed(`${field} by ${way.rewritten}: ${textOf(set, mask)}`);
    });
  }

  #onWays(ways: readonly Way[], test: (way: Way) => Node): Node {
    if (ways.length === 1) return test(ways[0]);
    const { diagrams } = this;
    return ways.reduceRight((rest, way) => diagrams.choose(way.where, test(way), rest), FALSE as Node);
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
    if (ways === undefined) return this.#inputs.test(test, occurrence);
    return this.#onWays(ways, (way) => {
      const change = changesFor(test, way);
      return change === ''
        ? this.#inputs.test(test, occurrence)
        : this.#inputs.changed(`${testKey(test)} by ${change}`, { test, by: change });
    });
  }

  /** A walk over the packet's bytes; its values are outcomes. */
  payload(test: PayloadTest, ways: readonly Way[] = [UNCHANGED]): Node {
    return this.#onWays(ways, ({ rewritten }) => this.#inputs.payload(test, rewritten));
  }

  /** What a target does that is not understood: 0 goes on, 1 accepts, 2 drops. */
  target(target: string, words: readonly string[], occurrence: string): Node {
    return this.#inputs.target(target, words, occurrence);
  }
}

/** What has happened to what a test reads. Memory and chance have other answers at each place anyway. */
function changesFor(test: Opaque, { rewritten, connectionMark, tracked }: Way): string {
  const joined = (...changes: readonly (string | undefined)[]): string =>
    changes.filter((change) => change !== undefined).join(', ');
  switch (test.name) {
    case 'set':
    case 'addrtype':
      return joined(rewritten);
    case 'ctstate':
    case 'conntrack':
      return joined(tracked);
    case 'module':
      return joined(rewritten, tracked, test.module === 'connmark' ? connectionMark : undefined);
    case 'limit':
    case 'recent':
    case 'hashlimit':
    case 'quota':
    case 'nth':
    case 'connlimit':
    case 'counted-set':
    case 'random':
    case 'owner':
    case 'time':
    case 'cpu':
    case 'devgroup':
    case 'bridge-port':
      return '';
  }
}

function rangesWhere(diagrams: Diagrams, node: Node): readonly Range[] {
  let lo = 0;
  return diagrams.highsOf(node).flatMap((hi, i): Range[] => {
    const from = lo;
    lo = hi + 1;
    return diagrams.childrenOf(node)[i] === FALSE ? [] : [[from, hi]];
  });
}
