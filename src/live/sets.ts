/** IP sets of what is attached, changed while packets come. */
import type { Generation } from '../../bpf-runtime/dispatch/control.js';
import { getPinned } from '../../bpf-runtime/kernel/bpf.js';
import { KernelMap } from '../../bpf-runtime/kernel/map.js';
import { ObjectSets } from '../../bpf-runtime/sets/object-sets.js';
import { RuntimeError } from '../../bpf-runtime/system/error.js';
import { readObject } from '../../codegen/object/read.js';
import { READY } from '../../codegen/program/sets/contents.js';
import { exclusively } from './attach.js';
import { currentGeneration, findDeployment } from './deployment.js';
import { generationObject, hasGeneration } from './generation.js';
import type { Pins } from './pins.js';

/** A line of `ipset` that changes the elements of a set. */
export interface SetChange {
  readonly action: 'add' | 'del';
  readonly set: string;
  readonly element: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly nomatch?: boolean;
  readonly exist?: boolean;
}

const MOST_SECONDS = 2_147_483;

/**
 * Reads `add SET ELEMENT [timeout SECONDS] [nomatch] [-exist]` or `del SET ELEMENT [-exist]`, as `ipset` and `ipset restore` do. Throws
 * `bad-element` for other words.
 */
export function parseSetChange(words: readonly string[]): SetChange {
  const [action, set, element, ...options] = words;
  if ((action !== 'add' && action !== 'del') || set === undefined || element === undefined) {
    throw new RuntimeError('bad-element', `"${words.join(' ')}" is neither add SET ELEMENT nor del SET ELEMENT`);
  }
  let change: SetChange = { action, set, element };
  for (let at = 0; at < options.length; at++) {
    const word = options[at];
    if (word === '-exist' || word === '-!') change = { ...change, exist: true };
    else if (word === 'nomatch' && action === 'add') change = { ...change, nomatch: true };
    else if (word === 'timeout' && action === 'add') change = { ...change, timeout: seconds(options[++at]) };
    else throw new RuntimeError('bad-element', `"${word}" is nothing that a set of an object keeps`);
  }
  return change;
}

function seconds(word: string | undefined): number {
  const value = Number(word);
  if (word !== undefined && /^\d+$/.test(word) && value <= MOST_SECONDS) return value;
  throw new RuntimeError('bad-element', `a timeout is a whole number of seconds up to ${MOST_SECONDS}`);
}

export interface SetsOptions {
  readonly base: string;
  readonly name?: string;
  readonly told?: (text: string) => void;
}

/** The sets of the ruleset in force, by their names. Throws `not-attached`. */
export function listSets({ base, name }: SetsOptions): { readonly name: string; readonly sets: readonly string[] } {
  const deployment = findDeployment(base, name);
  const sets = withSets(deployment.pins, currentGeneration(deployment), (own) => own.names);
  return { name: deployment.record.name, sets };
}

/**
 * Changes elements in order, of the ruleset in force and of the one that `rollback` would go back to, where it has the set. The next packet
 * sees each change; nothing is loaded again. Throws `not-attached`, `no-set`, `bad-element`, `element-exists`, `no-element` at the first
 * that cannot be made; those before it stay.
 */
export function changeSets(
  changes: readonly SetChange[],
  { base, name, told }: SetsOptions,
): { readonly name: string } {
  return exclusively(base, told, () => {
    const deployment = findDeployment(base, name);
    const { pins, record } = deployment;
    const side = currentGeneration(deployment);
    const other = side === 0 ? 1 : 0;
    withSets(pins, side, (own) => {
      for (const change of changes) apply(own, change);
    });
    if (hasGeneration(pins, other)) withSets(pins, other, (own) => follow(own, changes));
    return { name: record.name };
  });
}

function apply(sets: ObjectSets, { action, set, element, ...options }: SetChange): void {
  if (action === 'add') sets.add(set, element, options);
  else sets.delete(set, element, options);
}

/** The same in a set that may be another one by now. */
function follow(sets: ObjectSets, changes: readonly SetChange[]): void {
  for (const change of changes) {
    if (!sets.names.includes(change.set)) continue;
    try {
      apply(sets, { ...change, exist: true });
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'bad-element') throw error;
    }
  }
}

function withSets<T>(pins: Pins, side: Generation, body: (sets: ObjectSets) => T): T {
  const { bytes, spec } = generationObject(pins, side);
  const opened = new Map<string, KernelMap>();
  const open = (map: string): KernelMap | undefined => {
    if (map === READY || !spec.maps.some((one) => one.name === map)) return undefined;
    const known = opened.get(map) ?? new KernelMap(getPinned(pins.generation(side, 'maps', map)));
    opened.set(map, known);
    return known;
  };
  try {
    return body(new ObjectSets(readObject(bytes).manifest, open));
  } finally {
    for (const map of opened.values()) map.close();
  }
}
