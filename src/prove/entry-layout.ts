import { FLOW_RULE } from '../../codegen/program/flow.js';
import { FALSE, type Ref } from './bdd.js';
import type { ShapedEntry } from './entry-model.js';
import {
  pieces,
  sizeOf,
  slotPart,
  transportNeed,
  UNMAPPED,
  WANTED_BYTES,
  type Known,
  type Layout,
  type Slot,
} from './flow.js';
import { bitsOf, type State } from './state.js';
import type { Family } from '../../grammar/model/family.js';
import type { Pointer } from './value.js';
import { bitAt, constantBits, type Bits, type Words } from './words.js';

/** Where the entry leaves the fields of packets: `struct flow` at the call of the chain, against the packet. */
export class EntryLayout {
  /** `fields`: those that rules read. */
  constructor(
    private readonly words: Words,
    private readonly family: Family,
    private readonly fields: readonly Known[],
  ) {}

  /** Where in the flow each field lies: wherever its value is, for all frames of this shape. */
  find(state: State, flow: Pointer, reading: ShapedEntry, bytes: number): Layout {
    const taken = new Set<number>();
    const { family } = this;
    const constants = new Map<Known, bigint>();
    const slots: Slot[] = [];
    const take = (slot: Slot): void => {
      for (let i = 0; i < slot.size; i++) taken.add(slot.offset + i);
      slots.push(slot);
    };
    const fields = [...this.fields].sort((a, b) => sizeOf(b, family) - sizeOf(a, family));
    for (const field of ['counted length', ...fields] as const) {
      const fixed =
        field === 'counted length' ? undefined : this.words.constantWhere(state.condition, reading.read(field));
      if (field !== 'counted length' && fixed !== undefined) {
        constants.set(field, fixed);
        continue;
      }
      // Another field may begin with the same byte of the packet: which of the places the rules read is not known here.
      for (let slot = this.findSlot(state, flow, reading, field, taken); slot !== undefined;) {
        take(slot);
        slot = field === 'mark' ? undefined : this.findSlot(state, flow, reading, field, taken);
      }
    }
    for (let offset = 0; offset < bytes; offset++) {
      // The number of a rule is written by the rules themselves.
      if (taken.has(offset) || (offset >= FLOW_RULE && offset < FLOW_RULE + 4)) continue;
      const byte = bitsOf(state.memory.load(flow.region, flow.offset + offset, 1, this.words), this.words);
      const value = byte === undefined ? undefined : this.words.constantWhere(state.condition, byte);
      if (value !== undefined) take({ field: 'constant', offset, size: 1, wanted: 0, value });
    }
    return { bytes, slots, constants };
  }

  private findSlot(
    state: State,
    flow: Pointer,
    reading: ShapedEntry,
    field: Slot['field'],
    taken: ReadonlySet<number>,
  ): Slot | undefined {
    const size = field === 'counted length' || field === 'constant' ? 4 : sizeOf(field, this.family);
    const step = Math.min(size, 8);
    // What a field holds is the same wherever it lies.
    const held = candidates(field).map((wanted) => {
      const slot: Slot = { field, offset: 0, size, wanted };
      return { slot, bits: this.slotBits(reading, slot) };
    });
    for (let offset = 0; offset < -flow.offset; offset += step) {
      if (Array.from({ length: size }, (_, i) => offset + i).some((at) => taken.has(at))) continue;
      for (const { slot, bits } of held) {
        const here = { ...slot, offset };
        if (this.slotDiffers(state, flow, here, bits, true) === FALSE) return here;
      }
    }
    return undefined;
  }

  /** For which frames a slot does not hold its field; some of them, if the `first` one found is enough. */
  slotDiffers(state: State, flow: Pointer, slot: Slot, bits: Bits, first = false): Ref {
    const { words } = this;
    const { bdd } = words;
    const { offset, size } = slot;
    let differs: Ref = FALSE;
    for (const piece of pieces(bits, size)) {
      const have = bitsOf(state.memory.load(flow.region, flow.offset + offset + piece.at, piece.size, words), words);
      if (have === undefined) return state.condition;
      for (let i = 0; i < piece.size * 8; i++) {
        const x = bitAt(have, i);
        const y = bitAt(piece.bits, i);
        if (x !== y) differs = bdd.or(differs, bdd.and(state.condition, bdd.xor(x, y)));
        if (first && differs !== FALSE) return differs;
      }
    }
    return differs;
  }

  slotBits(reading: ShapedEntry, slot: Slot): Bits {
    const { field, wanted, value = 0n } = slot;
    if (field === 'constant') return constantBits(value);
    return field === 'counted length' ? reading.counted : slotPart(slot, reading.read(field, wanted));
  }
}

/** The layout, with those constants alone that the other one has, too. */
export function common(layout: Layout, other: Layout): Layout {
  const same = (slot: Slot): boolean =>
    slot.field !== 'constant' || other.slots.some((one) => one.offset === slot.offset && one.value === slot.value);
  return { ...layout, slots: layout.slots.filter(same) };
}

function candidates(field: Slot['field']): readonly number[] {
  if (field === 'counted length' || field === 'constant') return [0];
  if (field === 'connection state') return [0, UNMAPPED];
  const need = transportNeed(field);
  return need === undefined ? [0] : WANTED_BYTES.filter((bytes) => bytes >= need);
}
