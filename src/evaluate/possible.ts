import type { BuiltinChain, TableName } from '../../grammar/model/family.js';
import type { Packet } from '../../grammar/model/packet.js';
import type { Chain, Effect, RejectType, RuleRef, Ruleset } from '../../grammar/model/ruleset.js';
import { entryChain, jumpTarget, type ChainIndex } from './chains.js';
import { ruleCondition, setMark, type Oracle, type Verdict } from './evaluate.js';
import { DROPPING, HOTDROP, NO, outcomeOf, YES, type Outcome } from './outcome.js';
import { payloadReader, type PayloadReader } from './payload/index.js';
import { readFields, type FieldValues } from './read-fields.js';

/** The verdicts that are possible; `accept` not among them means that iptables drops or rejects the packet for sure. */
export interface PossibleVerdicts {
  readonly accept: boolean;
  readonly drop: boolean;
  readonly reject: ReadonlySet<RejectType>;
}

export interface PossibleInput {
  readonly ruleset: Ruleset;
  readonly table: TableName;
  readonly chain: BuiltinChain;
  readonly packet: Packet;
  /**
   * Answers what is known all the same, at any place and any number of times: it must have no memory, and leave tests
   * like `limit` unanswered.
   */
  readonly oracle?: Oracle;
}

/**
 * The verdicts of `evaluate` over all answers of the tests that have none, each occurrence answered by itself. A
 * superset where marks set on some ways only are tested later, or where a target is not understood.
 *
 * Chains are explored rule by rule, not way by way: each chain once for what may be known on entry.
 *
 * @throws UnreadablePacketError, RulesetFaultError as `evaluate`
 */
export function possibleVerdicts(input: PossibleInput): PossibleVerdicts {
  const { chain, index } = entryChain(input.ruleset, input.table, input.chain);
  const exploration: Exploration = {
    index,
    fields: readFields(input.packet, input.ruleset.family, input.chain),
    payload: payloadReader(input.packet, input.ruleset.family, input.chain),
    oracle: input.oracle ?? (() => undefined),
    explored: new Map(),
  };
  const summary = explore(exploration, chain, { mark: input.packet.mark >>> 0, changed: false });
  const verdicts = new Found();
  verdicts.join(summary.verdicts);
  if (summary.leaves !== undefined) verdicts.add(chain.policy === 'DROP' ? 'drop' : 'accept');
  return verdicts;
}

class Found implements PossibleVerdicts {
  accept = false;
  drop = false;
  readonly reject = new Set<RejectType>();

  add(verdict: Verdict): void {
    if (verdict === 'accept') this.accept = true;
    else if (verdict === 'drop') this.drop = true;
    else this.reject.add(verdict.reject);
  }

  join(other: PossibleVerdicts): void {
    this.accept ||= other.accept;
    this.drop ||= other.drop;
    for (const type of other.reject) this.reject.add(type);
  }
}

/** What is known of the packet at a place, on every way that leads there. */
interface Known {
  /** undefined: ways with different marks lead here. */
  readonly mark: number | undefined;
  /** A target that is not understood may have rewritten the packet. */
  readonly changed: boolean;
}

/** Undefined: no way leads there. */
type Reached = Known | undefined;

function join(a: Reached, b: Reached): Reached {
  if (a === undefined || b === undefined) return a ?? b;
  return { mark: a.mark === b.mark ? a.mark : undefined, changed: a.changed || b.changed };
}

interface Summary {
  readonly verdicts: PossibleVerdicts;
  /** What is known where the chain ends or returns. */
  readonly leaves: Reached;
}

interface Exploration {
  readonly index: ChainIndex;
  readonly fields: FieldValues;
  readonly payload: PayloadReader;
  readonly oracle: Oracle;
  /** By chain and what was known on entry. */
  readonly explored: Map<string, Summary>;
}

function explore(exploration: Exploration, chain: Chain, entry: Known): Summary {
  const key = `${entry.mark ?? '?'} ${entry.changed ? 1 : 0} ${chain.name}`;
  const known = exploration.explored.get(key);
  if (known !== undefined) return known;
  const summary = exploreRules(exploration, chain, entry);
  exploration.explored.set(key, summary);
  return summary;
}

function exploreRules(exploration: Exploration, chain: Chain, entry: Known): Summary {
  const verdicts = new Found();
  let leaves: Reached;
  let here: Reached = entry;
  for (const [at, rule] of chain.rules.entries()) {
    if (here === undefined) break;
    const outcome = possibleOutcomes(exploration, here, chain, at);
    if ((outcome & (HOTDROP | DROPPING)) !== 0) verdicts.add('drop');
    let next: Reached = (outcome & NO) === 0 ? undefined : here;
    if ((outcome & YES) !== 0) {
      const { effect } = rule.target;
      switch (effect.kind) {
        case 'accept':
        case 'drop':
          verdicts.add(effect.kind);
          break;
        case 'reject':
          verdicts.add({ reject: effect.type });
          break;
        case 'return':
          leaves = join(leaves, here);
          break;
        case 'continue':
        case 'log':
          next = here;
          break;
        case 'mark': {
          next = join(next, { ...here, mark: markAfter(here.mark, effect) });
          break;
        }
        case 'opaque':
          verdicts.add('accept');
          verdicts.add('drop');
          next = { mark: undefined, changed: true };
          break;
        case 'jump': {
          const target = jumpTarget(exploration.index, effect.chain, chain, at + 1);
          const below = explore(exploration, target, here);
          verdicts.join(below.verdicts);
          // A chain entered by goto returns to where this one would.
          if (effect.goto) leaves = join(leaves, below.leaves);
          else next = join(next, below.leaves);
          break;
        }
      }
    }
    here = next;
  }
  return { verdicts, leaves: join(leaves, here) };
}

/** A MARK that clears every bit leaves a known mark, whatever it was. */
function markAfter(mark: number | undefined, effect: Extract<Effect, { kind: 'mark' }>): number | undefined {
  if (mark === undefined && effect.clear >>> 0 !== 0xffffffff) return undefined;
  return setMark(mark ?? 0, effect);
}

function possibleOutcomes(exploration: Exploration, known: Known, chain: Chain, at: number): Outcome {
  const { fields, payload, oracle } = exploration;
  const rule: RuleRef = { chain: chain.name, number: at + 1 };
  return outcomeOf(ruleCondition(chain.rules[at]), {
    fields,
    payload,
    ...known,
    answer: (test) => (known.changed ? undefined : oracle(test, rule, fields)),
  });
}
