import type { Work } from '../codegen/program/engine/cost.js';
import { median, medianOfDifferences } from './statistics.js';

/** Who decides at the INPUT hook of the stack. */
export const FILTERS = ['none', 'ours', 'iptables-legacy', 'iptables-nft', 'nft-translated'] as const;
export type Filter = (typeof FILTERS)[number];
export type OtherFilter = Exclude<Filter, 'ours'>;
export type Where = 'xdp' | 'tc' | Filter;

/**
 * How much of a program by itself is measured, in each order of packets. At XDP the kernel changes its code and waits before each call of a test
 * run; what the core's caches held is lost by then. To read 4,096 frames and their way through a table again takes up to 1 ms, which a call
 * must be long for.
 */
export const BY_ITSELF = { loadings: 5, samples: 7, packets: 400_000 } as const;

/** At the INPUT hook; frames come from XDP there, too. What takes long has fewer samples, of fewer packets. */
export const AT_INPUT = { samples: 31, samplesOfOthers: 11, packets: 100_000, fewestPackets: 5_000 } as const;

/** Nanoseconds a packet, each the mean of a call; `floor`: with an empty program, or no filter. */
export interface Samples {
  readonly samples: readonly number[];
  readonly floor: readonly number[];
}

/** What compiling and loading took. */
export interface Compiled {
  readonly chain: string;
  readonly mode: string;
  readonly engines: string;
  /** What the cost model knows of the stretches of the chain. */
  readonly work: readonly Work[];
  readonly parseMs: number;
  readonly compileMs: number;
  readonly loadMs: number;
  readonly processed: number;
  readonly machineBytes: number;
  readonly mapBytes: number;
  readonly objectBytes: number;
  /** Highest resident memory of the process that compiled, in MiB. */
  readonly peakMiB: number;
}

interface Measured {
  /** Kind of the rules, or name of the dump. */
  readonly kind: string;
  readonly rules: number;
}

/** A program by itself, each sample next to one of an empty program: the same packets round and round, and drawn at random. */
export interface AloneMeasurement extends Measured {
  readonly where: 'xdp' | 'tc';
  readonly turn: Samples;
  readonly random: Samples;
  readonly compiled: Compiled;
}

/** Our program at the INPUT hook, in turns with nothing there (the floor) and with an empty program of the same type. */
export interface OursMeasurement extends Measured, Samples {
  readonly where: 'ours';
  readonly empty: readonly number[];
  readonly compiled: Compiled;
}

/** Another filter there; the floor is measured before it is installed. */
export interface OtherMeasurement extends Measured, Samples {
  readonly where: OtherFilter;
}

export type StackMeasurement = OursMeasurement | OtherMeasurement;
export type Measurement = AloneMeasurement | StackMeasurement;

export function isAlone(one: Measurement): one is AloneMeasurement {
  return one.where === 'xdp' || one.where === 'tc';
}

/** Of samples that have their floor next to them, in nanoseconds. */
export function aboveNext({ samples, floor }: Samples): number {
  return medianOfDifferences(samples, floor);
}

/** Nanoseconds above the floor; of a program by itself with packets in turn. */
export function aboveFloor(one: Measurement): number {
  switch (one.where) {
    case 'xdp':
    case 'tc':
      return aboveNext(one.turn);
    case 'ours':
      return aboveNext(one);
    case 'none':
    case 'iptables-legacy':
    case 'iptables-nft':
    case 'nft-translated':
      return median(one.samples) - median(one.floor);
  }
}
