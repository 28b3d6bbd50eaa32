import type { Bdd } from '../bdd.js';
import type { Least } from './least.js';
import type { Item, Part } from './rule-parts.js';
import type { Sequence } from './step.js';

/** How far the rules have come with a packet, as far as the program has shown it. */
export interface Stand {
  /** What is still to be met, in the order of rules. */
  readonly items: readonly Item[];
  /** Order of the last rule that was counted. */
  readonly counted: number;
  /** A rule that was counted in one of its two numbers alone. */
  readonly half?: { readonly key: number; readonly what: string };
  /** A rule whose event is still to be written. */
  readonly logging?: number;
  /** A jump that was counted, and from which rule on its chain is still to be run. */
  readonly jump?: { readonly part: Part; readonly from: number };
  /** What the rules have decided. */
  readonly decided?: number;
  /** What is known of the least hit of several look-ups, while they go on. */
  readonly least?: Least | undefined;
  /** Where places in lists are: at the first hits of rules from this number on. Undefined where there are none, or they are not known. */
  readonly cursor?: Cursor | undefined;
}

export interface Cursor {
  readonly sequence: Sequence;
  readonly from: bigint;
}

const sameStage = (a: Stand, b: Stand): boolean =>
  a.half?.key === b.half?.key &&
  a.half?.what === b.half?.what &&
  a.logging === b.logging &&
  a.jump?.part === b.jump?.part &&
  a.jump?.from === b.jump?.from &&
  a.decided === b.decided &&
  a.cursor?.sequence === b.cursor?.sequence &&
  a.cursor?.from === b.cursor?.from;

/**
 * One stand for the packets of two. What is still to be met for one of them may be added for the other if it does not
 * match its packets anyway: so nothing that was counted. Undefined where that cannot be.
 */
export function joined(a: Stand, b: Stand, bdd: Bdd): Stand | undefined {
  if (!sameStage(a, b)) return undefined;
  if (a.items === b.items) return { ...a, counted: Math.max(a.counted, b.counted) };
  const items: Item[] = [];
  let i = 0;
  let j = 0;
  while (i < a.items.length || j < b.items.length) {
    const [x, y] = [a.items[i], b.items[j]];
    if (x === y) {
      items.push(x);
      i++;
      j++;
      continue;
    }
    if (x?.part === y?.part) {
      items.push(eitherOf(x, y, bdd));
      i++;
      j++;
      continue;
    }
    const takeLeft = y === undefined || (x !== undefined && isBefore(x, y));
    const own = takeLeft ? x : y;
    if (own.part.order <= (takeLeft ? b : a).counted) return undefined;
    items.push(own.kind === 'certain' ? own.part.plain : own);
    if (takeLeft) i++;
    else j++;
  }
  return { ...a, items, counted: Math.max(a.counted, b.counted) };
}

function eitherOf(a: Item, b: Item, bdd: Bdd): Item {
  if (a.kind === 'certain' || b.kind === 'certain') return a.part.plain;
  return a.rest(bdd.or(a.where, b.where));
}

function isBefore({ part: a }: Item, { part: b }: Item): boolean {
  return a.order === b.order ? a.drops && !b.drops : a.order < b.order;
}
