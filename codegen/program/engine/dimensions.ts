import { fieldLimit, type Field } from '../../../grammar/model/fields.js';
import type { Family } from '../../../grammar/model/family.js';
import type { Access, Dimension } from '../../classify/index.js';
import { storedBytes, type FlowLayout } from '../flow.js';

/** 32 bits of a field, most significant word first. */
export interface Word {
  readonly access: Access;
  /** Bits of the field below this word. */
  readonly below: number;
  /** Whether it is the most significant one. */
  readonly isTop: boolean;
}

function wordsOf(layout: FlowLayout, family: Family, field: Field, mask: bigint): readonly Word[] {
  const offset = layout.offsets.get(field);
  if (offset === undefined) throw new Error(`field ${field} is tested but not in the flow`);
  const bytes = storedBytes(field, family);
  if (bytes <= 4) {
    // A small field is part of an aligned word of the flow.
    const access = { offset: offset & ~3, shift: 8 * (offset & 3), mask: Number(mask) };
    return [{ access, below: 0, isTop: true }];
  }
  const words: Word[] = [];
  for (let index = 0; index < bytes / 4; index++) {
    const below = 8 * bytes - 32 * (index + 1);
    const own = Number((mask >> BigInt(below)) & 0xffff_ffffn);
    // Each 64 bits are a number in host order: the upper half lies behind the lower one.
    const at = offset + 8 * (index >> 1) + (index % 2 === 0 ? 4 : 0);
    words.push({ access: { offset: at, shift: 0, mask: own }, below, isTop: index === 0 });
  }
  return words;
}

/** Bits of a field, as words in struct flow. */
export interface MaskedField {
  readonly mask: bigint;
  /** Up to the highest one of the mask. */
  readonly bits: number;
  readonly words: readonly Word[];
}

/** Asked first, in this order: what most rules test, with few values, and what tells pieces and cut packets apart. */
const FIRST: readonly Field[] = ['proto', 'l4found', 'fragoff', 'l4len'];
const PARTITIONS: readonly Field[] = ['saddr', 'daddr'];

/** The dimensions that the rules of one segment test, numbered as they come. */
export class DimensionSet {
  readonly dimensions: Dimension[] = [];
  readonly accesses: Access[] = [];
  /** By place of the number, and by mask. */
  private readonly numbers = new Map<number, Map<number, number>>();
  /** By field, and by mask; rules ask for the same few again and again. */
  private readonly masked = new Map<Field, Map<bigint | undefined, MaskedField>>();

  /** `most`: how many there may be, at most MAX_DIMENSIONS. */
  constructor(
    private readonly layout: FlowLayout,
    private readonly family: Family,
    readonly most: number,
  ) {}

  get all(): Pick<DimensionSet, 'dimensions' | 'accesses' | 'most'> {
    return { dimensions: this.dimensions, accesses: this.accesses, most: this.most };
  }

  /** A field under a mask; all of it where there is none. */
  wordsOf(field: Field, mask: bigint | undefined): MaskedField {
    let byMask = this.masked.get(field);
    if (byMask === undefined) this.masked.set(field, (byMask = new Map()));
    const known = byMask.get(mask);
    if (known !== undefined) return known;
    const full = fieldLimit(field, this.family);
    const own = (mask ?? full) & full;
    const made = { mask: own, bits: own.toString(2).length, words: wordsOf(this.layout, this.family, field, own) };
    byMask.set(mask, made);
    return made;
  }

  /** Number of the dimension; undefined where there is no room for another one. */
  numberOf(access: Access, field: Field | undefined, isTop: boolean): number | undefined {
    const place = 32 * access.offset + access.shift;
    let byMask = this.numbers.get(place);
    if (byMask === undefined) this.numbers.set(place, (byMask = new Map()));
    const known = byMask.get(access.mask);
    if (known !== undefined) return known;
    if (this.dimensions.length === this.most) return undefined;
    const first = field === undefined ? -1 : FIRST.indexOf(field);
    const whole = access.mask === 0xffff_ffff;
    const partition = isTop && whole && field !== undefined && PARTITIONS.includes(field);
    const number = this.dimensions.length;
    this.dimensions.push({ max: access.mask, ...(first < 0 ? {} : { first }), ...(partition ? { partition } : {}) });
    this.accesses.push(access);
    byMask.set(access.mask, number);
    return number;
  }
}
