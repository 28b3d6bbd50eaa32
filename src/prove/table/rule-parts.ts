import { endsWay, type Rule } from '../../../grammar/model/ruleset.js';
import { ruleCondition } from '../../evaluate/evaluate.js';
import { TRUE, type Ref } from '../bdd.js';
import type { RuleMeaning } from '../specification.js';
import { Unprovable } from '../unprovable.js';
import type { Dimensions, Hull, Limit } from './dimensions.js';
import { isEmpty, meets } from './dimensions.js';
import type { Range } from './pieces.js';
import type { RuleShapes } from './rule-shape.js';

/** Where a rule matches, or where it drops the packet without matching. */
export interface Part {
  readonly rule: Rule;
  readonly chain: string;
  /** From 0. */
  readonly at: number;
  readonly drops: boolean;
  /** Place in the order of rules, and how far its own part of that order reaches: chains that it jumps to lie there. */
  readonly order: number;
  readonly span: number;
  /** The jump that the rule's chain stands in the place of. */
  readonly caller: Part | undefined;
  readonly hull: Hull;
  /** The hull, and the part of it that is of numbers of many bits, one by one. */
  readonly limits: readonly Limit[];
  readonly broad: readonly Limit[];
  /** Ends the way of every packet in its hull that comes to it, here or by the part that drops. */
  readonly ends: boolean;
  readonly plain: Item;
}

/**
 * A part, and what is known of the packets that still come to it. `plain`: nothing; `certain`: all of them are in the part;
 * `rest`: those of the part are in `where`, too.
 */
export class Item {
  private known: Ref | undefined;
  private readonly rests = new Map<Ref, Item>();
  private always: Item | undefined;

  constructor(
    readonly part: Part,
    readonly kind: 'plain' | 'rest' | 'certain',
    private readonly find: () => Ref,
    /** Where the part is its hull and this, which says something of numbers of few bits alone; undefined: not known. */
    private readonly findNarrow?: () => Ref | undefined,
  ) {}

  get narrow(): Ref | undefined {
    return this.findNarrow?.();
  }

  /** The packets that are in the part for certain, if they come here. */
  get where(): Ref {
    return (this.known ??= this.find());
  }

  /** The packets that are in the part if they come here at all. */
  get most(): Ref {
    return this.kind === 'rest' ? this.part.plain.where : this.where;
  }

  rest(where: Ref): Item {
    const { plain } = this.part;
    if (where === plain.where) return plain;
    let rest = plain.rests.get(where);
    if (rest === undefined) plain.rests.set(where, (rest = new Item(this.part, 'rest', () => where)));
    return rest;
  }

  get certain(): Item {
    return (this.part.plain.always ??= new Item(this.part, 'certain', () => TRUE));
  }
}

export interface PartSettings {
  readonly dimensions: Dimensions;
  readonly shapes: RuleShapes;
  meaning(rule: Rule): RuleMeaning;
}

/** A hull as a part has it. */
export function hullLists(hull: Hull, dimensions: Dimensions): Pick<Part, 'hull' | 'limits' | 'broad'> {
  const limits = [...hull].map(([dimension, ranges]): Limit => ({ dimension, ranges }));
  return { hull, limits, broad: limits.filter(({ dimension }) => dimensions.isBroad(dimension)) };
}

/** The parts of rules of a chain from one on, in their order. */
export function partsOf(
  rules: readonly Rule[],
  from: number,
  chain: string,
  caller: Part | undefined,
  settings: PartSettings,
): readonly Item[] {
  const start = caller === undefined ? 0 : caller.order;
  const step = caller === undefined ? 1 : caller.span / (rules.length + 2);
  if (step < Number.MIN_VALUE * 1e6 || start + step === start) throw new Unprovable('too-complex', 'chains too deep');
  const items: Item[] = [];
  for (let at = from; at < rules.length; at++) {
    const rule = rules[at];
    const test = ruleCondition(rule);
    const { hull, exact } = settings.dimensions.hullOf(test);
    const dropping = settings.dimensions.dropping(test);
    const meaning = (): RuleMeaning => settings.meaning(rule);
    const base = { rule, chain, at, caller, order: start + (at + 1) * step, span: step };
    const add = (drops: boolean, own: Hull, ends: boolean, find: () => Ref, narrow?: () => Ref | undefined): void => {
      if (isEmpty(own)) return;
      const part: Part = {
        ...base,
        drops,
        ...hullLists(own, settings.dimensions),
        ends,
        get plain(): Item {
          return item;
        },
      };
      const item = new Item(part, 'plain', find, narrow);
      items.push(item);
    };
    add(
      true,
      dropping,
      false,
      () => meaning().hot,
      () => settings.shapes.shapeOf(test).hot,
    );
    const isReturn = rule.target.effect.kind === 'return' && caller !== undefined;
    add(
      false,
      hull,
      exact && endsWay(rule.target.effect) && !isReturn,
      () => meaning().yes,
      () => settings.shapes.shapeOf(test).yes,
    );
  }
  return items;
}

/** Whether an item may be met where a number lies in these ranges. */
export function mayMeet({ part }: Item, dimension: number, ranges: readonly Range[]): boolean {
  const own = part.hull.get(dimension);
  return own === undefined || meets(own, ranges);
}

/** By dimension, the lowest and the highest number that a packet may have; where there is none, it may be any. */
export type Box = readonly (Range | undefined)[];

export const ANYWHERE: Box = [];

/** Whether no packet of the box comes further than the item. */
export function endsBox({ part }: Item, box: Box): boolean {
  const { limits } = part;
  if (!part.ends) return false;
  for (let i = 0; i < limits.length; i++) {
    const own = box[limits[i].dimension];
    if (own === undefined || !limits[i].ranges.some((range) => range[0] <= own[0] && range[1] >= own[1])) return false;
  }
  return true;
}

/** Whether the rule leads back to a jump whose chain stands in its place. */
export const returns = ({ rule, caller }: Part): boolean =>
  rule.target.effect.kind === 'return' && caller !== undefined;

/** Whether the item ends the way of all packets. */
export function endsAll({ part, kind }: Item): boolean {
  if (kind !== 'certain') return false;
  return part.drops || (endsWay(part.rule.target.effect) && !returns(part));
}
