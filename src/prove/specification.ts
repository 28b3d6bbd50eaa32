import type { Opaque } from '../../grammar/model/condition.js';
import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { PayloadTest } from '../../grammar/model/payload.js';
import type { Effect, RejectType, Rule, Ruleset } from '../../grammar/model/ruleset.js';
import type { Manifest } from '../../codegen/program/manifest.js';
import { REJECT_TYPES, VERDICT } from '../../codegen/program/verdict.js';
import { entryChain, type ChainIndex } from '../evaluate/chains.js';
import { ruleCondition } from '../evaluate/evaluate.js';
import { meaningOf, type Meaning, type Reading } from './meaning.js';
import { unsupported } from './unprovable.js';

/** What the rule list says, as the reference reads it; nothing here looks at what the compiler made of it. */
export class Specification {
  readonly index: ChainIndex;
  private readonly keys = new Map<string, number>();
  private readonly meanings = new Map<Rule, Meaning>();

  constructor(
    readonly ruleset: Ruleset,
    readonly table: TableName,
    readonly hookChain: BuiltinChain,
    readonly manifest: Manifest,
  ) {
    this.index = entryChain(ruleset, table, hookChain).index;
    manifest.counters.forEach((entry, key) => {
      const name = entry.kind === 'rule' ? `${entry.chain} ${entry.number}` : `policy ${entry.chain}`;
      if (this.keys.has(name)) throw unsupported(`the object counts ${name} in two places`);
      this.keys.set(name, key);
    });
  }

  get policy(): 'ACCEPT' | 'DROP' {
    return this.index.get(this.hookChain)?.policy ?? 'ACCEPT';
  }

  rules(chain: string): readonly Rule[] {
    return this.index.get(chain)?.rules ?? [];
  }

  /** Where the object says that it counts a rule; undefined where it has no place for it. */
  keyOf(chain: string, at: number): number | undefined {
    return this.keys.get(`${chain} ${at + 1}`);
  }

  policyKey(): number | undefined {
    return this.keys.get(`policy ${this.hookChain}`);
  }

  /** When the rule matches, over the symbols of `reading` (always the same one). */
  meaning(rule: Rule, reading: Reading): Meaning {
    let meaning = this.meanings.get(rule);
    if (meaning === undefined) this.meanings.set(rule, (meaning = meaningOf(ruleCondition(rule), reading)));
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

export function refuseOpaque(test: Opaque): never {
  throw unsupported(`test ${test.name === 'module' ? test.module : test.name}`);
}

export function refusePayload(test: PayloadTest): never {
  throw unsupported(`test ${test.kind} walks over the packet`);
}
