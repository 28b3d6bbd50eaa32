import type { Family } from '../../../grammar/model/family.js';
import type { IpSet, SetTest } from '../../../grammar/model/ip-set.js';
import { dimensionOf, hasNetworks } from '../../../grammar/sets/types.js';
import { callFunction, goto, jump64, mov64, R0, R1, R6, reg } from '../../bytecode/instruction.js';
import type { FunctionSpec, MapSpec, ParamSpec } from '../../object/spec.js';
import type { Code } from '../code.js';
import type { FlowLayout } from '../flow.js';
import { MEMBER, setFunction, type Counting } from './function.js';
import { READY_MAP, setMap } from './layout.js';

export { SET_STACK } from './function.js';

/** A set that programs of an object look packets up in, and the map that holds it. */
export interface UsedSet {
  readonly set: IpSet;
  readonly map: string;
}

interface Lookup {
  readonly name: string;
  readonly used: UsedSet;
  readonly directions: SetTest['directions'];
  readonly counting?: Counting;
}

/** The sets of an object, and the functions that look packets up in them: one for a set and the sides compared. */
export class SetFunctions {
  private readonly used = new Map<string, UsedSet>();
  private readonly lookups = new Map<string, Lookup>();
  private readonly announced = new Set<string>();

  /** Says that a test may be emitted. */
  announce(test: SetTest): void {
    this.announced.add(keyOf(test));
  }

  private lookupOf(test: SetTest): Lookup {
    const set = setOf(test);
    const sides = test.directions.slice(0, dimensionOf(set.type));
    const key = keyOf(test);
    let lookup = this.lookups.get(key);
    if (lookup === undefined) {
      const counting = countingOf(test);
      const counts = counting === undefined ? {} : { counting };
      lookup = { name: `set_lookup_${this.lookups.size}`, used: this.use(set), directions: sides, ...counts };
      this.lookups.set(key, lookup);
    }
    return lookup;
  }

  private use(set: IpSet): UsedSet {
    let used = this.used.get(set.name);
    if (used === undefined) {
      used = { set, map: `set_${this.used.size}` };
      this.used.set(set.name, used);
    }
    return used;
  }

  /** How many functions there may be. */
  get most(): number {
    return this.announced.size;
  }

  /** How many functions the tests call that have been emitted. */
  get size(): number {
    return this.lookups.size;
  }

  get sets(): readonly UsedSet[] {
    return [...this.used.values()];
  }

  maps(): readonly MapSpec[] {
    return this.size === 0 ? [] : [READY_MAP, ...this.sets.map(({ set, map }) => setMap(set, map))];
  }

  specs(family: Family, layout: FlowLayout, flow: ParamSpec): readonly Omit<FunctionSpec, 'linkage'>[] {
    return [...this.lookups.values()].map(({ name, used, directions, counting }) => ({
      name,
      params: [flow],
      instructions: setFunction(used.set, used.map, directions, family, layout, counting).finish(),
    }));
  }

  /** Emits a test (ip_set_test): r6 = flow. Clobbers r0–r5. */
  emit(code: Code, test: SetTest, ifTrue: string, ifFalse: string): void {
    const { name, used } = this.lookupOf(test);
    const wanted = test.returnNomatch && hasNetworks(used.set.type) ? MEMBER.NOMATCH : MEMBER.IN;
    code.emit(mov64(R1, reg(R6)), callFunction(name), jump64('jeq', R0, wanted, ifTrue), goto(ifFalse));
  }
}

function setOf({ set, name }: SetTest): IpSet {
  if (set === undefined || set.type === 'other') throw new Error(`set ${name} came to the code generator`);
  return set;
}

/** Elements count only where some rule asks them what they have counted. */
function countingOf(test: SetTest): Counting | undefined {
  if (setOf(test).comparedBy === undefined) return undefined;
  const { quiet = false, compared = [] } = test;
  return quiet && compared.length === 0 ? undefined : { quiet, compared };
}

/** The same text for tests that one function answers. */
function keyOf(test: SetTest): string {
  const counting = countingOf(test);
  const sides = test.directions.slice(0, dimensionOf(setOf(test).type));
  if (counting === undefined) return [test.name, ...sides].join(' ');
  const compared = counting.compared.map(({ counter, is, value }) => `${counter} ${is} ${value}`);
  return [test.name, ...sides, counting.quiet ? 'quiet' : 'counts', ...compared].join(' ');
}
