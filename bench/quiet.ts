import type { AloneMeasurement, Samples } from './measurement.js';
import { median, quietOnes } from './statistics.js';
import type { Order } from './varying.js';

/** In percent: how much higher than the hook's lowest floor a quiet one may be. */
export const QUIET_PERCENT = 10;
export const LEAST_QUIET = 11;
/** How often, and how long in all, what was disturbed is measured again at most. */
export const MOST_AGAIN = 2;
export const AGAIN_MINUTES = 6;

/** Nanoseconds: the lowest floor of all measurements at the hook in this order of packets. */
function lowestFloor(where: AloneMeasurement['where'], order: Order, all: readonly AloneMeasurement[]): number {
  const floors = all.filter((one) => one.where === where).flatMap((one) => one[order].floor);
  return floors.reduce((least, floor) => Math.min(least, floor), Infinity);
}

/** The samples that the machine's neighbours left alone; undefined where they are fewer than {@link LEAST_QUIET}. */
export function quietOf(one: AloneMeasurement, order: Order, all: readonly AloneMeasurement[]): Samples | undefined {
  const { samples, floor } = one[order];
  const lowest = lowestFloor(one.where, order, all);
  return quietOnes(samples, floor, { lowest, share: QUIET_PERCENT / 100, least: LEAST_QUIET });
}

/** Whether half of the samples in turn, or more, have a floor that is not a quiet one: beside them the machine had other work. */
export function isDisturbed(one: AloneMeasurement, all: readonly AloneMeasurement[]): boolean {
  return median(one.turn.floor) > lowestFloor(one.where, 'turn', all) * (1 + QUIET_PERCENT / 100);
}

/** Of two measurements of the same, the one with the lower floor: what came out above it makes no difference. */
export function lessDisturbed(one: AloneMeasurement, other: AloneMeasurement): AloneMeasurement {
  return median(other.turn.floor) < median(one.turn.floor) ? other : one;
}
