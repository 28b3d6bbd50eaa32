import { HELPER } from '../../codegen/bytecode/instruction.js';
import { COUNTER_BYTES, COUNTERS, countersTogether } from '../../codegen/program/counters.js';
import { EVENTS } from '../../codegen/program/log.js';
import { FLOW_RULE } from '../../codegen/program/flow.js';
import type { PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { FALSE, TRUE } from './bdd.js';
import type { Ending, World } from './world.js';
import { bitsOf, type State } from './state.js';
import { unsupported } from './unprovable.js';
import { numberOf, pointer, unknown, word, type Pointer, type Region, type Value } from './value.js';
import { sameBits, type Bits, type Words } from './words.js';

export interface ObjectWorldSettings {
  /** What a matched rule adds to its bytes. */
  readonly length: Bits;
  /** Where it lies in the flow. */
  readonly lengthAt: number | undefined;
  readonly flow: Region;
  /** How many counters the object has. */
  readonly entries: number;
  call(placed: PlacedFunction, state: State): Value | undefined;
  /** Code that is not followed: see {@link World.detour}. */
  detour?(at: number, state: State): readonly Ending[] | undefined;
}

/** The maps of an object: what is counted and logged becomes an event of the way. */
export class ObjectWorld implements World {
  private readonly values = new Map<number, Region>();

  constructor(
    protected readonly words: Words,
    private readonly maps: ObjectWorldSettings,
  ) {}

  call(placed: PlacedFunction, state: State): Value | undefined {
    return this.maps.call(placed, state);
  }

  detour(at: number, state: State): readonly Ending[] | undefined {
    return this.maps.detour?.(at, state);
  }

  load(from: Pointer, size: number, state: State): Value {
    const { region, offset, index } = from;
    if (region.kind !== 'map-value' || region.name !== COUNTERS || index !== undefined) {
      throw unsupported(`a load from ${region.kind} ${region.name}`);
    }
    const event = size === 8 ? this.eventOf(region, offset) : undefined;
    if (event === undefined) throw unsupported('a part of a counter');
    if (this.words.bdd.and(state.log.get(event) ?? FALSE, state.condition) !== FALSE) {
      throw unsupported('a rule that is counted twice on one way');
    }
    return { kind: 'counter', region, at: offset, plus: word([]) };
  }

  store(to: Pointer, size: number, value: Value, state: State): void {
    const { region, offset, index } = to;
    if (region.kind !== 'map-value' || region.name !== COUNTERS || index !== undefined || size !== 8) {
      throw unsupported(`a store to ${region.kind} ${region.name}`);
    }
    const own = value.kind === 'counter' && value.region === region && value.at === offset ? value : undefined;
    const right = own !== undefined && this.isDue(own.plus.bits, offset, state);
    const event = right ? this.eventOf(region, offset) : undefined;
    state.note(event ?? `miscount of ${region.key} at ${offset}`, state.condition, this.words);
  }

  /** One packet, or the bytes of those that come here. */
  private isDue(plus: Bits, offset: number, { condition }: State): boolean {
    const due = offset % COUNTER_BYTES === 0 ? [TRUE] : this.maps.length;
    return sameBits(plus, due) || this.words.bdd.implies(condition, this.words.equal(plus, due));
  }

  helper(number: number, state: State): Value {
    if (number === HELPER.map_lookup_elem) return this.lookUp(state);
    if (number === HELPER.ringbuf_output) return this.log(state);
    throw unsupported(`helper ${helperName(number)}`);
  }

  kfunc(name: string, state: State): Value {
    void state;
    throw unsupported(`kernel function ${name}`);
  }

  private lookUp(state: State): Value {
    const [, map, key] = state.registers;
    if (map?.kind !== 'pointer' || map.region.kind !== 'map') throw unsupported('a look-up in no map');
    if (map.region.name !== COUNTERS) throw unsupported(`a look-up in map ${map.region.name}`);
    if (key?.kind !== 'pointer' || key.region.kind !== 'stack') throw unsupported('a key that is not on the stack');
    const index = numberOf(state.memory.load(key.region, key.offset, 4, this.words));
    if (index === undefined) throw unsupported('a counter whose number is not constant');
    if (index >= BigInt(this.elements)) return pointer(this.valueOf(Number(index)), 0, TRUE);
    return pointer(this.valueOf(Number(index)));
  }

  private get elements(): number {
    return Math.ceil(this.maps.entries / countersTogether(this.maps.entries));
  }

  /** What a change of 8 bytes of an element says; undefined where these are no part of a counter. */
  private eventOf({ key }: Region, offset: number): string | undefined {
    const together = countersTogether(this.maps.entries);
    const place = Math.floor(offset / COUNTER_BYTES);
    const part = offset - place * COUNTER_BYTES;
    const counter = (key ?? 0) * together + place;
    if (place < 0 || place >= together || counter >= this.maps.entries || part % 8 !== 0) return undefined;
    return `count ${counter} ${part === 0 ? 'packets' : 'bytes'}`;
  }

  private valueOf(key: number): Region {
    let region = this.values.get(key);
    if (region === undefined) this.values.set(key, (region = { kind: 'map-value', name: COUNTERS, key }));
    return region;
  }

  /** Rule's number in the flow, then all of the flow to the ring. */
  private log(state: State): Value {
    const [, map, data, size] = state.registers;
    const isRing = map?.kind === 'pointer' && map.region.kind === 'map' && map.region.name === EVENTS;
    if (!isRing || data?.kind !== 'pointer') throw unsupported('an event of another kind');
    if (data.region !== this.maps.flow || data.offset !== 0 || size === undefined) throw unsupported('another event');
    const rule = state.memory.load(data.region, FLOW_RULE, 4, this.words);
    const bits = bitsOf(rule, this.words);
    const number = bits === undefined ? undefined : numberOf(word(bits));
    state.note(`log ${number}`, state.condition, this.words);
    return unknown('whether an event was written');
  }
}

export function helperName(number: number): string {
  return Object.entries(HELPER).find(([, value]) => value === number)?.[0] ?? String(number);
}
