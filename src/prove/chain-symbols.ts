import type { Opaque } from '../../grammar/model/condition.js';
import type { Field } from '../../grammar/model/fields.js';
import type { Family } from '../../grammar/model/family.js';
import type { Rule } from '../../grammar/model/ruleset.js';
import { Bdd, FALSE, not, type Ref } from './bdd.js';
import {
  knownBits,
  pieces,
  slotPart,
  transportNeed,
  whereReadable,
  type Known,
  type Layout,
  type Slot,
} from './flow.js';
import { answerOf, type Inputs } from './inputs.js';
import { refusePayload, type RuleMeaning, type RuleReading, type Specification } from './specification.js';
import { bitsOf, Memory, type State } from './state.js';
import { word, type Region } from './value.js';
import { Variables } from './variables.js';
import { constantBits, sameBits, Words, type Bits } from './words.js';

/** Order of the variables: what most rules test first comes first. */
const ORDER: readonly Field[] = [
  'proto',
  'fragoff',
  'l4len',
  'tcp.flags',
  'icmp.type',
  'dport',
  'sport',
  'daddr',
  'saddr',
];

/** What the chains of an object are proved over: variables for the bits of all fields, and the flow that holds them. */
export class ChainSymbols {
  readonly bdd = new Bdd();
  readonly words = new Words(this.bdd);
  readonly variables = new Variables(this.bdd);
  readonly flow: Region;
  readonly context: Region = { kind: 'context', name: 'ctx' };
  /** The flow as the entry leaves it. */
  readonly memory = Memory.empty();
  /** What a matched rule adds to its bytes. */
  readonly length: Bits;
  private readonly reading: RuleReading;
  private readonly fields = new Map<Known, Bits>();
  private answers = 0;

  constructor(
    private readonly family: Family,
    private readonly specification: Specification,
    private readonly layout: Layout,
  ) {
    this.flow = { kind: 'flow', name: 'flow', bytes: layout.bytes };
    for (const field of ORDER) this.field(field);
    this.reading = {
      words: this.words,
      field: (field) => this.field(field),
      opaque: (test: Opaque) => answerOf(test, this.inputs),
      answer: () => this.variables.word(`answer ${this.answers++}`, 1)[0],
      payload: refusePayload,
    };
    this.length = this.variables.word('counted length', 32);
    this.fillFlow();
  }

  private get inputs(): Inputs {
    const { family, specification } = this;
    const { questions } = specification;
    return { words: this.words, family, questions, known: (name) => this.field(name) };
  }

  /** The reference's value of a field. */
  field(field: Known): Bits {
    let bits = this.fields.get(field);
    if (bits === undefined) this.fields.set(field, (bits = this.fieldBits(field)));
    return bits;
  }

  private fieldBits(field: Known): Bits {
    const { layout, family } = this;
    const fixed = layout.constants.get(field);
    if (fixed !== undefined) return constantBits(fixed);
    const bits = this.variables.word(field, knownBits(field, family));
    const need = transportNeed(field);
    return need === undefined ? bits : whereReadable(this.words, bits, this.field('l4len'), need);
  }

  /** The packet's mark in front of a rule. */
  mark(): Bits {
    return this.field('mark');
  }

  /** When a rule matches, over the variables of the fields. */
  meaning(rule: Rule): RuleMeaning {
    return this.specification.meaning(rule, this.reading);
  }

  slotOf(field: Slot['field']): Slot | undefined {
    return this.layout.slots.find((slot) => slot.field === field);
  }

  /** What the entry leaves in a slot. */
  private slotBits(slot: Slot): Bits {
    const { field, wanted, value = 0n } = slot;
    if (field === 'constant') return constantBits(value);
    if (field === 'counted length') return this.length;
    const bits = this.field(field);
    return transportNeed(field) === undefined
      ? slotPart(slot, bits)
      : whereReadable(this.words, bits, this.field('l4len'), wanted);
  }

  private fillFlow(): void {
    for (const slot of this.layout.slots) {
      for (const piece of pieces(this.slotBits(slot), slot.size)) {
        this.memory.store(this.flow, slot.offset + piece.at, piece.size, word(piece.bits));
      }
    }
  }

  /** Where a way leaves other values in the flow than the rule does. */
  changed(state: State, mark: Bits | undefined): Ref {
    if (mark === undefined && state.memory.sameAs(this.flow, this.memory)) return FALSE;
    let differs: Ref = FALSE;
    for (const slot of this.layout.slots) {
      const want = slot.field === 'mark' && mark !== undefined ? mark : this.slotBits(slot);
      for (const piece of pieces(want, slot.size)) {
        const have = state.memory.load(this.flow, slot.offset + piece.at, piece.size, this.words);
        const bits = bitsOf(have, this.words);
        if (bits === undefined) return state.condition;
        if (!sameBits(bits, piece.bits)) differs = this.bdd.or(differs, not(this.words.equal(bits, piece.bits)));
      }
    }
    return this.bdd.and(state.condition, differs);
  }
}
