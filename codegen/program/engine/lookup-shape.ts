import type { Access, RecordLayout } from '../../classify/index.js';
import { MAX_GROUPS } from './segment.js';

/** The object's constant data: all diagrams of all its programs. */
export const TABLE = 'diagrams';

/** What the functions of one layout of records have to reach. */
export interface LookupShape {
  /** Number of the layout. */
  readonly layout: number;
  readonly records: RecordLayout;
  /** The numbers that branches and lists ask for, by slot. */
  readonly numbers: readonly Access[];
  /** Most branches on one way, and entries of one list. */
  readonly depth: number;
  readonly candidates: number;
  /** Hits that a packet has, at most. */
  readonly hits: number;
  /** Whether some stretch is final, which takes the first hit alone. */
  readonly final: boolean;
  /** Whether some stretch has several diagrams: what one has found may make the list of another needless. */
  readonly several: boolean;
  /** Numbers of groups that some look-up of other stretches walks. */
  readonly groups: readonly number[];
}

/** Name of the function that finds the first hit of a diagram whose rules are all final. */
export const findRule = (layout: number): string => `find_rule_${layout}`;
export const findRules = (layout: number): string => `find_rules_${layout}`;
export const nextEntry = (layout: number): string => `next_entry_${layout}`;
/** Name of the function that takes the next hit from the lists of so many groups. */
export const nextHit = (layout: number, groups: number): string => `next_rule_${layout}_of_${groups}`;
/** Byte offset of a group's place, a u32: not a multiple of 8, where the verifier would remember of each list by itself what it may be. */
export const placeOf = (group: number): number => 8 * group + 4;
/** Bytes of the places in the lists that {@link nextHit} moves on. */
export const PLACES_BYTES = 8 * MAX_GROUPS;

/** What the functions have to know of the object. */
export interface ObjectShape {
  /** Bytes of the table, and of struct flow. */
  readonly size: number;
  readonly flowBytes: number;
  /** How many counters it has. */
  readonly counters: number;
  /** Offset in struct flow of how often a packet is counted, where that is not once. */
  readonly times?: number | undefined;
}
