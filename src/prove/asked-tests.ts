import type { Opaque } from '../../grammar/model/condition.js';
import { LIMITS } from '../../codegen/program/limit.js';
import type { LinkedInstruction, PlacedFunction } from '../../bpf-runtime/interpreter/program.js';
import { CLASS, CLASS_MASK, HELPER, JMP_OP, OPERATION_MASK } from '../../codegen/bytecode/instruction.js';
import { FALSE, not } from './bdd.js';
import type { Ending } from './world.js';
import { limitStretch, type LimitStretch } from './limit-stretch.js';
import type { Asked } from './meaning.js';
import type { Code } from './object-code.js';
import type { State } from './state.js';
import { unsupported } from './unprovable.js';
import { numberOf, word, type Value } from './value.js';
import type { Words } from './words.js';

/** The rule whose code is run: its tests with memory, and how many of them its code has asked. */
export interface AskingRule {
  /** Chain and number. */
  readonly name: string;
  readonly tests: readonly Asked[];
  asked: number;
}

/** The compiler's names of functions that answer tests with memory. */
const FUNCTIONS = [
  ['recent', /^recent_test_\d+$/],
  ['hashlimit', /^hashlimit_test_\d+$/],
] as const;

/**
 * Tests with memory in the code of rules. What they answer is an input that program and rules share; proved is that the
 * code asks the rule's tests in their order, for just the packets that come to them, and does what follows from the
 * answer. A bucket belongs to one test of one rule, a function to tests of the same words.
 */
export class AskedTests {
  private readonly stretches = new Map<number, LimitStretch>();
  private readonly owners = new Map<string, string>();
  private readonly checked = new Set<number>();

  constructor(
    private readonly code: Code,
    private readonly words: Words,
  ) {}

  /** Whether the function answers a test with memory, as its name says. */
  static answers({ name }: PlacedFunction): boolean {
    return FUNCTIONS.some(([, pattern]) => pattern.test(name));
  }

  /** A call of a function; undefined where it is none of a test. */
  call(placed: PlacedFunction, state: State, rule: AskingRule): Value | undefined {
    const kind = FUNCTIONS.find(([, pattern]) => pattern.test(placed.name))?.[0];
    if (kind === undefined) return undefined;
    this.refuseCounting(placed);
    const { answer } = this.next(rule, state, kind, (test) => {
      // Functions are shared by tests that are the same.
      this.claim(placed.name, wordsOf(test));
    });
    return word([answer]);
  }

  /** A look-up in the map of buckets, at the instruction `at`; undefined where it is none. */
  detour(placed: PlacedFunction, at: number, state: State, rule: AskingRule): readonly Ending[] | undefined {
    const [, map, key] = state.registers;
    if (!isLookUp(this.code.instructions[at])) return undefined;
    if (map?.kind !== 'pointer' || map.region.kind !== 'map' || map.region.name !== LIMITS) return undefined;
    if (key?.kind !== 'pointer' || key.region.kind !== 'stack') throw unsupported('a bucket whose number is not known');
    const bucket = numberOf(state.memory.load(key.region, key.offset, 4, this.words));
    const size = this.code.spec.maps.find(({ name }) => name === LIMITS)?.maxEntries ?? 0;
    if (bucket === undefined || bucket >= BigInt(size)) throw unsupported('a bucket whose number is not known');
    let stretch = this.stretches.get(at);
    if (stretch === undefined) {
      this.stretches.set(at, (stretch = limitStretch(this.code, placed, at, this.words)));
    }
    const { answer } = this.next(rule, state, 'limit', () => {
      this.claim(`bucket ${bucket}`, `${rule.name} ${rule.asked}`);
    });
    const { taken, refused, clobbers } = stretch;
    return [
      { at: taken, when: answer, clobbers },
      { at: refused, when: not(answer), clobbers },
    ];
  }

  /** The rule's next test, noted as asked. */
  private next(rule: AskingRule, state: State, kind: Opaque['name'], claim: (test: Opaque) => void): Asked {
    const asked = rule.tests.at(rule.asked);
    if (asked?.test.name !== kind) throw unsupported(`a test ${kind} that the rule does not have`);
    claim(asked.test);
    state.note(eventOfTest(rule.asked), state.condition, this.words);
    rule.asked++;
    return asked;
  }

  private claim(what: string, owner: string): void {
    const known = this.owners.get(what);
    if (known !== undefined && known !== owner) throw unsupported(`${what} is used for two tests`);
    this.owners.set(what, owner);
  }

  private refuseCounting(placed: PlacedFunction): void {
    if (this.checked.has(placed.start)) return;
    for (let at = placed.start; at < placed.end; at++) {
      const { reference } = this.code.instructions[at].instruction;
      if (reference?.kind === 'map' && !isMemory(reference.name))
        throw unsupported(`a test that uses ${reference.name}`);
    }
    this.checked.add(placed.start);
  }
}

/** Maps of tests with memory. */
const isMemory = (map: string): boolean => /^(recent|hash)/.test(map);

/** The event that the rule's test of that number was asked. */
export const eventOfTest = (number: number): string => `ask test ${number + 1}`;

/** The events that the rule's tests want. */
export function askingEvents(tests: readonly Asked[]): ReadonlyMap<string, number> {
  const events = new Map<string, number>();
  tests.forEach(({ here }, number) => {
    if (here !== FALSE) events.set(eventOfTest(number), here);
  });
  return events;
}

function wordsOf(test: Opaque): string {
  return JSON.stringify(test, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function isLookUp({ instruction: { opcode, src, imm, reference } }: LinkedInstruction): boolean {
  const isCall = (opcode & CLASS_MASK) === CLASS.JMP && (opcode & OPERATION_MASK) === JMP_OP.call;
  return isCall && src === 0 && reference === undefined && Number(imm) === HELPER.map_lookup_elem;
}
