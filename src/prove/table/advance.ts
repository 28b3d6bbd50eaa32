import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import { unsupported } from '../unprovable.js';
import type { Region } from '../value.js';
import { asSlotPlace } from './slot-place.js';
import type { WalkValue } from './walk-value.js';

/** How the function for the next hit is called: in which registers the flow is, the place, and the rule from which on. */
export interface Advance {
  readonly placed: PlacedFunction;
  readonly flow: number;
  readonly place: number;
  readonly least: number;
}

export function isSameAdvance(a: Advance, b: Advance): boolean {
  return a.placed === b.placed && a.flow === b.flow && a.place === b.place && a.least === b.least;
}

/**
 * A call of that function, and the offset of the place that it moves on. `live`: a bit for each register that it reads; `isLeast`: whether a
 * value is the number of the first rule that it looks for.
 */
export function advanceAt(
  placed: PlacedFunction,
  live: number,
  registers: readonly (WalkValue | undefined)[],
  flow: Region,
  isLeast: (value: WalkValue | undefined) => boolean,
): { readonly slot: number; readonly advance: Advance } {
  const found: { flow?: number; place?: number; least?: number; slot?: number } = {};
  for (let register = 1; register <= 5; register++) {
    if ((live & (1 << register)) === 0) continue;
    const value = registers[register];
    const place = asSlotPlace(value);
    const isFlow =
      value?.kind === 'pointer' && value.region === flow && value.offset === 0 && value.index === undefined;
    if (isFlow && found.flow === undefined) found.flow = register;
    else if (place?.stage === 'at' && found.slot === undefined) [found.slot, found.place] = [place.slot, register];
    else if (isLeast(value) && found.least === undefined) found.least = register;
    else throw unsupported('a function for the next hit with other arguments');
  }
  const { flow: first, place, least, slot } = found;
  if (slot === undefined || first === undefined || place === undefined || least === undefined)
    throw unsupported('a function for the next hit with other arguments');
  return { slot, advance: { placed, flow: first, place, least } };
}
