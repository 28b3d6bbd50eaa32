import {
  entryOf,
  isElement,
  READY,
  READY_KEY,
  READY_VALUE,
  readManifestSets,
  setsOfObject,
  type ObjectSet,
} from '../../codegen/program/sets/contents.js';
import type { IpSet, IpSetMember } from '../../grammar/model/ip-set.js';
import { parseElement } from '../../grammar/sets/index.js';
import { hasNetworks } from '../../grammar/sets/types.js';
import { RuntimeError } from '../system/error.js';

/** A map of a set, in the kernel or in the interpreter. */
export interface SetMap {
  /** Undefined where the key is not in the map. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array): void;
  /** False where the key was not in the map. */
  delete(key: Uint8Array): boolean;
}

export interface AddOptions {
  /** An exception: what it contains is not in the set. */
  readonly nomatch?: boolean;
  /** Seconds until it goes; the set's own time if left out. Only in a set with timeouts. */
  readonly timeout?: number;
  /** Put it in again where it is there already, as `ipset -exist` does. */
  readonly exist?: boolean;
}

/**
 * The IP sets of a loaded object: filled once when it is loaded, and changed in place while its programs run. The next
 * packet sees the change; nothing is loaded again. What belongs to a list of sets is fixed in the program.
 *
 * Errors are RuntimeErrors `no-set`, `bad-element`, `element-exists` and `no-element`; what the kernel says of a full map
 * is a SystemCallError.
 */
export class ObjectSets {
  private readonly sets: ReadonlyMap<string, ObjectSet>;

  /**
   * @param manifest text of the object's manifest
   * @param maps the object's maps by name
   * @param now CLOCK_MONOTONIC in nanoseconds, as the programs see it
   */
  constructor(
    manifest: string,
    private readonly maps: (name: string) => SetMap | undefined,
    private readonly now: () => bigint = () => process.hrtime.bigint(),
  ) {
    const sets = readManifestSets(manifest);
    this.sets = sets === undefined ? new Map() : setsOfObject(sets);
  }

  get names(): readonly string[] {
    return [...this.sets.keys()];
  }

  /** Puts in what the manifest says, and lets the programs begin. The object's loaders have done so already. */
  fill(): void {
    if (this.sets.size === 0) return;
    const now = this.now();
    for (const { set, map } of this.sets.values()) {
      // A map that no program reads may not be there.
      const target = this.maps(map);
      for (const element of target === undefined ? [] : set.members) {
        const { key, value } = entryOf(element, set, now);
        target?.update(key, value);
      }
    }
    this.maps(READY)?.update(READY_KEY, READY_VALUE);
  }

  /** As `ipset add`: one element, or those of a range. */
  add(name: string, element: string, options: AddOptions = {}): void {
    const { set, target } = this.named(name);
    const { nomatch, timeout = set.timeout, exist } = options;
    if (options.timeout !== undefined && set.timeout === undefined) {
      throw new RuntimeError('bad-element', `set ${name} has no timeouts`);
    }
    if (nomatch === true && !hasNetworks(set.type)) {
      throw new RuntimeError('bad-element', `set ${name} has no exceptions`);
    }
    const more: Partial<IpSetMember> = {
      ...(nomatch === true ? { nomatch } : {}),
      ...(timeout === undefined ? {} : { timeout }),
    };
    for (const parsed of this.elements(name, element)) {
      const { key, value } = entryOf({ ...parsed, ...more }, set, this.now());
      if (exist !== true && isElement(target.lookup(key), key, set, this.now())) {
        throw new RuntimeError('element-exists', `${element} is in set ${name} already`);
      }
      target.update(key, value);
    }
  }

  /** As `ipset del`: one element, or those of a range. */
  delete(name: string, element: string, options: Pick<AddOptions, 'exist'> = {}): void {
    const { set, target } = this.named(name);
    for (const parsed of this.elements(name, element)) {
      const there = target.delete(entryOf(parsed, set, 0n).key);
      if (!there && options.exist !== true) throw new RuntimeError('no-element', `${element} is not in set ${name}`);
    }
  }

  private elements(name: string, text: string): readonly IpSetMember[] {
    const { set } = this.named(name);
    const parsed = parseElement(text, set);
    if ('error' in parsed) throw new RuntimeError('bad-element', parsed.error);
    if (parsed.value.some(({ mac }) => set.type === 'bitmap:ip,mac' && mac === undefined)) {
      throw new RuntimeError('bad-element', `an element of set ${name} needs a MAC address`);
    }
    return parsed.value;
  }

  private named(name: string): { readonly set: IpSet; readonly target: SetMap } {
    const known = this.sets.get(name);
    const target = known && this.maps(known.map);
    if (known !== undefined && target !== undefined) return { set: known.set, target };
    throw new RuntimeError('no-set', `the object has no set ${name} (it has ${this.names.join(', ') || 'none'})`);
  }
}
