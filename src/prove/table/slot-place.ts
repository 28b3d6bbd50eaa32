import { unknown } from '../value.js';
import type { Chosen } from './chosen.js';
import type { WalkValue } from './walk-value.js';

/**
 * Where a place stands while a hit is taken. `before`: at the first hit behind those that were taken; `at`: so, and that is one of the
 * rule which is taken; `behind`: at the first hit of a later rule.
 */
export interface SlotPlace extends Chosen {
  readonly slot: number;
  readonly stage: 'before' | 'at' | 'behind';
}

export const asSlotPlace = (value: WalkValue | undefined): SlotPlace | undefined =>
  value?.kind === 'unknown' && 'stage' in value ? (value as SlotPlace) : undefined;

export const slotName = (slot: number): string => `place ${slot}`;

const slotPlaces = new Map<string, SlotPlace>();

/** The same place, the same object: memory keeps it as one. */
export function slotPlace(slot: number, stage: SlotPlace['stage']): SlotPlace {
  const name = `${slotName(slot)} ${stage}`;
  let place = slotPlaces.get(name);
  if (place === undefined) {
    const of = stage === 'behind' ? name : slotName(slot);
    slotPlaces.set(name, (place = { ...unknown(name), of, map: (value) => value, shift: 0, slot, stage }));
  }
  return place;
}
