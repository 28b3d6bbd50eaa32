import { rankCuts, type CutRanks } from './cut-ranks.js';
import type { Dimension, Instance } from './instance.js';

/** Instances by their places in a list, as columns of numbers: what every attempt at a diagram of some of them reads. */
export class InstanceTable {
  /** Bit set of the dimensions that an instance tests. */
  readonly masks: Int32Array;
  readonly rules: Int32Array;
  readonly finals: Uint8Array;
  /** How many ranges the box of an instance has. */
  readonly tests: Uint8Array;
  /** Bit set of the dimensions that are asked first. */
  readonly firsts: number;
  /** Of each dimension. */
  readonly ranks: readonly CutRanks[];

  constructor(
    readonly instances: readonly Instance[],
    readonly dimensions: readonly Dimension[],
  ) {
    const { length } = instances;
    this.masks = new Int32Array(length);
    this.rules = new Int32Array(length);
    this.finals = new Uint8Array(length);
    this.tests = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const { box, rule, final } = instances[i];
      let mask = 0;
      for (let j = 0; j < box.length; j++) mask |= 1 << box[j].dimension;
      this.masks[i] = mask;
      this.rules[i] = rule;
      this.finals[i] = final ? 1 : 0;
      this.tests[i] = box.length;
    }
    this.firsts = dimensions.reduce((set, { first }, index) => (first === undefined ? set : set | (1 << index)), 0);
    this.ranks = rankCuts(instances, dimensions);
  }

  /** The places of all instances. */
  all(): Int32Array {
    return Int32Array.from({ length: this.instances.length }, (_, index) => index);
  }
}
