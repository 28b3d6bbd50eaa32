import type { PlacedFunction } from '../../../bpf-runtime/interpreter/program.js';
import { TRUE, type Ref } from '../bdd.js';
import { unsupported } from '../unprovable.js';
import type { Condition } from './condition.js';
import type { Known } from './pieces.js';

/** One way out of a fork. */
export interface Case {
  readonly when: Condition;
  /** What is known there as ranges of numbers: all of them hold. */
  readonly known: readonly Known[];
  /** On the other side of a jump all of these hold, and on no way else: here, one of them does not. Empty where it is not known so. */
  readonly refuted: readonly Known[];
  readonly then: Step;
}

/** An instruction that calls a function which looks into one diagram. */
export interface Site {
  readonly at: number;
  /** Of the least hit that it is one of the look-ups for. */
  readonly of: string;
  /** The places of that function, walked by itself, for all such instructions. */
  readonly places: readonly Step[];
  /** Places where it begins for this one. */
  readonly starts: ReadonlySet<number>;
  /** Where it keeps a place in a list, from which hits behind the first one are taken: how. */
  readonly sequence: Sequence | undefined;
}

/** A place in a list that a look-up has kept, and what is known of it once it is seen how hits are taken. */
export interface Entry {
  /** The number that is kept. */
  readonly at: number;
  /** The hit of this place. */
  hit: bigint | undefined;
  /** Where it is looked for the place of the next hit; undefined: it is not, behind this one. */
  next: Step | undefined;
}

/** By number: places in lists that are kept. */
export class Entries extends Map<bigint, Entry> {
  /** The one with this number, which is made where there is none yet. */
  at(number: bigint | undefined): Entry {
    if (number === undefined) throw unsupported('a place in a list that is no number');
    let entry = this.get(number);
    if (entry === undefined) this.set(number, (entry = { at: Number(number), hit: undefined, next: undefined }));
    return entry;
  }
}

/** What is done where a hit is taken. */
export interface Taken {
  /** In order, for all packets. */
  readonly events: readonly string[];
  /** What is returned; undefined: the next hit is taken. */
  readonly code: number | undefined;
  /** Whether all places that stood at this hit's rule are then at the first hit of a later rule; else they are as they were. */
  readonly moved: boolean;
}

/** How hits are taken of all lists, the least one first. */
export interface Sequence {
  takenAt(hit: bigint): Taken;
  /** What is done where no list has another hit. */
  readonly none: Taken | undefined;
}

/** A call of such a function. */
export interface Look {
  readonly site: Site;
  /** The place where it begins, which knows its diagram by that. */
  readonly start: number;
  /** The number that it is given; undefined: what the look-ups before it have found. */
  readonly given: bigint | undefined;
}

/** What a program does from one of its places on, until it comes to the next one. */
export type Step =
  | { readonly kind: 'place'; readonly number: number }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'event'; readonly name: string; readonly when: Ref; readonly then: Step }
  /** `jump`: the cases are the two sides of a jump; else what was read from a table. */
  | { readonly kind: 'fork'; readonly jump: boolean; readonly cases: readonly Case[] }
  /** The function of a chain, and what follows from each code that it may return. */
  | {
      readonly kind: 'call';
      readonly placed: PlacedFunction;
      readonly part: bigint;
      readonly after: ReadonlyMap<number, Step>;
    }
  | ({ readonly kind: 'look'; readonly then: Step } & Look)
  /** Whether what a look-up has found, or what it was given, lies between two numbers. */
  | {
      readonly kind: 'test';
      readonly of: string;
      readonly lo: bigint;
      readonly hi: bigint;
      readonly inside: Step;
      readonly outside: Step;
    }
  /** Whether a bit of what a look-up has found is set. */
  | { readonly kind: 'flag'; readonly of: string; readonly bit: number; readonly set: Step; readonly clear: Step }
  /** Hits are taken from where the places are, up to one that is more than counted; what follows from each code that is returned. */
  | {
      readonly kind: 'next';
      readonly of: string;
      readonly sequence: Sequence;
      readonly after: ReadonlyMap<bigint, Step>;
    }
  /** What has been found is told: what follows from each hit that it may be. */
  | { readonly kind: 'split'; readonly of: string; readonly cases: ReadonlyMap<bigint, Step> }
  /** What a function that looks up returns; undefined: what it was given. */
  | { readonly kind: 'found'; readonly value: bigint | undefined; readonly entry: Entry | undefined }
  /** The place that a function returns which looks for the next hit of a list. */
  | { readonly kind: 'stands'; readonly entry: Entry };

/** Where a step leads that packets divide at. */
export function waysOut(step: Extract<Step, { kind: 'fork' | 'flag' | 'test' }>): readonly Step[] {
  switch (step.kind) {
    case 'fork':
      return step.cases.map(({ then }) => then);
    case 'flag':
      return [step.set, step.clear];
    case 'test':
      return [step.inside, step.outside];
  }
}

/** What is read beyond the table's ends is nothing that the proof takes for granted. */
export const beyondTable: Step = {
  kind: 'event',
  name: 'fault: a read beyond the table',
  when: TRUE,
  then: { kind: 'exit', code: -1 },
};
