import type { Condition, Opaque } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import type { IntervalSet } from '../../grammar/model/interval.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import { Operation, type Diagrams, type Node } from './diagram.js';
import type { TestPlace, Way } from './meaning.js';
import { DROPPING, HOTDROP, NO, OUTCOME, YES } from './outcome.js';

/** What answers the tests that conditions are made of. */
interface Tests {
  readonly diagrams: Diagrams;
  field(field: Field, set: IntervalSet, mask?: bigint, ways?: readonly Way[]): Node;
  opaque(test: Opaque, place: TestPlace): Node;
  payload(test: PayloadTest, ways?: readonly Way[]): Node;
}

/** One test behind another, as `inTurn` of src/evaluate/outcome.ts: on with `further`, over with `end`. */
function inTurn(further: Node, end: Node): Operation {
  return new Operation((here, next) => {
    if (here === further) return next;
    if (here === end || here === HOTDROP) return here;
    if (next === further) return here;
    if (here === DROPPING && next < 0) return next === DROPPING ? DROPPING : HOTDROP;
    return undefined;
  });
}

/** Makes diagrams of conditions. */
export class Outcomes {
  readonly #all = inTurn(YES, NO);
  readonly #any = inTurn(NO, YES);
  readonly #known = new WeakMap<Condition, Node>();
  readonly #inverted = new Map<Node, Node>();
  readonly #dropped = new Map<Node, Node>();

  constructor(private readonly space: Tests) {}

  /** What the condition comes to for each packet, where it is tested. */
  of(condition: Condition, place: TestPlace): Node {
    const lasting = isLasting(condition, place);
    const known = lasting ? this.#known.get(condition) : undefined;
    if (known !== undefined) return known;
    // Elsewhere other packets come to it: the ways here must not be in what is kept.
    const made = this.#make(condition, lasting ? { occurrence: place.occurrence } : place);
    if (lasting) this.#known.set(condition, made);
    return made;
  }

  #make(condition: Condition, place: TestPlace): Node {
    const { space } = this;
    const { diagrams } = space;
    switch (condition.kind) {
      case 'in':
        return space.field(condition.field, condition.set, condition.mask, place.ways);
      case 'opaque':
        return space.opaque(condition.test, place);
      case 'payload':
        return space.payload(condition.test, place.ways);
      case 'not':
        return diagrams.map(
          this.of(condition.of, place),
          (value) => (value <= OUTCOME.yes ? 1 - value : value),
          this.#inverted,
        );
      case 'hotdrop':
        return diagrams.map(
          this.of(condition.when, place),
          (value) => (value === OUTCOME.no ? OUTCOME.yes : OUTCOME.hotdrop),
          this.#dropped,
        );
      case 'all':
        return this.#sequence(this.#all, YES, condition.of, place);
      case 'any':
        return this.#sequence(this.#any, NO, condition.of, place);
    }
  }

  #sequence(operation: Operation, start: Node, parts: readonly Condition[], place: TestPlace): Node {
    let here = start;
    for (const part of parts) here = this.space.diagrams.apply(operation, here, this.of(part, place));
    return here;
  }
}

/** Whether the condition comes to the same wherever it is tested, or this is the place where nothing has changed. */
function isLasting(condition: Condition, { ways }: TestPlace): boolean {
  const asks = asksOf(condition);
  if (asks.opaque) return false;
  return ways === undefined || (!asks.mark && ways.every(({ rewritten }) => rewritten === undefined));
}

const known = new WeakMap<Condition, { readonly mark: boolean; readonly opaque: boolean }>();

function asksOf(condition: Condition): { readonly mark: boolean; readonly opaque: boolean } {
  let asks = known.get(condition);
  if (asks === undefined) {
    asks = { mark: asksMark(condition), opaque: some(condition, (leaf) => leaf.kind === 'opaque') };
    known.set(condition, asks);
  }
  return asks;
}

function some(condition: Condition, test: (leaf: Condition) => boolean): boolean {
  switch (condition.kind) {
    case 'in':
    case 'opaque':
    case 'payload':
      return test(condition);
    case 'not':
      return some(condition.of, test);
    case 'hotdrop':
      return some(condition.when, test);
    case 'all':
    case 'any':
      return condition.of.some((part) => some(part, test));
  }
}

/** Whether the condition reads the packet's mark. */
export function asksMark(condition: Condition): boolean {
  return some(condition, (leaf) => leaf.kind === 'in' && leaf.field === 'mark');
}

/** Whether the condition asks what is not in the packet. */
export function asksOpaque(condition: Condition): boolean {
  return asksOf(condition).opaque;
}
