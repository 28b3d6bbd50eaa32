import type { Condition } from '../../../grammar/model/condition.js';
import { asksMore, visitCondition } from '../../../grammar/model/condition-parts.js';
import type { Field } from '../../../grammar/model/fields.js';
import { FALSE, TRUE, type Ref } from '../bdd.js';
import { meaningOf, type Reading } from '../meaning.js';
import { unsupported } from '../unprovable.js';
import type { Bits, Words } from '../words.js';
import { isBroadField, type Dimensions } from './dimensions.js';

/** What rules are read with. */
export interface ShapeSettings {
  readonly words: Words;
  readonly dimensions: Dimensions;
  field(field: Field): Bits;
  /** Whether a variable is of a number of many bits. */
  isBroad(variable: number): boolean;
}

/** Undefined: it is not told so. */
export interface RuleShape {
  readonly yes: Ref | undefined;
  readonly hot: Ref | undefined;
}

const NOT_TOLD: RuleShape = { yes: undefined, hot: undefined };

/**
 * Takes conditions apart without making a diagram of the whole: most say that some numbers of many bits lie in ranges, and
 * something of numbers of few bits.
 */
export class RuleShapes {
  private readonly shapes = new Map<Condition, RuleShape>();
  private readonly readable = new Map<Field, Ref>();
  private readonly reading: Reading;

  constructor(private readonly settings: ShapeSettings) {
    const refuse = (): never => {
      throw unsupported('a test that is none of fields');
    };
    this.reading = {
      words: settings.words,
      field: (field) => settings.field(field),
      opaque: refuse,
      payload: refuse,
    };
  }

  /**
   * What a rule's condition says of numbers of few bits, where all else that it says is that those of many bits lie in its hull: it
   * holds just where both do. So, too, where it drops.
   */
  shapeOf(condition: Condition): RuleShape {
    let shape = this.shapes.get(condition);
    if (shape === undefined) this.shapes.set(condition, (shape = this.takeApart(condition)));
    return shape;
  }

  private takeApart(condition: Condition): RuleShape {
    const { bdd } = this.settings.words;
    let here: Ref = TRUE;
    let hot: Ref | undefined = FALSE;
    // Behind a place where packets are dropped, a number of many bits would tell the next such place from it.
    let hasNext = false;
    for (const part of conjuncts(condition)) {
      if (asksMore(part)) return NOT_TOLD;
      if (this.isBroad(part)) {
        const beside = this.besideHull(part);
        if (beside === undefined) return NOT_TOLD;
        here = bdd.and(beside, here);
        hasNext ||= hot !== FALSE;
        continue;
      }
      const meaning = meaningOf(part, this.reading);
      if (meaning.hot !== FALSE)
        hot = hasNext || hot === undefined ? undefined : bdd.or(hot, bdd.and(here, meaning.hot));
      here = bdd.and(meaning.yes, here);
    }
    return { yes: here, hot };
  }

  /** A test of a number of many bits says something of others, too, if that number is 0 where it cannot be read. */
  private besideHull(condition: Condition): Ref | undefined {
    const { dimensions } = this.settings;
    const test = condition.kind === 'not' ? condition.of : condition;
    if (test.kind !== 'in' || !dimensions.hullOf(test).exact) return undefined;
    const zero = [...dimensions.hullOf(condition).hull.values()].every((ranges) => ranges.some(([lo]) => lo === 0));
    return zero ? TRUE : this.readableOf(test.field);
  }

  /** Where the field may be another number than 0. */
  private readableOf(field: Field): Ref {
    let readable = this.readable.get(field);
    if (readable === undefined) {
      const { bdd } = this.settings.words;
      const some = bdd.anyOf(this.settings.field(field));
      this.readable.set(field, (readable = bdd.exists(some, (variable) => this.settings.isBroad(variable))));
    }
    return readable;
  }

  private isBroad(condition: Condition): boolean {
    let broad = false;
    visitCondition(condition, {
      field: (field) => void (broad ||= isBroadField(field, this.settings.field(field).length)),
    });
    return broad;
  }
}

/** The tests that are taken in turn. */
function conjuncts(condition: Condition): readonly Condition[] {
  return condition.kind === 'all' ? condition.of.flatMap(conjuncts) : [condition];
}
