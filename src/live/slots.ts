import type { BuiltinChain } from '../../grammar/model/family.js';

/** What a generation's programs are for: at devices there is one, at netfilter one a chain and what stands behind. */
export type SlotName = 'wire' | BuiltinChain | 'guard' | 'observer';

const NUMBERS: Readonly<Record<SlotName, number>> = {
  wire: 0,
  PREROUTING: 0,
  INPUT: 1,
  FORWARD: 2,
  OUTPUT: 3,
  POSTROUTING: 4,
  guard: 5,
  observer: 6,
};

/** Slots of a generation. */
export const SLOTS = 8;

export function slotOf(name: SlotName): number {
  return NUMBERS[name];
}
