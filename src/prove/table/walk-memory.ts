import { FALSE, TRUE } from '../bdd.js';
import { requireAligned, State, storedPart } from '../state.js';
import { besideDiagrams, unsupported } from '../unprovable.js';
import { unknown, type Pointer, type Region, type Value } from '../value.js';
import type { Words } from '../words.js';
import { asChosen } from './chosen.js';
import { Condition, type Local } from './condition.js';
import type { Decoded } from './decoded.js';
import { DATA, type Machine } from './machine.js';
import { condition, valuesOf, type Known } from './pieces.js';
import { concrete, exactly, plain, settled, type Place, type WalkValue } from './walk-value.js';
import type { WalkSettings } from './walk-settings.js';
import type { Event } from './events.js';

/** A word of the table that may be found, and for which packets. */
export interface Found {
  readonly value: number;
  readonly when: Condition;
  readonly known: readonly Known[];
}

/** What a walk reads and writes: memory of its own, the table, and what stands outside of the object. */
export class WalkMemory {
  private readonly data: DataView;

  constructor(private readonly settings: WalkSettings) {
    const bytes = settings.code.spec.data?.bytes ?? new Uint8Array(0);
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** What the world outside sees of the machine. */
  outside(machine: Machine, local: Local): State {
    // What happens is noted for more packets than it happens to; the ways that lead there say for which it does.
    const condition = this.settings.thorough ? local.ref : TRUE;
    return new State(condition, this.argumentsOf(machine), machine.memory, new Map());
  }

  argumentsOf({ registers }: Machine): (Value | undefined)[] {
    const { words } = this.settings;
    return registers.map((value, i) => (value === undefined || i === 0 || i > 5 ? undefined : plain(words, value)));
  }

  /** What lies at an address; undefined beyond the table's ends. */
  load(
    machine: Machine,
    base: WalkValue | undefined,
    offset: number,
    size: number,
    local: Local,
    events: Event[],
  ): WalkValue | undefined {
    const { words, world } = this.settings;
    if (base?.kind !== 'pointer') throw unsupported(`an address that is ${base?.kind ?? 'not written'}`);
    const from: Pointer = { ...base, offset: base.offset + offset };
    noteAbsent(from, local, words, events);
    if (from.index !== undefined) throw unsupported('memory at a place that is not constant');
    switch (from.region.kind) {
      case 'stack':
      case 'flow':
        requireAligned(from.offset, size);
        return settled(machine.memory.load(from.region, from.offset, size, words));
      case 'map':
        if (from.region !== DATA) throw unsupported('a load from a map');
        return this.read(from.offset, size);
      case 'context':
      case 'packet':
      case 'kernel':
      case 'map-value': {
        const state = this.outside(machine, local);
        const value = world.load(from, size, state);
        for (const [name, when] of state.log) events.push({ name, when });
        return value;
      }
    }
  }

  /** A word of the table; undefined beyond its ends. */
  private read(offset: number, size: number): WalkValue | undefined {
    if (size !== 8) {
      const number = this.small(offset, size);
      return number < 0 ? undefined : concrete(number);
    }
    if (offset < 0 || offset + size > this.data.byteLength) return undefined;
    return exactly(this.data.getBigUint64(offset, true));
  }

  /** A word of up to 4 bytes of the table; −1 beyond its ends. */
  private small(offset: number, size: number): number {
    if (offset < 0 || offset + size > this.data.byteLength) return -1;
    if (size === 4) return this.data.getUint32(offset, true);
    return size === 2 ? this.data.getUint16(offset, true) : this.data.getUint8(offset);
  }

  /** A look-up by a number of the packet: each word that may be found; −1 beyond the table's ends. */
  lookUp({ base, by }: Place, offset: number, size: number, local: Local): readonly Found[] {
    const { words, thorough } = this.settings;
    if (base.region !== DATA || size === 8) throw unsupported('memory at a place that depends on the packet');
    const found = valuesOf(by, (place) => this.small(base.offset + offset + place, size));
    if (found === undefined) throw besideDiagrams('a look-up of too many places', 'too-complex');
    return [...found].flatMap(([value, ranges]) => {
      const when = new Condition(() => condition(words, by, ranges));
      const known = [{ of: by.of, name: by.name, ranges }];
      const may = thorough ? words.bdd.meets(local.ref, when.ref) : local.mayHold(known);
      return may ? [{ value, when, known }] : [];
    });
  }

  /** What was found is kept nowhere but in registers, where it is seen what it is. */
  private storable(value: WalkValue | undefined, size: number, kind: Region['kind']): Value {
    if (value === undefined) return unknown('a register that was not written');
    const chosen = asChosen(value);
    const kept = this.settings.finds !== undefined && kind === 'stack' && size === 8;
    return chosen !== undefined && kept ? chosen : plain(this.settings.words, value);
  }

  store(machine: Machine, { dst, src, own, offset, size }: Decoded, local: Local, events: Event[]): void {
    const { words, world, isRead } = this.settings;
    const base = machine.registers[dst];
    const value = own ?? machine.registers[src];
    if (base?.kind !== 'pointer' || base.index !== undefined)
      throw unsupported('a store at a place that is not constant');
    const to: Pointer = { ...base, offset: base.offset + offset };
    noteAbsent(to, local, words, events);
    const { kind } = to.region;
    const stored = this.storable(value, size, kind);
    if (kind === 'stack' || (kind === 'flow' && this.settings.finds === undefined)) {
      requireAligned(to.offset, size);
      if (kind === 'flow' && (to.offset < 0 || to.offset + size > (to.region.bytes ?? 0)))
        events.push({ name: 'fault: a write beyond struct flow', when: local.ref });
      if (kind === 'flow' && isRead(to.offset, size)) throw unsupported('a rule beside diagrams that changes a field');
      machine.memory.store(to.region, to.offset, size, storedPart(stored, size, words));
      return;
    }
    if (this.settings.finds !== undefined) throw unsupported('a look-up that writes');
    const state = this.outside(machine, local);
    world.store(to, size, stored, state);
    for (const [name, when] of state.log) events.push({ name, when });
  }
}

function noteAbsent({ absent }: Pointer, local: Local, { bdd }: Words, events: Event[]): void {
  if (absent === FALSE) return;
  const fault = bdd.and(local.ref, absent);
  if (fault !== FALSE) events.push({ name: 'fault: access to NULL', when: fault });
}
