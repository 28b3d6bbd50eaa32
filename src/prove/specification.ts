import type { Opaque } from '../../grammar/model/condition.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { Effect, RejectType, Rule, Ruleset } from '../../grammar/model/ruleset.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { REJECT_TYPES, VERDICT } from '../../codegen/program/verdict.js';
import { entryChain, type ChainIndex } from '../evaluate/chains.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { isMemory } from './inputs.js';
import { meaningOf, type Asked, type Meaning, type Reading } from './meaning.js';
import type { Ref } from './bdd.js';
import { unsupported } from './unprovable.js';

/** When a rule matches, and which of its tests have memory. */
export interface RuleMeaning extends Meaning {
  readonly asked: readonly Asked[];
}

/** What the rules are read with. */
export interface RuleReading extends Reading {
  /** A variable for the answer of one test with memory. */
  answer(): Ref;
}

/** A rule by its chain and its number there, from 0. */
interface Place {
  readonly chain: string;
  readonly at: number;
}

/** What the rule list says, as the reference reads it; nothing here looks at what the compiler made of it. */
export class Specification {
  readonly index: ChainIndex;
  private readonly keys = new Map<string, number>();
  private readonly callers = new Map<string, Place[]>();
  private readonly meanings = new Map<Rule, RuleMeaning>();

  constructor(
    readonly ruleset: Ruleset,
    readonly table: TableName,
    readonly hookChain: BuiltinChain,
    readonly manifest: Manifest,
  ) {
    this.index = entryChain(ruleset, table, hookChain).index;
    for (const [chain, { rules }] of this.index) {
      rules.forEach(({ target: { effect } }, at) => {
        if (effect.kind !== 'jump') return;
        const known = this.callers.get(effect.chain);
        if (known === undefined) this.callers.set(effect.chain, [{ chain, at }]);
        else known.push({ chain, at });
      });
    }
    manifest.counters.forEach((entry, key) => {
      const name = entry.kind === 'rule' ? `${entry.chain} ${entry.number}` : `policy ${entry.chain}`;
      if (this.keys.has(name)) throw unsupported(`the object counts ${name} in two places`);
      this.keys.set(name, key);
    });
  }

  /** Words of the questions that iptables is asked in front of the program, in the order of their bits. */
  get questions(): readonly (readonly string[])[] {
    return this.manifest.asks?.questions.map(({ words }) => words) ?? [];
  }

  get policy(): 'ACCEPT' | 'DROP' {
    return this.index.get(this.hookChain)?.policy ?? 'ACCEPT';
  }

  rules(chain: string): readonly Rule[] {
    return this.index.get(chain)?.rules ?? [];
  }

  /** The rules that jump to a chain. */
  callersOf(chain: string): readonly Place[] {
    return this.callers.get(chain) ?? [];
  }

  /** Where the object says that it counts a rule; undefined where it has no place for it. */
  keyOf(chain: string, at: number): number | undefined {
    return this.keys.get(`${chain} ${at + 1}`);
  }

  policyKey(): number | undefined {
    return this.keys.get(`policy ${this.hookChain}`);
  }

  /** When the rule matches, over the symbols of `reading` (always the same one). */
  meaning(rule: Rule, reading: RuleReading): RuleMeaning {
    const known = this.meanings.get(rule);
    if (known !== undefined) return known;
    const asked: Asked[] = [];
    const opaque = (test: Opaque, here: Ref): Ref => {
      if (!isMemory(test)) return reading.opaque(test, here);
      const answer = reading.answer();
      asked.push({ test, here, answer });
      return answer;
    };
    const meaning = { ...meaningOf(ruleCondition(rule), { ...reading, opaque }), asked };
    this.meanings.set(rule, meaning);
    return meaning;
  }

  /** Verdict code of a function of a chain for what a rule's target decides; undefined where it decides nothing. */
  codeOf(effect: Effect): number | undefined {
    switch (effect.kind) {
      case 'accept':
        return VERDICT.ACCEPT;
      case 'drop':
        return VERDICT.DROP;
      case 'return':
        return VERDICT.RETURN;
      case 'reject':
        return this.manifest.reject === 'drop' ? VERDICT.DROP : rejectCodeOf(effect.type);
      case 'continue':
      case 'jump':
      case 'log':
      case 'mark':
        return undefined;
      case 'opaque':
        throw unsupported(`target ${effect.target}`);
    }
  }
}

/** What the chain functions return for an answer of this type. */
export function rejectCodeOf(type: RejectType): number {
  return VERDICT.REJECT + REJECT_TYPES.indexOf(type);
}

/** Verdict codes fit into so many bits. */
export const CODE_BITS = 5;

export function refusePayload(test: PayloadTest): never {
  throw unsupported(`test ${test.kind} walks over the packet`);
}
